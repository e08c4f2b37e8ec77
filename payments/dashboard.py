"""The cards of payments on the dashboard: balances, money in and out, states, trouble, latest movements. No rule."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Max, Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import permissions
from backoffice.kit import charts, html, office
from backoffice.kit.paging import COUNT_CAP, capped_counts
from payments.models import AccountHealth, Balance, Invoice, Movement, ProviderAccount, Withdrawal
from payments.services import balances, daily_sums, health
from payments.tables import pieces
from payments.tables.movements import LatestMovementTable

SHOWN_ACCOUNTS = 12
SHOWN_BALANCES = 4
SHOWN_SUMS = 8
FLOW_DAYS = 30


# --- Accounts ---
def _troubled_first() -> list[ProviderAccount]:
    """All accounts with their pace: those in trouble first, those switched off last."""
    known = Prefetch("balances", balances.explained(Balance.objects.all()))
    rows = ProviderAccount.objects.select_related("health").prefetch_related(known).order_by("name")
    paces = health.paces()
    for account in rows:
        account.pace = paces.get(account.pk)
    return sorted(rows, key=lambda account: (not account.is_active, not pieces.is_troubled(account)))


@dataclass(frozen=True)
class Shown:
    """An account with its first balances. `asked`: when the oldest of the stated ones was; `is_computed`: whether one of
    these follows from our movements alone; `keeps`: whether money lies there at all.
    """

    account: ProviderAccount
    balances: list[Balance]
    rest: int
    asked: dt.datetime | None
    is_computed: bool
    keeps: bool


def _shown(account: ProviderAccount) -> Shown:
    # What has moved since we know it first: a currency that nobody uses must not hide one that is used.
    known = sorted(account.balances.all(), key=lambda one: (not _has_moved(one), one.currency))
    asked = [one.asked_at for one in known if one.asked_at is not None and one.missing_since is None]
    first = known[:SHOWN_BALANCES]
    return Shown(
        account=account,
        balances=first,
        rest=len(known) - len(first),
        asked=min(asked, default=None),
        is_computed=any(one.is_computed and one.opened_at is not None for one in first),
        keeps=account.keeps_money,
    )


def _has_moved(balance: Any) -> bool:
    return bool(balance.moved) if balance.is_computed else balance.stated != balance.opening


def _balances(user: Any) -> dict[str, Any]:
    """Accounts with their balances; sums where there is more than one account, what is used first."""
    accounts = _troubled_first()
    in_use = Balance.objects.filter(account__is_active=True)
    sums = balances.sums(in_use) if len(accounts) > 1 else []
    sums.sort(key=lambda line: (not line["moved"], line["currency"]))
    return {
        "accounts": [_shown(account) for account in accounts[:SHOWN_ACCOUNTS]],
        "more": max(len(accounts) - SHOWN_ACCOUNTS, 0),
        "sums": sums[:SHOWN_SUMS],
        "more_sums": max(len(sums) - SHOWN_SUMS, 0),
        "may_add": permissions.may(user, "payments.manage_provideraccount"),
    }


def _computed() -> Any:
    """The accounts whose balances follow from our movements."""
    return Balance.objects.filter(is_computed=True).values("account")


def _balances_version() -> Any:
    """The last statement, the last change of health, and the last movement of what is computed."""
    return (
        Balance.objects.aggregate(at=Max("asked_at"), since=Max("drift_since"), opened=Max("opened_at")),
        Movement.objects.filter(account__in=_computed()).aggregate(last=Max("id")),
        AccountHealth.objects.aggregate(since=Max("since"), failed=Max("last_error_at")),
    )


def _failing(user: Any) -> dict[str, Any]:
    accounts = _troubled_first()
    return {
        "troubled": [account for account in accounts if pieces.is_troubled(account)],
        "in_use": sum(account.is_active for account in accounts),
    }


# --- Money in and out ---
def _flow(user: Any, currency: str = "") -> dict[str, Any]:
    """Money in and out per day of the books' zone, of the currency that was chosen or moves most often."""
    today = daily_sums.today()
    first = today - dt.timedelta(days=FLOW_DAYS - 1)
    lines = daily_sums.totals(by=("day", "currency"), on_balance=True, since=first, until=today)
    counts: dict[str, int] = {}
    for line in lines:
        counts[line["currency"]] = counts.get(line["currency"], 0) + line["count"]
    if not counts:
        return {"currencies": []}
    chosen = currency if currency in counts else max(sorted(counts), key=lambda code: counts[code])
    known = {line["day"]: line for line in lines if line["currency"] == chosen}
    days = [_day(today - dt.timedelta(days=back), known, chosen) for back in reversed(range(FLOW_DAYS))]
    came, went = sum((day.came for day in days), Decimal(0)), sum((day.went for day in days), Decimal(0))
    words = {
        "days": FLOW_DAYS,
        "came": f"{html.amount_text(came, chosen)} {chosen}",
        "went": f"{html.amount_text(-went, chosen)} {chosen}",
    }
    return {
        "currencies": sorted(counts),
        "chosen": chosen,
        "chart": charts.in_and_out(
            days,
            name="flow",
            title=_("Money in and out per day, %(currency)s") % {"currency": chosen},
            description=_("In %(days)s days %(came)s came in and %(went)s went out.") % words,
        ),
        "days": [day for day in reversed(days) if day.came or day.went],
        "first": days[0].day,
        "last": days[-1].day,
        "came": came,
        "went": went,
        "books_zone": settings.TIME_ZONE,
    }


