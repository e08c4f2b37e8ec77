"""Approving several withdrawals at once: what would be approved and what came of it, row by row. Holds no rule."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.kit.views import StaffView
from backoffice.kit.views.forms import REFUSALS, reason
from payments.filters.withdrawals import WithdrawalFilters
from payments.models import Balance, ProviderAccount, Withdrawal
from payments.services import approvals, reservations, withdrawal_fields, withdrawals
from payments.tables.withdrawals import ApprovalTable

from . import withdrawal_facts as facts

Status = Withdrawal.Status
RELATED = ("reference", "account__health", "created_by")


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


class WithdrawalBulkApproveView(StaffView):
    """First what would be approved, with its sums; then, row by row through the same service, what came of it."""

    permission = "payments.approve_withdrawal"
    template_name = "payments/withdrawal_bulk.html"
    LIMIT = 500
    SESSION = "withdrawal_bulk"

    @cached_property
    def chosen(self) -> list[Withdrawal]:
        """The ticked ones, or all that wait within the list's filters."""
        rows = Withdrawal.objects.select_related(*RELATED).order_by("created_at", "id")
        if "chosen" in self.request.GET:
            picked = self.request.GET.getlist("pk")
            keys = [int(key) for key in picked if key.isdecimal() and key.isascii() and len(key) < 19]
            return list(rows.filter(pk__in=keys)[: self.LIMIT])
        waiting = rows.filter(status=Status.AWAITING_APPROVAL)
        return list(
            WithdrawalFilters(self.request.GET, queryset=waiting, request=self.request).qs[: self.LIMIT]
        )

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if "done" in request.GET:
            return self._results(request.GET["done"])
        refusals = self._refusals(self.chosen)
        able = [one for one in self.chosen if one.pk not in refusals]
        table = ApprovalTable(
            self.chosen,
            seen={one.pk: withdrawals.bound(one) for one in able},
            refusals=refusals,
            request=request,
        )
        return self.render(
            title=_("Approve withdrawals"),
            table=table,
            able=able,
            refused=len(refusals),
            demands=self._demands(able),
            sums=facts.sums(Withdrawal.objects.filter(pk__in=[one.pk for one in able])),
            token=uuid.uuid4(),
            is_capped=len(self.chosen) == self.LIMIT,
            limit=self.LIMIT,
        )

    def _refusals(self, rows: list[Withdrawal]) -> dict[int, str]:
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
        return found

    @staticmethod
    def _demands(rows: list[Withdrawal]) -> list[Demand]:
        demands: dict[tuple[int, str], Demand] = {}
        for one in rows:
            key = (one.account_id, one.balance_currency)
            if key not in demands:
                balance = Balance.objects.filter(account_id=key[0], currency=key[1]).first()
                available = reservations.available(balance) if balance else None
                demands[key] = Demand(one.account, one.balance_currency, available=available)
            demands[key].count += 1
            demands[key].most += one.max_debit
        return sorted(demands.values(), key=lambda demand: (demand.account.name, demand.currency))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        token = request.POST.get("token", "")
        address = f"{reverse('payments:withdrawal_bulk_approve')}?done={token}"
        if request.session.get(self.SESSION, {}).get("token") == token:
            return HttpResponseRedirect(address)  # sent twice: once is enough
        rows = [self._one(key) for key in request.POST.getlist("pk")[: self.LIMIT]]
        request.session[self.SESSION] = {"token": token, "rows": [row for row in rows if row]}
        return HttpResponseRedirect(address)

    def _one(self, key: str) -> tuple[int, str] | None:
        """Approve one; give its key and why not ("": approved)."""
        number, _dot, seen = key.partition(".")
        if not (number.isdecimal() and number.isascii() and len(number) < 19 and seen):
            return None
        withdrawal = Withdrawal.objects.filter(pk=int(number)).first()
        if withdrawal is None:
            return None
        try:
            withdrawals.approve(actor=self.request.user, withdrawal=withdrawal, seen=seen)
        except REFUSALS as error:
            return withdrawal.pk, " ".join(reason(error))
        return withdrawal.pk, ""

    def _results(self, token: str) -> HttpResponseBase:
        kept = self.request.session.get(self.SESSION, {})
        if kept.get("token") != token:
            return HttpResponseRedirect(reverse("payments:withdrawal_list"))
        rows = dict(kept["rows"])
        found = Withdrawal.objects.filter(pk__in=rows).select_related(*RELATED).order_by("created_at", "id")
        results = [(one, rows[one.pk]) for one in found]
        approved = [one.pk for one, why in results if not why]
        return self.render(
            title=_("Approve withdrawals"),
            results=results,
            approved=len(approved),
            refused=len(results) - len(approved),
            sums=facts.sums(Withdrawal.objects.filter(pk__in=approved)),
        )
