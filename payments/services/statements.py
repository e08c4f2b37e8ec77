"""Statements of account over a period: opening, what moved it, closing, and what the provider stated. Facts floor.

Reads only. Days are those of the books' zone; what is off balance is told beside it and changes no balance.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from payments.models import Balance, BalanceSnapshot, Movement, ProviderAccount

from . import daily_sums

ZERO = Decimal(0)


@dataclass
class Moved:
    """What came and went (never above zero) of one kind."""

    came: Decimal = ZERO
    went: Decimal = ZERO


@dataclass
class Statement:
    """One account and currency. `stated`: what the provider stated last before the end, at `asked_at`; None where
    it stated nothing: then the balance is computed and nobody has confirmed it. `later`: booked after `asked_at`.
    """

    account: ProviderAccount
    currency: str
    since: dt.date
    until: dt.date
    opening: Decimal = ZERO
    kinds: dict[str, Moved] = field(default_factory=dict)
    off_balance: dict[str, Moved] = field(default_factory=dict)
    #: What of it is marked, by tag: on balance and off it.
    tagged: dict[str, Moved] = field(default_factory=dict)
    tagged_off: dict[str, Moved] = field(default_factory=dict)
    stated: Decimal | None = None
    asked_at: dt.datetime | None = None
    later: Decimal = ZERO
    #: Whether there is a balance in this currency at all, and whether what is computed starts from an opening.
    has_balance: bool = False
    is_opened: bool = True

    @property
    def is_off_balance(self) -> bool:
        """Whether nothing of it ever touched a balance: only what passed outside of them is told."""
        return not self.has_balance and not self.kinds and not self.opening

    @property
    def moved(self) -> Moved:
        """All kinds together."""
        return total(self.kinds)

    @property
    def moved_off(self) -> Moved:
        """All kinds together, of what is off balance."""
        return total(self.off_balance)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.moved.came + self.moved.went

    @property
    def difference(self) -> Decimal | None:
        """What the provider stated beyond what our movements explain; None where it stated nothing.

        A payment is seen in the balance a little before or after it is booked: both ways of counting what was
        booked after the statement are right, and one that leaves no rest explains it.
        """
        if self.stated is None:
            return None
        rest = self.stated - self.closing
        return rest + self.later if rest else rest

    @property
    def counted_later(self) -> Decimal:
        """What of `later` was needed to compare with the statement."""
        return ZERO if self.stated is None or self.stated == self.closing else self.later

    def label(self, kind: str) -> str:
        """The kind in words."""
        return str(dict(Movement.Kind.choices).get(kind, kind))

    @property
    def lines(self) -> list[tuple[str, Moved]]:
        """The kinds that moved it, in words."""
        return [(self.label(kind), moved) for kind, moved in _ordered(self.kinds)]

    @property
    def off_lines(self) -> list[tuple[str, Moved]]:
        """The same of what is off balance."""
        return [(self.label(kind), moved) for kind, moved in _ordered(self.off_balance)]


def total(kinds: dict[str, Moved]) -> Moved:
    """Several kinds as one."""
    return Moved(
        sum((one.came for one in kinds.values()), ZERO), sum((one.went for one in kinds.values()), ZERO)
    )


def _ordered(kinds: dict[str, Moved]) -> list[tuple[str, Moved]]:
    order = Movement.Kind.values
    return sorted(kinds.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def over(*, since: dt.date, until: dt.date, account: str = "", currency: str = "") -> list[Statement]:
    """Statements of all accounts and currencies that ever had a balance or a movement up to then, by name.

    account: the id of one, as text. Five queries (a few more where there is nothing), whatever the number of movements.
    """
    scope: dict[str, Any] = {"account": int(account) if account else None, "currency": currency}
    found: dict[tuple[int, str], Statement] = {}
    accounts = ProviderAccount.objects.defer("credentials").in_bulk()

    def statement(number: int, code: str) -> Statement:
        key = (number, code)
        return found.setdefault(key, Statement(accounts[number], code, since, until))

    for balance in _stated(daily_sums.begins(until + dt.timedelta(days=1)), **scope):
        one = statement(balance.account_id, balance.currency)
        one.opening = balance.opening
        one.stated, one.asked_at = balance.stated_then, balance.asked_then
        one.later = balance.later or ZERO
        one.has_balance = True
        one.is_opened = not balance.is_computed or balance.opened_at is not None
    day_before = since - dt.timedelta(days=1)
    for line in daily_sums.totals(by=("account", "currency"), until=day_before, on_balance=True, **scope):
        statement(line["account"], line["currency"]).opening += line["total"]
    keys = ("account", "currency", "on_balance", "kind")
    for line in daily_sums.totals(by=keys, since=since, until=until, **scope):
        one = statement(line["account"], line["currency"])
        kinds = one.kinds if line["on_balance"] else one.off_balance
        kinds[line["kind"]] = Moved(line["came"], line["went"])
    for line in _tagged(since, until, **scope):
        one = statement(line["account"], line["currency"])
        tags = one.tagged if line["on_balance"] else one.tagged_off
        tags[line["tag"]] = Moved(line["came"] or ZERO, line["went"] or ZERO)
    return sorted(found.values(), key=lambda one: (one.account.name, one.currency))


def _tagged(since: dt.date, until: dt.date, *, account: int | None, currency: str) -> QuerySet[Any, Any]:
    """What marked movements came to. They are few and have an index of their own; daily sums know no tags."""
    begin, end = daily_sums.begins(since), daily_sums.begins(until + dt.timedelta(days=1))
    rows = Movement.objects.filter(~Q(tag=""), booked_at__gte=begin, booked_at__lt=end)
    if account is not None:
        rows = rows.filter(account=account)
    if currency:
        rows = rows.filter(currency=currency)
    return (
        rows.order_by()
        .values("account", "currency", "tag", "on_balance")
        .annotate(came=Sum("amount", filter=Q(amount__gt=0)), went=Sum("amount", filter=Q(amount__lt=0)))
    )


def _stated(end: dt.datetime, *, account: int | None, currency: str) -> QuerySet[Any]:
    """Balances with what was stated last before `end`, when that was asked, and what was booked between."""
    snapshots = BalanceSnapshot.objects.filter(
        account=OuterRef("account"), currency=OuterRef("currency"), asked_at__lt=end
    ).order_by("-asked_at")
    later = Movement.objects.filter(
        account=OuterRef("account"),
        currency=OuterRef("currency"),
        on_balance=True,
        booked_at__gt=OuterRef("asked_then"),
        booked_at__lt=end,
    )
    balances = Balance.objects.all()
    if account is not None:
        balances = balances.filter(account=account)
    if currency:
        balances = balances.filter(currency=currency)
    return balances.annotate(
        stated_then=Subquery(snapshots.values("amount")[:1]),
        asked_then=Subquery(snapshots.values("asked_at")[:1]),
        later=Subquery(later.order_by().values("account").annotate(s=Sum("amount")).values("s")),
    )
