"""What the pages of a withdrawal tell beyond its row: what is sent, who decided, look-alikes, doubt, sums.

Reads; decides nothing. What a provider wrote stays text: templates escape it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit import html
from backoffice.kit.fields import keyed_digests
from payments.models import Approval, Balance, BalanceSnapshot, Movement, ProviderCall, Withdrawal
from payments.providers import PROVIDERS
from payments.services import (
    decisions,
    movements,
    orders,
    reservations,
    withdrawal_decisions,
    withdrawal_fields,
    withdrawal_scans,
    withdrawals,
)

Status = Withdrawal.Status
# States in which money may still be debited: `max_debit` of these is what could go.
MAY_COST = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.SENDING, Status.UNKNOWN, Status.PENDING)
NOTHING_LEFT = (Status.REJECTED, Status.CANCELED, Status.FAILED)
SIMILAR_DAYS, SIMILAR_SHOWN = 30, 6
NOTHING = Decimal(0)


# --- Deciding ---
@dataclass(frozen=True)
class Parameter:
    """One value that is sent, under the provider's own name and with its label."""

    name: str
    label: Any
    text: str
    is_masked: bool = False
    is_amount: bool = False


def parameters(withdrawal: Withdrawal, *, whole: str = "") -> list[Parameter]:
    """All that is sent, in the order of the provider's document. `whole`: the revealed destination."""
    sent = withdrawal_fields.to_send(withdrawal)
    payee = next(name for name in ("purse", "card", "address") if name in sent)
    sent[payee] = whole or (withdrawal.shown if withdrawal.is_card else sent[payee])
    known = {field.name: field for field in PROVIDERS[withdrawal.account.provider].withdrawal_fields}
    names = [name for name in known if name in sent] + [name for name in sent if name not in known]
    found = []
    for name in names:
        value = sent[name]
        is_amount = isinstance(value, Decimal)
        text = html.amount_text(value, withdrawal.currency) if is_amount else str(value)
        text = dict(known[name].choices).get(text, text) if name in known else text
        if name.endswith("_percent"):
            text = f"{text}: {orders.in_words(text)}"
        label = _(known[name].label) if name in known else name
        masked = name == payee and withdrawal.is_card and not whole
        found.append(Parameter(name, label, text, masked, is_amount))
    return found


def fee_cover(withdrawal: Withdrawal) -> reservations.Cover | None:
    """What the balance can bear that pays only the fee; None where the same balance pays it."""
    fee = withdrawal_fields.fee_apart(withdrawal)
    if fee is None:
        return None
    return reservations.cover(account=withdrawal.account, currency=withdrawal.fee_currency, amount=fee)


def similar(withdrawal: Withdrawal) -> QuerySet[Withdrawal]:
    """Other requests to the same destination in the last month, the newest first."""
    purpose = Withdrawal._meta.get_field("purse_digest").purpose
    return (
        Withdrawal.objects.filter(
            purse_digest__in=keyed_digests(withdrawal.purse, purpose),
            created_at__gt=withdrawal.created_at - dt.timedelta(days=SIMILAR_DAYS),
        )
        .exclude(pk=withdrawal.pk)
        .select_related("reference", "account", "created_by")
        .order_by("-created_at", "-id")[:SIMILAR_SHOWN]
    )


def given(withdrawal: Withdrawal) -> list[Approval]:
    """Who said yes to what, the oldest first."""
    return list(withdrawal.reference.approvals.select_related("approver").order_by("created_at", "pk"))


def over(withdrawal: Withdrawal) -> Decimal | None:
    """What was debited beyond the estimate; negative: less. None while either is missing or they agree."""
    if withdrawal.debit is None or withdrawal.estimate is None or withdrawal.debit == withdrawal.estimate:
        return None
    return withdrawal.debit - withdrawal.estimate


# --- Doubt ---
@dataclass(frozen=True)
class Trail:
    """What the provider stated of the balance before and after the attempt: whether the money left.

    `others`: what our other movements explain in between. `rest`: what is left of the difference then.
    """

    currency: str
    before: Decimal
    before_at: dt.datetime
    after: Decimal
    after_at: dt.datetime
    others: Decimal
    rest: Decimal


