"""Many withdrawals at once: approving them with their sums, asking about them. Rules are the services'."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import html
from backoffice.kit.views import BulkActionView
from payments.filters.withdrawals import WithdrawalFilters
from payments.models import Balance, ProviderAccount, Withdrawal
from payments.services import approvals, own_addresses, reservations, withdrawal_fields, withdrawals
from payments.tables.withdrawals import ApprovalTable

from . import withdrawal_facts as facts

Status = Withdrawal.Status
ASKABLE = (Status.UNKNOWN, Status.PENDING, Status.COMPLETE, Status.FAILED)


@dataclass
class Demand:
    """What the chosen requests would reserve of one balance."""

    account: ProviderAccount
    currency: str
    count: int = 0
    most: Decimal = Decimal(0)
    available: Decimal | None = None

    @property
    def after(self) -> Decimal | None:
        return None if self.available is None else self.available - self.most

    @property
    def is_short(self) -> bool:
        return self.after is None or self.after < 0


class WithdrawalBulkApproveView(BulkActionView):
    """First what would be approved, with its sums; then, row by row through the same service, what came of it."""

    model = Withdrawal
    permission = "payments.approve_withdrawal"
    template_name = "payments/withdrawal_bulk.html"
    select_related = ("reference", "account__health", "created_by")
    ordering = ("created_at", "id")
    list_url_name = "payments:withdrawal_list"
    title = gettext_lazy("Approve withdrawals")
    button = gettext_lazy("Approve and send the ticked")
    icon = "stamp"
    done = gettext_lazy("Approved")

    def all_of_filter(self) -> QuerySet[Withdrawal]:
        """All that wait within the list's filters."""
        waiting = self.get_queryset().filter(status=Status.AWAITING_APPROVAL)
        return WithdrawalFilters(self.request.GET, queryset=waiting, request=self.request).qs

    def seen(self, obj: Withdrawal) -> str:
        return withdrawals.bound(obj)

    def refusals(self, rows: list[Withdrawal]) -> dict[Any, str]:
        """What bars each row already now, by key; each person and account is looked up once."""
        people: dict[Any, str] = {}
        accounts: dict[int, str] = {}
        found = {}
        for one in rows:
            if one.status != Status.AWAITING_APPROVAL:
                found[one.pk] = _("This is decided already: %s.") % one.get_status_display()
                continue
            if one.created_by_id not in people:
                people[one.created_by_id] = approvals.why_not_person(
                    actor=self.request.user, requester=one.created_by
                )
            if one.account_id not in accounts:
                accounts[one.account_id] = withdrawal_fields.may_pay_out(one.account)
            if why := people[one.created_by_id] or accounts[one.account_id]:
                found[one.pk] = why
        able = [one for one in rows if one.pk not in found and not one.is_card]
        ours = own_addresses.find(one.purse for one in able)
        alone = _("It pays to an address of our own. Open it alone to read what that means.")
        found |= {one.pk: alone for one in able if one.purse in ours}
        return found | self.too_large([one for one in rows if one.pk not in found])

    def available(self, one: Withdrawal) -> Decimal | None:
        """What is available of the balance that this would be paid from; each is looked up once."""
        key = (one.account_id, one.balance_currency)
        if key not in self._available:
            balance = Balance.objects.filter(account_id=key[0], currency=key[1]).first()
            self._available[key] = reservations.available(balance) if balance else None
        return self._available[key]

    @cached_property
    def _available(self) -> dict[tuple[int, str], Decimal | None]:
        return {}

    def too_large(self, rows: list[Withdrawal]) -> dict[Any, str]:
        """What a balance cannot bear even alone, by key. What several come to stands in `demands`."""
        found = {}
        for one in rows:
            free = self.available(one) or Decimal(0)
            if one.max_debit > free:
                found[one.pk] = _("Not enough is available: %(free)s %(currency)s.") % {
                    "free": html.amount_text(free, one.balance_currency),
                    "currency": one.balance_currency,
                }
        return found

    def _demands(self, rows: list[Withdrawal]) -> list[Demand]:
        demands: dict[tuple[int, str], Demand] = {}
        for one in rows:
            key = (one.account_id, one.balance_currency)
            demand = demands.setdefault(
                key, Demand(one.account, one.balance_currency, available=self.available(one))
            )
            demand.count += 1
            demand.most += one.max_debit
        return sorted(demands.values(), key=lambda demand: (demand.account.name, demand.currency))

    def show(self, chosen: list[Any], form: Any, **extra: Any) -> HttpResponseBase:
        refusals = self.refusals(chosen)
        able = [one for one in chosen if one.pk not in refusals]
        keys = {one.pk: f"{one.pk}.{self.seen(one)}" for one in able}
        return super().show(
            chosen,
            form,
            table=ApprovalTable(chosen, keys=keys, refusals=refusals, request=self.request),
            demands=self._demands(able),
            sums=facts.sums(Withdrawal.objects.filter(pk__in=[one.pk for one in able])),
            **extra,
        )

    def perform(self, obj: Withdrawal, form: Any) -> None:
        withdrawals.approve(actor=self.request.user, withdrawal=obj, seen=self.seen_now)

    def results_context(self, done: list[Any]) -> dict[str, Any]:
        return {"sums": facts.sums(Withdrawal.objects.filter(pk__in=[one.pk for one in done]))}


class WithdrawalBulkRefreshView(BulkActionView):
    """Ask the providers about many at once. A worker does it, within each account's rate limit."""

    model = Withdrawal
    permission = "payments.refresh_withdrawal"
    select_related = ("reference", "account")
    ordering = ("created_at", "id")
    list_url_name = "payments:withdrawal_list"
    title = gettext_lazy("Check withdrawals now")
    button = gettext_lazy("Ask the provider about the ticked")
    icon = "refresh-cw"
    done = gettext_lazy("Is being asked about")

    def refusals(self, rows: list[Withdrawal]) -> dict[Any, str]:
        return {one.pk: _("It has not been sent.") for one in rows if one.status not in ASKABLE}

    def perform(self, obj: Withdrawal, form: Any) -> None:
        withdrawals.ask_now(actor=self.request.user, withdrawal=obj)
