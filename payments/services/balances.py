"""Balances as providers state them: snapshots, and the comparison with our movements. Facts floor.

Where a provider states none, the balance is computed: what an admin entered as opening, and our movements since.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, Count, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import html, money, wake
from backoffice.kit.fields import MoneyField
from backoffice.permissions import guarded
from payments.models import (
    Balance,
    BalanceSnapshot,
    ExceptionItem,
    Movement,
    PartnerProgram,
    ProviderAccount,
)
from payments.providers import PROVIDERS
from payments.providers.base import Balances
from payments.providers.errors import NotSupported

from . import calls, exceptions

REFRESH_EVERY = dt.timedelta(minutes=5)


def refresh(*, account_id: int, priority: str = "poll") -> list[Balance]:
    """Ask the provider for its balances and keep what it states. Raises ProviderError as it is; writes nothing then."""
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority=priority)
    if not isinstance(client, Balances):
        raise NotSupported("balances")
    asked_at = timezone.now()
    report = client.balances()
    return keep(account=account, balances=dict(report.balances), asked_at=asked_at)


@guarded("payments.refresh_balance")
def ask_now(*, actor: Any, account: ProviderAccount) -> None:
    """Let a worker ask for the balances now."""
    wake.later("payments.refresh_balance", account.pk)


def keep(*, account: ProviderAccount, balances: dict[str, Decimal], asked_at: dt.datetime) -> list[Balance]:
    """Store one answer: a snapshot per currency that changed, the current rows, and what is not explained.

    An older answer never overwrites a newer one. A currency that is missing keeps its value and its age.
    """
    with transaction.atomic():
        kept = _locked(account, sorted(balances))
        fresh = [balance for balance in kept if balance.asked_at is None or balance.asked_at < asked_at]
        moved = _moved(account, [balance.currency for balance in fresh])
        snapshots = []
        for balance in fresh:
            stated, booked = balances[balance.currency], moved.get(balance.currency, Decimal(0))
            if balance.stated is None:
                balance.opening, balance.opened_at = stated - booked, asked_at
            if balance.stated != stated:
                snapshots.append(
                    BalanceSnapshot(
                        account=account, currency=balance.currency, amount=stated, asked_at=asked_at
                    )
                )
            balance.stated, balance.asked_at, balance.missing_since = stated, asked_at, None
            _compare(balance, booked)
            balance.save()
        BalanceSnapshot.objects.bulk_create(snapshots)
        Balance.objects.filter(account=account, missing_since__isnull=True, asked_at__lt=asked_at).exclude(
            currency__in=balances
        ).update(missing_since=asked_at)
    return kept


def _locked(account: ProviderAccount, currencies: list[str]) -> list[Balance]:
    """The rows of these currencies, in their order; what is missing is made."""
    rows = Balance.objects.filter(account=account, currency__in=currencies).order_by("currency")
    found = list(rows.select_for_update())
    if len(found) == len(currencies):
        return found
    missing = set(currencies) - {balance.currency for balance in found}
    Balance.objects.bulk_create(
        [Balance(account=account, currency=currency) for currency in sorted(missing)], ignore_conflicts=True
    )
    return list(rows.select_for_update())


# --- Computed ---
def is_computed(account: ProviderAccount) -> bool:
    """Whether nobody states this account's balances, so that they must be computed."""
    return not issubclass(PROVIDERS[account.provider], Balances)


def computed(*, account: ProviderAccount, currency: str) -> Balance | None:
    """The row of a balance that nobody states, made where it is missing; None where the provider states balances.

    Whoever books on it calls this first, so that its page shows that money moved there.
    """
    if not is_computed(account):
        return None
    return Balance.objects.get_or_create(account=account, currency=currency, defaults={"is_computed": True})[
        0
    ]


@guarded("payments.set_opening")
def set_opening(*, actor: Any, account: ProviderAccount, currency: str, amount: Any, note: str) -> Balance:
    """Enter what the provider's own page shows now: from here on the balance is computed from it.

    What was booked before counts as part of it. Raises ValidationError by field (currency, amount, note).
    """
    note, currency = (note or "").strip(), (currency or "").strip()
    errors = {}
    if not is_computed(account):
        raise ValidationError(_("This provider states its balances itself."))
    if not 1 <= len(currency) <= 16 or not account.methods.filter(currency=currency).exists():
        errors["currency"] = _("This account has no such currency.")
    if not note:
        errors["note"] = _("Write where you read it.")
    stated = Decimal(0)
    try:
        stated = money.parse(str(amount).strip())
    except money.BadAmount as error:
        errors["amount"] = _(error.words) % error.params
    if stated < 0:
        errors["amount"] = _("A balance is not below zero.")
    if errors:
        raise ValidationError(errors)
    with transaction.atomic():
        computed(account=account, currency=currency)
        balance = Balance.objects.select_for_update(of=("self",)).get(account=account, currency=currency)
        moved = _moved(account, [currency]).get(currency, Decimal(0))
        was = balance.opening + moved if balance.opened_at is not None else None
        balance.is_computed, balance.opened_at = True, timezone.now()
        balance.opening = stated - moved
        balance.save()
        audit.record(
            actor,
            "balance.opened",
            account,
            currency=currency,
            amount=money.plain(stated),
            was="" if was is None else money.plain(was),
            note=note,
        )
    return balance


