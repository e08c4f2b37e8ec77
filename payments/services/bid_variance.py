"""Where an exchanger's answer is not what was asked for and quoted: as sentences, which a person may let go. Deals floor.

Pure arithmetic on exact numbers: asks nobody, writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import Bid
from payments.providers.bids import BidReport

from . import bid_fields

#: What some exchangers repeat of our request, under our own names; masked values are compared by nobody.
ECHOED = ("direction_id", "account1", "account2")


@dataclass(frozen=True)
class Differences:
    """`held`: what stops the bid until a person decides. `told`: what somebody should know, "" for nothing."""

    held: list[str]
    told: str


def texts(report: BidReport) -> dict[str, Any]:
    """The answer's numbers and words as JSON can hold them exactly."""
    told: dict[str, Any] = {
        name: "" if value is None else money.plain(value)
        for name, value in (("amount_give", report.amount_give), ("amount_get", report.amount_get))
    }
    words = {
        "give_system": report.give_system,
        "get_system": report.get_system,
        "give_currency": report.give_currency,
        "get_currency": report.get_currency,
    }
    return {name: value for name, value in (told | words).items() if value}


def differences(bid: Bid, report: BidReport) -> Differences:
    """Everything in which a report differs from the bid."""
    held = []
    if report.needs_person:
        held.append(
            _("The exchanger says “%s”: where the money is must be found out by a person.")
            % report.provider_status
        )
    if bid.is_imported:
        return Differences(held, "")
    held += _others(bid, report)
    if report.status == Bid.Status.CANCELED:
        return Differences(held, "")  # of what will not be, no number matters
    held += _amounts(bid, report)
    return Differences(held, _better(bid, report))


def _others(bid: Bid, report: BidReport) -> list[str]:
    found = []
    for side, ours, theirs in (
        (_("give"), bid.give_currency, report.give_currency),
        (_("receive"), bid.get_currency, report.get_currency),
    ):
        if theirs and theirs.upper() != ours.upper():
            found.append(
                _("The currency to %(side)s is %(theirs)s, asked for was %(ours)s.")
                % {"side": side, "theirs": theirs, "ours": ours}
            )
    for ours, theirs in ((bid.give_system, report.give_system), (bid.get_system, report.get_system)):
        if theirs and ours and not _alike(ours, theirs):
            found.append(
                _("The payment system is “%(theirs)s”, asked for was “%(ours)s”.")
                % {"theirs": theirs[:80], "ours": ours[:80]}
            )
    return found + _echoes(bid, report)


def _alike(ours: str, theirs: str) -> bool:
    """Whether two names of a payment system may be one: lists add the currency's code, and spell signs their own way."""
    one, other = ("".join(filter(str.isalnum, name.casefold())) for name in (ours, theirs))
    return one in other or other in one


def _echoes(bid: Bid, report: BidReport) -> list[str]:
    data = report.raw.get("data")
    if not isinstance(data, Mapping):
        return []
    sent = bid_fields.to_send(bid)
    found = []
    for name in ECHOED:
        value = data.get(name)
        theirs = "" if value is None or isinstance(value, (dict, list, bool)) else str(value).strip()
        if theirs and "*" not in theirs and name in sent and theirs != str(sent[name]):
            found.append(_("It answers with another “%(name)s” than we sent.") % {"name": name})
    return found


def _quoted(bid: Bid, *names: str) -> list[Decimal]:
    amounts = (bid_fields.amount_of(bid.quote, name) for name in names)
    return [amount for amount in amounts if amount]


def _amounts(bid: Bid, report: BidReport) -> list[str]:
    tolerance = bid.account.rate_tolerance
    gives, gets = _quoted(bid, "give", "give_with_fee"), _quoted(bid, "get", "get_with_fee")
    found = []
    give, got = report.amount_give, report.amount_get
    if give is not None and gives and min(abs(give - one) / one for one in gives) > tolerance:
        found.append(
            _sentence(_("We are to give %(theirs)s %(code)s, quoted was %(ours)s."), bid, "give", give)
        )
    if got is not None and gets and got < min(gets) * (1 - tolerance):
        found.append(
            _sentence(_("We are to receive %(theirs)s %(code)s, quoted was %(ours)s."), bid, "get", got)
        )
    if not found and give and got is not None and gives and gets:
        worst = min(gets) / max(gives)
        if got / give < worst * (1 - tolerance):
            found.append(_("The rate is worse than the quote by more than the account’s tolerance."))
    pay = report.actions.pay_amount
    if pay is not None and gives and pay > max(gives) * (1 + tolerance):
        found.append(
            _sentence(_("It wants to be paid %(theirs)s %(code)s, quoted was %(ours)s."), bid, "give", pay)
        )
    return found


def _better(bid: Bid, report: BidReport) -> str:
    gets = _quoted(bid, "get", "get_with_fee")
    if report.amount_get is None or not gets:
        return ""
    if report.amount_get <= max(gets) * (1 + bid.account.rate_tolerance):
        return ""
    return _sentence(
        _("We are to receive %(theirs)s %(code)s, more than the %(ours)s that were quoted."),
        bid,
        "get",
        report.amount_get,
    )


def _sentence(pattern: str, bid: Bid, side: str, theirs: Decimal) -> str:
    ours = bid.quote.get(f"{side}_with_fee") or bid.quote.get(side, "")
    return pattern % {
        "theirs": money.plain(theirs),
        "ours": ours,
        "code": getattr(bid, f"{side}_currency"),
    }


def variance(bid: Bid) -> dict[str, Decimal]:
    """For the page: by side, what is stated less what was quoted, where both are known and differ."""
    found = {}
    for side in ("give", "get"):
        stated, ours = getattr(bid, f"amount_{side}"), getattr(bid, f"expected_{side}")
        if stated is not None and ours is not None and stated != ours:
            found[side] = stated - ours
    return found