def _day(day: dt.date, known: dict[dt.date, dict[str, Any]], currency: str) -> charts.Day:
    line = known.get(day, {"came": Decimal(0), "went": Decimal(0)})
    words = {
        "day": day.isoformat(),
        "came": html.amount_text(line["came"], currency),
        "went": html.amount_text(-line["went"], currency),
        "currency": currency,
    }
    text = _("%(day)s: in %(came)s, out %(went)s %(currency)s") % words
    return charts.Day(day, line["came"], line["went"], text)


def _latest(user: Any) -> dict[str, Any]:
    latest = Movement.objects.select_related("account", "reference").order_by("-booked_at", "-id")[:8]
    return {"table": LatestMovementTable(latest)}


def _last_movement() -> Any:
    return Movement.objects.aggregate(last=Max("id"))


# --- States ---
def _states(model: Any) -> list[tuple[str, Any, str, int, bool]]:
    """Each state that rows are in: its word, label, tone, how many, and whether there are more than that."""
    counts = capped_counts(model, "status", model.Status.values)
    return [
        (
            status,
            label,
            model.TONES[model.Status(status)],
            min(counts[status], COUNT_CAP),
            counts[status] > COUNT_CAP,
        )
        for status, label in model.Status.choices
        if counts[status]
    ]


def _invoices(user: Any) -> dict[str, Any]:
    return {
        "rows": _states(Invoice),
        "may_bill": permissions.may(user, "payments.create_invoice") and ProviderAccount.objects.exists(),
    }


def _withdrawals(user: Any) -> dict[str, Any]:
    may_ask = permissions.may(user, "payments.request_withdrawal")
    return {
        "rows": _states(Withdrawal),
        "may_request": may_ask and ProviderAccount.objects.filter(money_out=True, is_active=True).exists(),
    }


CARDS = (
    office.Card(
        name="accounts",
        title=gettext_lazy("Accounts and balances"),
        template="payments/cards/accounts.html",
        context=_balances,
        permission="payments.view_balance",
        order=10,
        width=12,
        version=_balances_version,
    ),
    office.Card(
        name="flow",
        title=gettext_lazy("Money in and out"),
        template="payments/cards/flow.html",
        context=_flow,
        permission="payments.view_movement",
        order=20,
        width=12,
        options=("currency",),
        version=_last_movement,
    ),
    office.Card(
        name="failing",
        title=gettext_lazy("Failing accounts"),
        template="payments/cards/failing.html",
        context=_failing,
        permission="payments.view_provideraccount",
        order=32,
        width=4,
    ),
    office.Card(
        name="invoices",
        title=gettext_lazy("Invoices"),
        template="payments/cards/invoices.html",
        context=_invoices,
        permission="payments.view_invoice",
        order=30,
        width=4,
    ),
    office.Card(
        name="withdrawals",
        title=gettext_lazy("Withdrawals"),
        template="payments/cards/withdrawals.html",
        context=_withdrawals,
        permission="payments.view_withdrawal",
        order=31,
        width=4,
    ),
    office.Card(
        name="movements",
        title=gettext_lazy("Latest movements"),
        template="payments/cards/movements.html",
        context=_latest,
        permission="payments.view_movement",
        order=40,
        width=8,
    ),
)
