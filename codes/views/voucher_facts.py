"""What the pages of a voucher tell beyond its row: what is sent, its request, who saw its code, doubt.

Reads; decides nothing. Neither code nor password is read here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from backoffice.kit import html
from backoffice.kit.paging import COUNT_CAP, capped_counts
from backoffice.models import AuditEntry
from codes.models import Voucher, VoucherListing
from codes.services import redemptions, voucher_decisions, voucher_fields, vouchers
from payments.models import Approval, ProviderAccount, ProviderCall
from payments.providers import PROVIDERS, offering
from payments.providers.base import Vouchers
from payments.services import decisions

Status = Voucher.Status
MASK = "••••••••"


def is_kept(voucher: Voucher, part: str) -> bool:
    """Whether the code or the password is kept here, so that it can be shown. Does not read it."""
    return voucher._meta.get_field(part).is_set(voucher)  # type: ignore[union-attr]


# --- Deciding ---
@dataclass(frozen=True)
class Parameter:
    """One value that is sent, under the provider's own name and with its label."""

    name: str
    label: Any
    text: str
    is_amount: bool = False


def parameters(voucher: Voucher) -> list[Parameter]:
    """All that is sent for one voucher, in the order of the provider's document; a password is masked."""
    sent = voucher_fields.to_send(voucher)
    found = []
    for field in PROVIDERS[voucher.account.provider].voucher_fields:
        if field.name in sent:
            value: Any = MASK if field.secret else sent[field.name]
            is_amount = isinstance(value, Decimal)
            text = html.amount_text(value, voucher.currency) if is_amount else str(value)
            found.append(Parameter(field.name, _(field.label), text, is_amount))
    return found


def given(voucher: Voucher) -> list[Approval]:
    """Who said yes to what, the oldest first."""
    return list(voucher.reference.approvals.select_related("approver").order_by("created_at", "pk"))


# --- Its request ---
@dataclass(frozen=True)
class Bulk:
    """The request that a voucher belongs to: how many there are, and what they are worth together."""

    count: int
    total: Decimal
    states: list[tuple[str, Any, str, int]]


def bulk(voucher: Voucher) -> Bulk | None:
    """All of the same request, by state; None where there is only this one."""
    rows = Voucher.objects.filter(bulk=voucher.bulk).order_by().values_list("status").annotate(n=Count("id"))
    known = dict(rows)
    count = sum(known.values())
    if count < 2:
        return None
    states = [
        (str(state), label, Voucher.TONES[Voucher.Status(state)], known[state])
        for state, label in Status.choices
        if state in known
    ]
    return Bulk(count, (voucher.amount or Decimal(0)) * count, states)


@dataclass(frozen=True)
class Seen:
    """Somebody who was shown a part of it."""

    who: str
    part: str
    at: dt.datetime


def seen_by(voucher: Voucher) -> list[Seen]:
    """Who was shown the code or the password, the newest first."""
    lines = AuditEntry.objects.filter(reference=voucher.reference.value, verb="voucher.revealed")
    return [Seen(line.actor_name, line.facts.get("part", ""), line.at) for line in lines.order_by("-id")[:50]]


# --- Doubt ---
@dataclass(frozen=True)
class Doubt:
    """The evidence about an unknown outcome, and what bars each way out for the person who looks.

    `look`: the newest look-up that was answered. `evidence_at`: when list or balance last gave evidence; `is_fresh`:
    it still counts. `bars`: by step (redeemed, failed, confirm) why it cannot be done now, "" where it can.
    """

    attempt: ProviderCall | None
    look: ProviderCall | None
    evidence: list[dict[str, Any]]
    evidence_at: dt.datetime | None
    is_fresh: bool
    minutes_left: int
    proposal: Approval | None
    bars: dict[str, str]

    @property
    def is_settled(self) -> bool:
        return self.minutes_left == 0

    @property
    def moved(self) -> list[dict[str, Any]]:
        """The balances in which something happened between."""
        return [line for line in self.evidence if line["before"] != line["after"] or line["booked"]]

    @property
    def unmoved(self) -> str:
        """The others, by name."""
        return ", ".join(line["currency"] for line in self.evidence if line not in self.moved)

    @property
    def gains(self) -> list[dict[str, Any]]:
        """The currencies in which something came that nothing else explains."""
        return [line for line in self.evidence if line["rest"] > 0]


def attempts(voucher: Voucher) -> list[ProviderCall]:
    """The calls that may have sent it, the newest first, without what was said."""
    return decisions.attempts(voucher.reference, voucher_decisions.operation(voucher))


def doubt(voucher: Voucher, user: Any) -> Doubt:
    """What is known about a voucher whose outcome is not, for this person."""
    tries = attempts(voucher)
    attempt = tries[0] if tries else None
    evidence_at = voucher.not_found_at if voucher.is_issued else voucher.balances_after_at
    return Doubt(
        attempt=attempt,
        look=voucher_decisions.last_look(voucher),
        evidence=[] if voucher.is_issued else redemptions.evidence(voucher),
        evidence_at=evidence_at,
        is_fresh=voucher_decisions.is_fresh(evidence_at),
        minutes_left=decisions.minutes_left(attempt),
        proposal=voucher_decisions.pending(voucher),
        bars={
            step: voucher_decisions.why_not(actor=user, voucher=voucher, step=step)
            for step in voucher_decisions.CHECKS
        },
    )


# --- The provider's lists ---
def listings() -> list[tuple[ProviderAccount, VoucherListing | None]]:
    """Each account at a provider with vouchers, and when its list was last read; those switched off last."""
    found = ProviderAccount.objects.filter(provider__in=offering(Vouchers)).order_by("-is_active", "name")
    known = {one.account_id: one for one in VoucherListing.objects.all()}
    return [(account, known.get(account.pk)) for account in found if account.is_active or account.pk in known]


def may_be_shown(voucher: Voucher) -> list[str]:
    """The parts that can be shown to somebody: none before there is a code."""
    if not voucher.has_code:
        return []
    return [part for part in (vouchers.CODE, vouchers.PASSWORD) if is_kept(voucher, part)]


def states() -> list[tuple[str, Any, str, int]]:
    """How many vouchers stand in each state (counted to 10,000), with its label and tone."""
    known = capped_counts(Voucher, "status", Status.values)
    return [
        (str(state), label, Voucher.TONES[Voucher.Status(state)], min(known[state], COUNT_CAP))
        for state, label in Status.choices
        if known[state]
    ]
