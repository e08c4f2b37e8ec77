"""What the pages of bids tell beyond their rows: calculations in words, doubt, how to pay. Reads; decides nothing.

What an exchanger wrote stays text: templates escape it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views.forms import reason
from payments.models import Approval, Bid, BidAct, Direction, ProviderCall
from payments.providers.redaction import mask_account, mask_numbers
from payments.services import (
    bid_acts,
    bid_decisions,
    bid_fields,
    bid_quotes,
    bid_variance,
    bids,
    decisions,
)

QR_BYTES = 1500


# --- The calculation beside a form ---
@dataclass(frozen=True)
class Calculation:
    """What stands beside the form now: a quote, or why there is none. `is_busy`: it is still on its way."""

    direction: Direction
    quoted: bid_quotes.Quoted | None = None
    problems: tuple[str, ...] = ()
    is_busy: bool = False

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """(what, exact number, currency) of what the exchanger told."""
        if self.quoted is None:
            return []
        texts, names = self.quoted.texts, _names()
        return [
            (label, texts[name], texts[f"{side}_currency"]) for name, label, side in names if texts.get(name)
        ]


def _names() -> list[tuple[str, str, str]]:
    return [
        ("give", _("We give, before the fee"), "give"),
        ("give_with_fee", _("We give in all, the exchanger’s fee added"), "give"),
        ("get", _("We receive, before the fee"), "get"),
        ("get_with_fee", _("We receive in the end, the exchanger’s fee taken off"), "get"),
    ]


def calculation(direction: Direction, user: Any, typed: Mapping[str, Any]) -> Calculation:
    """The calculator's answer for what is typed so far; while no amount is typed nobody is asked."""
    if not str(typed.get("calc_amount") or "").strip():
        return Calculation(direction)
    try:
        return Calculation(direction, bids.quote(actor=user, account=direction.account, fields=dict(typed)))
    except bid_quotes.Busy:
        return Calculation(direction, is_busy=True)
    except ValidationError as error:
        return Calculation(direction, problems=tuple(reason(error)))


# --- One bid ---
@dataclass(frozen=True)
class HowToPay:
    """What the exchanger says about paying. All of it is text from outside.

    The `*_url` carry the bid's handle: with one of them anybody can cancel the bid.
    """

    amount: Decimal | None
    amount_text: str
    address: str
    tag: str
    instruction: str
    qr: str
    pay_url: str = ""
    cancel_url: str = ""
    page_url: str = ""


def how_to_pay(bid: Bid, *, with_links: bool) -> HowToPay:
    """Where and how much, with a QR code where one can be scanned; who only reads is told neither what carries the
    handle nor the number of a card or an account to pay to.
    """
    address, instruction = bid.pay_address, bid.instruction
    has_qr = 0 < len(address.encode()) <= QR_BYTES and mask_account(address) == address
    links = {}
    if with_links:
        links = {"pay_url": bid.pay_url, "cancel_url": bid.cancel_url, "page_url": bid.page_url}
    else:
        address, instruction = mask_account(address), mask_numbers(instruction)
        if Bid._meta.get_field("handle").is_set(bid):
            instruction = instruction.replace(bid.handle, "***")
    return HowToPay(
        amount=bid.pay_amount,
        amount_text=bid.pay_amount_text,
        address=address,
        tag=bid.pay_tag,
        instruction=instruction,
        qr=address if has_qr else "",
        **links,
    )


@dataclass(frozen=True)
class Compared:
    """One side of the quote beside the answer."""

    label: str
    quoted: Decimal | None
    stated: Decimal | None
    currency: str
    difference: Decimal | None


def compared(bid: Bid) -> list[Compared]:
    """The quote beside the answer, side by side."""
    found = bid_variance.variance(bid)
    return [
        Compared(
            label,
            getattr(bid, f"expected_{side}"),
            getattr(bid, f"amount_{side}"),
            getattr(bid, f"{side}_currency"),
            found.get(side),
        )
        for side, label in (("give", _("We give")), ("get", _("We receive")))
    ]


@dataclass(frozen=True)
class Doubt:
    """The evidence about a bid in doubt, and what bars each way out for the person who looks."""

    attempts: list[ProviderCall]
    look: ProviderCall | None
    is_fresh: bool
    minutes_left: int
    proposal: Approval | None
    bars: dict[str, str]

    @property
    def attempt(self) -> ProviderCall | None:
        return self.attempts[0] if self.attempts else None

    @property
    def is_settled(self) -> bool:
        return self.minutes_left == 0


def doubt(bid: Bid, user: Any) -> Doubt:
    """What is known about a bid whose outcome is not, for this person."""
    look = decisions.last_look(bid.reference)
    calls = decisions.attempts(bid.reference, bids.OPERATION)
    return Doubt(
        attempts=calls,
        look=look,
        is_fresh=look is not None and look.started_at > timezone.now() - decisions.FRESH,
        minutes_left=decisions.minutes_left(calls[0] if calls else None),
        proposal=bid_decisions.pending(bid),
        bars={step: bid_decisions.why_not(actor=user, bid=bid, step=step) for step in bid_decisions.CHECKS},
    )


def attempts(bid: Bid) -> list[ProviderCall]:
    """Every call that may have moved something of this bid, the newest first, without what was said."""
    calls = ProviderCall.objects.filter(reference_id=bid.reference_id, safe=False)
    found = list(calls.defer("request", "response").order_by("-started_at"))
    return named(found)


#: What each call was for, as the buttons call it.
CALLS = {
    bids.OPERATION: gettext_lazy("Make the bid"),
    **{operation: act.label for act, operation in bid_acts.OPERATIONS.items()},
}


def named(found: list[ProviderCall]) -> list[ProviderCall]:
    """Calls (newest first) numbered through, whatever they were for, each with its name as `what`."""
    for number, call in enumerate(reversed(found), 1):
        call.number = number
        call.what = CALLS.get(call.operation, call.operation)  # type: ignore[attr-defined]
    return found


def acts_possible(bid: Bid) -> dict[str, bool]:
    """What can be done with the bid at the exchanger now, by act."""
    return {act: not bid_acts.why_not(bid=bid, act=act) for act in BidAct.Act.values}


def quote_lines(bid: Bid) -> list[tuple[str, str, str]]:
    """The quote that was kept: (what, exact number, currency)."""
    quote = bid.quote
    return [
        (label, quote[name], quote.get(f"{side}_currency", ""))
        for name, label, side in _names()
        if quote.get(name)
    ]


def sent_amount(bid: Bid) -> str:
    """What was asked for, in words of the form."""
    typed = bid_fields.to_send(bid) if bid.typed else {}
    action = str(typed.get("calc_action", ""))
    words = dict(_actions()).get(action, "")
    return f"{words}: {typed['calc_amount']}" if words else ""


def _actions() -> list[tuple[str, str]]:
    return [
        ("1", _("We give this much")),
        ("2", _("We receive this much")),
        ("3", _("We give this much in all, with the exchanger’s fee on it")),
        ("4", _("We receive this much in the end, after the exchanger’s fee")),
    ]