@dataclass(frozen=True)
class Doubt:
    """The evidence about an unknown outcome, and what bars each way out for the person who looks.

    `look`: the newest look-up that was answered at all. `minutes_left`: how long the attempt may still arrive.
    `bars`: by step (complete, failed, resend, confirm) why it cannot be done now, "" where it can.
    """

    attempts: list[ProviderCall]
    look: ProviderCall | None
    says_not_found: bool
    is_fresh: bool
    minutes_left: int
    trail: Trail | None
    proposal: Approval | None
    bars: dict[str, str]
    # Where the provider only lists: how often the whole list did not show it, of how many that are needed.
    looks: int | None = None
    looks_needed: int = 0

    @property
    def attempt(self) -> ProviderCall | None:
        return self.attempts[0] if self.attempts else None

    @property
    def is_settled(self) -> bool:
        return self.minutes_left == 0


def attempts(withdrawal: Withdrawal) -> list[ProviderCall]:
    """The calls that may have sent it, the newest first, without what was said."""
    return decisions.attempts(withdrawal.reference, withdrawals.OPERATION)


def doubt(withdrawal: Withdrawal, user: Any) -> Doubt:
    """What is known about a withdrawal whose outcome is not, for this person."""
    now = timezone.now()
    calls = attempts(withdrawal)
    look = withdrawal_decisions.last_look(withdrawal)
    return Doubt(
        attempts=calls,
        look=look,
        says_not_found=look is not None and look.says_not_found,
        is_fresh=look is not None and look.started_at > now - decisions.FRESH,
        minutes_left=decisions.minutes_left(calls[0] if calls else None),
        trail=trail(withdrawal, calls[-1]) if calls else None,
        proposal=withdrawal_decisions.pending(withdrawal),
        looks=withdrawal.misses if withdrawal_scans.is_scanned(withdrawal.account) else None,
        looks_needed=settings.SCAN_TIMES,
        bars={
            step: withdrawal_decisions.why_not(actor=user, withdrawal=withdrawal, step=step)
            for step in withdrawal_decisions.CHECKS
        },
    )


def trail(withdrawal: Withdrawal, first: ProviderCall) -> Trail | None:
    """The balance around the attempts; None while nothing was stated since."""
    where = {"account_id": withdrawal.account_id, "currency": withdrawal.balance_currency}
    balance = Balance.objects.filter(**where).first()
    end = first.finished_at or first.started_at
    if balance is None or balance.stated is None or balance.asked_at is None or balance.asked_at <= end:
        return None
    before = (
        BalanceSnapshot.objects.filter(**where, asked_at__lte=first.started_at).order_by("-asked_at").first()
    )
    if before is None:
        return None
    between = Movement.objects.filter(
        **where, on_balance=True, booked_at__gt=before.asked_at, booked_at__lte=balance.asked_at
    ).exclude(reference_id=withdrawal.reference_id)
    others = between.aggregate(total=Sum("amount"))["total"] or NOTHING
    return Trail(
        currency=balance.currency,
        before=before.amount,
        before_at=before.asked_at,
        after=balance.stated,
        after_at=balance.asked_at,
        others=others,
        rest=balance.stated - before.amount - others,
    )


# --- Sums ---
def sums(found: QuerySet[Withdrawal]) -> list[dict[str, Any]] | None:
    """Per currency, of all these rows: what payees were to get and got, what was debited, what may still be.

    `count`, `asked`, `arrived` are of the withdrawals paid in this currency; `debited`, `fees`, `still` of
    those paid from a balance in it. Two queries. None for more than
    movements.SUM_CAP rows: the sum of a part would mislead.
    """
    cap = movements.SUM_CAP
    rows = Withdrawal.objects.filter(pk__in=found.order_by().values("pk")[: cap + 1]).order_by()
    lines: dict[str, dict[str, Any]] = {}

    def add(part: Iterable[Any]) -> None:
        for row in part:
            code = row.pop("code")
            lines.setdefault(code, {"currency": code}).update(row)

    counts = ~Q(status__in=NOTHING_LEFT)
    may_still = Q(status__in=MAY_COST, debit__isnull=True)
    add(
        rows.values(code=F("currency")).annotate(
            count=Count("id"),
            asked=Sum("amount"),
            arrived=Sum("amount", filter=Q(status=Status.COMPLETE), default=NOTHING),
        )
    )
    add(
        rows.values(code=F("balance_currency")).annotate(
            debited=Sum("debit", filter=counts, default=NOTHING),
            fees=Sum(F("debit") - F("amount_from"), filter=counts, default=NOTHING),
            still=Sum("max_debit", filter=may_still, default=NOTHING),
        )
    )
    if sum(line.get("count", 0) for line in lines.values()) > cap:
        return None
    return [lines[code] for code in sorted(lines)]