def _moved(account: ProviderAccount, currencies: list[str]) -> dict[str, Decimal]:
    rows = Movement.objects.filter(account=account, currency__in=currencies, on_balance=True)
    return dict(rows.values_list("currency").annotate(total=Sum("amount")).order_by())


def _compare(balance: Balance, explained: Decimal) -> None:
    """Note the rest that movements do not explain; open an item once it has stood for a while.

    A payment is seen in the balance before or after it is booked, so a fresh difference is normal.
    """
    now = timezone.now()
    drift = (balance.stated or Decimal(0)) - balance.opening - explained
    if drift != balance.drift:
        balance.drift_since = now if drift else None
    balance.drift = drift
    if not drift or balance.drift_since is None:
        return
    if now - balance.drift_since < dt.timedelta(seconds=settings.DRIFT_SECONDS):
        return
    exceptions.open_item(
        kind=ExceptionItem.Kind.UNEXPLAINED_BALANCE,
        key=f"{balance.account_id}:{balance.currency}:{money.plain(drift)}",
        title=_("%(account)s: %(drift)s %(currency)s are not explained by any movement.")
        % {
            "account": balance.account,
            "drift": html.amount_text(drift, places=0),
            "currency": balance.currency,
        },
        account=balance.account,
        currency=balance.currency,
        drift=money.plain(drift),
        stated=money.plain(balance.stated or Decimal(0)),
    )


# --- For pages ---
def explained(balances: QuerySet[Balance]) -> QuerySet[Balance]:
    """Adds `moved`, what movements explained when the provider was last asked, and `since`, what was booked
    on the balance after that question began (None: nothing). opening + moved + drift = stated.

    `known` is how much there is: as stated, or computed; None while nobody has entered an opening. Of a computed one
    `moved` is all that was booked.
    """
    after = Movement.objects.filter(
        account=OuterRef("account"),
        currency=OuterRef("currency"),
        on_balance=True,
        booked_at__gt=OuterRef("asked_at"),
    )
    total = after.order_by().values("account").annotate(total=Sum("amount")).values("total")
    return balances.annotate(
        moved=Case(
            When(is_computed=True, then=_all_moved()),
            default=F("stated") - F("opening") - F("drift"),
            output_field=MoneyField(),
        ),
        since=Subquery(total),
        known=Case(
            When(is_computed=True, opened_at__isnull=False, then=F("opening") + _all_moved()),
            default=F("stated"),
            output_field=MoneyField(),
        ),
    )


def _all_moved() -> Any:
    """The sum of all movements of a balance, for a query about balances."""
    booked = Movement.objects.filter(
        account=OuterRef("account"), currency=OuterRef("currency"), on_balance=True
    )
    total = booked.order_by().values("account").annotate(total=Sum("amount")).values("total")
    return Coalesce(Subquery(total), Decimal(0), output_field=MoneyField())


def sums(balances: QuerySet[Balance]) -> list[dict[str, Any]]:
    """One line per currency over these balances, in one query.

    What an exchanger has not told the currency of is in no sum: it may be something else at each account.
    `asked_at` is that of the oldest, `missing` how many the provider does not state any more; `known` is the sum of
    all that are known, `computed` how many of them nobody has confirmed, `unknown` how many have no opening yet.
    """
    told = balances.exclude(currency=PartnerProgram.UNTOLD).order_by()
    lines = (
        explained(Balance.objects.filter(pk__in=told.values("pk")))
        .order_by("currency")
        .values("currency")
        .annotate(
            all_moved=Sum("moved"),
            accounts=Count("id"),
            all_known=Sum("known"),
            computed=Count("id", filter=Q(is_computed=True)),
            unknown=Count("id", filter=Q(is_computed=True, opened_at__isnull=True)),
            stated=Sum("stated"),
            opening=Sum("opening"),
            drift=Sum("drift"),
            asked_at=Min("asked_at"),
            missing=Count("id", filter=Q(missing_since__isnull=False)),
        )
    )
    return [{**line, "moved": line["all_moved"], "known": line["all_known"]} for line in lines]


def stale_accounts() -> list[int]:
    """Active accounts whose balances are stated by the provider and older than REFRESH_EVERY."""
    stating = [name for name, client in PROVIDERS.items() if issubclass(client, Balances)]
    recent = Balance.objects.filter(asked_at__gt=timezone.now() - REFRESH_EVERY).values("account_id")
    return list(
        ProviderAccount.objects.filter(is_active=True, provider__in=stating)
        .exclude(pk__in=recent)
        .exclude(credentials="")
        .values_list("pk", flat=True)
    )
