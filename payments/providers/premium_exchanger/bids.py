"""From premium_exchanger's answers about bids to reports. Pure: asks nobody.

Sources: the document's sections create_bid, bid_info, cancel_bid, pay_bid, success_bid, get_exchanges; the words
of statuses are those of public copies of the script. Only `status` decides, never `exchange_success`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable, amount, needed, text
from payments.providers.bids import BidActions, BidReport, BidRow, BidStateReport, BidStatusChange, Page
from payments.providers.errors import OutcomeUnknown
from payments.providers.premium_exchanger.directions import (
    CODE_LENGTH,
    is_missing,
    optional_amount,
)
from payments.providers.premium_exchanger.envelope import an_object, rows, sorted_out
from payments.providers.premium_exchanger.plaintext import prose, title
from payments.providers.words import gettext_noop as _

Data = Mapping[str, Any]

STATES = {
    "new": "new",
    "coldnew": "new",
    "techpay": "new",
    "coldpay": "new",
    "payed": "paid",
    "realpay": "processing",
    "verify": "processing",
    "coldsuccess": "processing",
    "success": "complete",
    "cancel": "canceled",
    "delete": "canceled",
}
#: Known words that move nothing: money may be anywhere, a person must look.
NEED_PERSON = frozenset({"error", "payouterror", "scrpayerror"})
#: What each word means, for people.
WORDS = {
    "auto": _("not confirmed by its maker"),
    "new": _("waits for payment"),
    "coldnew": _("waits for payment, seen and not confirmed"),
    "techpay": _("its page of payment was opened"),
    "coldpay": _("waits until the payment is confirmed"),
    "payed": _("said to be paid"),
    "realpay": _("paid"),
    "verify": _("is being checked"),
    "coldsuccess": _("is being paid out"),
    "success": _("done"),
    "error": _("went wrong: ask the exchanger"),
    "payouterror": _("went wrong when it was paid out: ask the exchanger"),
    "scrpayerror": _("went wrong when it was paid out by the script: ask the exchanger"),
    "cancel": _("canceled"),
    "delete": _("deleted"),
}
#: A bid that its maker has not confirmed: the exchanger itself hides it.
HIDDEN = "auto"

BY_API, DISABLED = "api", "disabled"
OTHER_BID = _("The exchanger answered about another bid. Somebody must look at this.")


def created(reference: str) -> Callable[[Any, Data], BidReport]:
    """The answer to create_bid. Its id and hash are enough: the bid exists, the rest can be asked for."""

    def read(data: Any, raw: Data) -> BidReport:
        return _bid(an_object(data), raw, reference=reference, whole=False)

    return read


def found(*, provider_id: str, bid_hash: str) -> Callable[[Any, Data], BidReport]:
    """The answer to bid_info about the bid that was asked for; another one is OutcomeUnknown(reason="other")."""

    def read(data: Any, raw: Data) -> BidReport:
        report = _bid(an_object(data), raw, reference="", whole=True)
        if (provider_id and report.provider_id != provider_id) or (bid_hash and report.hash != bid_hash):
            raise OutcomeUnknown(
                "bid_info: another bid", reason="other", staff=OTHER_BID, params={"other": report.provider_id}
            )
        return report

    return read


def _bid(data: Data, raw: Data, *, reference: str, whole: bool) -> BidReport:
    status = text(data, "status", limit=100).strip()
    read = amount if whole else optional_amount
    if whole and not status:
        raise Unreadable("status is missing")
    with suppress(Unreadable):  # no version must tell it; what it tells is believed over what we asked for
        told = text(data, "api_id", limit=100).strip()
        reference = reference if told in ("", "0") else told
    return BidReport(
        reference,
        needed(data, "id", limit=64),
        needed(data, "hash", limit=128),
        answers.link(data, "url"),
        *words(status),
        status_title=title(data, "status_title"),
        give_system=title(data, "psys_give"),
        get_system=title(data, "psys_get"),
        give_currency=_code(data, "currency_code_give", is_needed=whole),
        get_currency=_code(data, "currency_code_get", is_needed=whole),
        amount_give=read(data, "amount_give"),
        amount_get=read(data, "amount_get"),
        actions=actions(data.get("api_actions")),
        raw=raw,
    )


def words(status: str) -> tuple[str | None, str, bool]:
    """(our word, theirs, whether a person must look)."""
    word = answers.word(status)
    return STATES.get(word), status, word in NEED_PERSON


def _code(data: Data, name: str, *, is_needed: bool) -> str:
    return needed(data, name, limit=CODE_LENGTH) if is_needed else text(data, name, limit=CODE_LENGTH).strip()


def actions(data: Any) -> BidActions:
    """How the bid is paid or canceled. Nothing of it is proof: what cannot be read is left out."""
    found = data if isinstance(data, dict) else {}
    pay, cancel = (answers.word(prose(found, name, limit=2000)) for name in ("pay", "cancel"))
    pay_amount = None
    with suppress(Unreadable):
        pay_amount = optional_amount(found, "pay_amount")
    return BidActions(
        type=answers.word(title(found, "type")),
        can_cancel=cancel == BY_API,
        cancel_url=answers.link(found, "cancel"),
        can_pay=pay == BY_API,
        pay_url=answers.link(found, "pay"),
        instruction=prose(found, "instruction"),
        pay_amount=pay_amount,
        pay_amount_text="" if pay_amount is not None else title(found, "pay_amount"),
        address=title(found, "address"),
        tag=title(found, "dest_tag"),
    )


def state(data: Any, raw: Data) -> BidStateReport:
    """What cancel_bid, pay_bid and success_bid answer: the status, as a text or in an object."""
    status = text(data if isinstance(data, dict) else {"status": data}, "status", limit=100).strip()
    if not status:
        raise Unreadable("status is missing")
    return BidStateReport(*words(status), raw=raw)


def listed(*, reference: str = "", provider_id: str = "") -> Callable[[Any, Data], Page[BidRow]]:
    """A page of get_exchanges. Rows of other references or ids than asked for are left out: the exchanger's
    own filter by reference looks at another column.
    """

    def read(data: Any, raw: Data) -> Page[BidRow]:
        good, bad = sorted_out(items(data), items(raw.get("data")), row)
        return Page(
            tuple(
                one
                for one in good
                if reference in ("", one.reference) and provider_id in ("", one.provider_id)
            ),
            bad,
        )

    return read


def items(data: Any) -> Any:
    """The rows inside `data`; there are none where PHP printed an empty list."""
    return an_object(data).get("items")


def row(data: Data, cleaned: Data) -> BidRow:
    """One line of a list of bids."""
    state, status, needs_person = words(needed(data, "status", limit=100))
    flag = (
        "" if is_missing(data.get("exchange_success")) else text(data, "exchange_success", limit=20).strip()
    )
    return BidRow(
        needed(data, "id", limit=64),
        text(data, "api_id", limit=100).strip(),
        state,
        status,
        needs_person,
        give_system=title(data, "psys_give"),
        get_system=title(data, "psys_get"),
        give_currency=needed(data, "currency_code_give", limit=CODE_LENGTH),
        get_currency=needed(data, "currency_code_get", limit=CODE_LENGTH),
        amount_give=amount(data, "amount_give"),
        amount_get=amount(data, "amount_get"),
        course_give=optional_amount(data, "course_give"),
        course_get=optional_amount(data, "course_get"),
        hash=text(data, "hash", limit=128).strip(),
        success_flag=flag,
        user_hash=title(data, "user_hash"),
        user_ip=title(data, "user_ip"),
        time_text=title(data, "time"),
        date_text=title(data, "date"),
        history=tuple(_change(one) for one, _raw in rows(data.get("statuses"), data.get("statuses"))),
        is_hidden=answers.word(status) == HIDDEN,
        raw=cleaned,
    )


def _change(data: Any) -> BidStatusChange:
    if not isinstance(data, dict):
        raise Unreadable("a status change is no object")
    state, status, _needs_person = words(needed(data, "status", limit=100))
    return BidStatusChange(state, status, title(data, "time"), title(data, "date"))
