"""From premium_exchanger's answers about the partner programme to reports. Pure: asks nobody.

Sources: the document's sections get_partner_info, get_partner_links, get_partner_exchanges, get_partner_payouts,
add_partner_payout. The document writes `commission`, public copies `comission`: both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable, amount, needed, signed_amount
from payments.providers.bids import Page
from payments.providers.partner import (
    PartnerExchange,
    PartnerLink,
    PartnerPayoutCreated,
    PartnerPayoutReport,
    PartnerReport,
    PayoutMethod,
)
from payments.providers.premium_exchanger import bids
from payments.providers.premium_exchanger.directions import (
    CODE_LENGTH,
    flag,
    is_missing,
    limit,
    optional_amount,
)
from payments.providers.premium_exchanger.envelope import an_object, error_code, sorted_out
from payments.providers.premium_exchanger.plaintext import prose, title
from payments.providers.words import gettext_noop as _

Data = Mapping[str, Any]

PAYOUT_STATES = {
    "0": "pending",
    "1": "complete",
    "2": "canceled",
    "3": "canceled",  # in public copies: by the partner
}
PAYOUT_WORDS = {"0": _("pending"), "1": _("paid out"), "2": _("canceled"), "3": _("canceled by us")}


def info(data: Any, raw: Data) -> PartnerReport:
    """Who we are and what we have."""
    found = an_object(data)
    methods, bad = sorted_out(bids.items(data), bids.items(raw.get("data")), _method)
    return PartnerReport(
        needed(found, "partner_id", limit=64),
        signed_amount(found, "balance"),
        limit(found, "min_payout"),
        methods,
        bad,
        raw=raw,
    )


def _method(data: Data, _cleaned: Data) -> PayoutMethod:
    commission = title(data, "commission") or title(data, "comission")
    return PayoutMethod(
        needed(data, "id", limit=64), title(data, "title"), commission, optional_amount(data, "amount")
    )


def links(data: Any, raw: Data) -> Page[PartnerLink]:
    """Who came by our links. Nothing in a row is needed: all of it is what browsers say."""

    def read(row: Data, cleaned: Data) -> PartnerLink:
        return PartnerLink(
            time_text=title(row, "time"),
            date_text=title(row, "date"),
            browser=title(row, "browser"),
            ip=title(row, "ip"),
            referrer=prose(row, "referrer", limit=2000),
            user_hash=title(row, "user_hash"),
            query_string=prose(row, "query_string", limit=2000),
            raw=cleaned,
        )

    return Page(*sorted_out(bids.items(data), bids.items(raw.get("data")), read))


def exchanges(data: Any, raw: Data) -> Page[PartnerExchange]:
    """Bids of people whom we brought."""

    def read(row: Data, cleaned: Data) -> PartnerExchange:
        return PartnerExchange(
            bids.row(row, cleaned), flag(row, "accrued"), optional_amount(row, "partner_reward")
        )

    return Page(*sorted_out(bids.items(data), bids.items(raw.get("data")), read))


def payouts(data: Any, raw: Data) -> Page[PartnerPayoutReport]:
    """Our requests for payouts."""
    return Page(*sorted_out(bids.items(data), bids.items(raw.get("data")), _payout))


def _payout(row: Data, cleaned: Data) -> PartnerPayoutReport:
    if is_missing(row.get("status")):
        raise Unreadable("status is missing")
    status = needed(row, "status", limit=100)
    return PartnerPayoutReport(
        needed(row, "id", limit=64),
        PAYOUT_STATES.get(answers.word(status)),
        status,
        method_id=needed(row, "method_id", limit=64),
        pay_amount=amount(row, "pay_amount"),
        pay_currency=needed(row, "pay_currency_code", limit=CODE_LENGTH),
        original_amount=optional_amount(row, "original_amount"),
        original_currency=title(row, "original_currency_code"),
        account=title(row, "account"),
        time_text=title(row, "time"),
        date_text=title(row, "date"),
        raw=cleaned,
    )


def is_taken(data: Data) -> bool:
    """Whether an answer's `data` proves that a payout was requested: `payout_id` wins over `error`."""
    with suppress(Unreadable):
        return needed(data, "payout_id", limit=64) != "0"
    return False


def requested(data: Any, raw: Data) -> PartnerPayoutCreated:
    """The answer to add_partner_payout."""
    found = an_object(data)
    if not is_taken(found):
        raise Unreadable("payout_id is missing")
    complaint = "" if error_code(raw) == "0" else title(raw, "error_text") or f"error {error_code(raw)}"
    return PartnerPayoutCreated(needed(found, "payout_id", limit=64), complaint, raw=raw)
