"""What we owe on vouchers that nobody has redeemed yet, by currency and age, beside what the provider states. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from backoffice.kit import money
from codes.models import Voucher, VoucherListing
from codes.models.ages import AGES, since, within

Status = Voucher.Status


@dataclass(frozen=True)
class Line:
    """One currency, over all accounts asked for. `ages` are (name, label, count, sum); `stated` is what the providers'
    lists showed as active when they were last read (None: not read yet), `in_doubt` what may exist besides.
    """

    currency: str
    count: int
    total: Decimal
    ages: tuple[tuple[str, Any, int, Decimal], ...]
    stated: Decimal | None
    stated_count: int
    in_doubt: Decimal

    @property
    def difference(self) -> Decimal:
        """What we count more (or less) than the lists; zero when there is none to compare with."""
        return Decimal(0) if self.stated is None else self.total - self.stated


def outstanding(vouchers: QuerySet[Voucher] | None = None) -> QuerySet[Voucher]:
    """The issued vouchers that are still owed: active ones, with `since` for their age and `owed` for their worth."""
    rows = Voucher.objects.all() if vouchers is None else vouchers
    return rows.filter(direction=Voucher.Direction.ISSUED, status=Status.ACTIVE).annotate(
        since=since(),
        owed=Coalesce("stated", "amount"),
    )


def lines(*, account_id: int | None = None) -> list[Line]:
    """What is owed per currency, exact, in three queries."""
    now = timezone.now()
    rows = outstanding()
    doubts = Voucher.objects.filter(
        direction=Voucher.Direction.ISSUED, status__in=[Status.CREATING, Status.UNKNOWN]
    )
    listings = VoucherListing.objects.filter(read_at__isnull=False)
    if account_id is not None:
        rows, doubts = rows.filter(account=account_id), doubts.filter(account=account_id)
        listings = listings.filter(account=account_id)
    sums: dict[str, Any] = {"count": Count("id"), "total": Sum("owed")}
    for name, _label, _older, _younger in AGES:
        where = within(name, now)
        sums |= {
            f"{name}_count": Count("id", filter=where),
            f"{name}_total": Sum("owed", filter=where, default=Decimal(0)),
        }
    found = {row["currency"]: row for row in rows.order_by().values("currency").annotate(**sums)}
    doubted = dict(doubts.order_by().values_list("currency").annotate(total=Sum("amount")))
    stated = _stated(listings)
    return [
        _line(currency, found.get(currency), doubted.get(currency), stated)
        for currency in sorted(found.keys() | doubted.keys() | (stated or {}).keys())
    ]


def _stated(listings: QuerySet[VoucherListing]) -> dict[str, tuple[int, Decimal]] | None:
    """What the lists state, added up; None while none was read."""
    read = list(listings.values_list("outstanding", flat=True))
    if not read:
        return None
    sums: dict[str, tuple[int, Decimal]] = {}
    for one in read:
        for currency, (count, total) in one.items():
            so_far = sums.get(currency, (0, Decimal(0)))
            sums[currency] = (so_far[0] + count, so_far[1] + money.read(total))
    return sums


def _line(
    currency: str, row: Any, doubted: Decimal | None, stated: dict[str, tuple[int, Decimal]] | None
) -> Line:
    there = None if stated is None else stated.get(currency, (0, Decimal(0)))
    return Line(
        currency=currency,
        count=row["count"] if row else 0,
        total=row["total"] if row else Decimal(0),
        ages=tuple(
            (
                name,
                label,
                row[f"{name}_count"] if row else 0,
                row[f"{name}_total"] if row else Decimal(0),
            )
            for name, label, _older, _younger in AGES
        ),
        stated=None if there is None else there[1],
        stated_count=0 if there is None else there[0],
        in_doubt=doubted or Decimal(0),
    )
