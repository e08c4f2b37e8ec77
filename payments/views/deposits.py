"""The pages of deposits: the list, one of them, asking about it, confirming a release. Rules are the services'."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, DetailView, ListView, SecondView
from payments.filters.wallets import DepositFilters
from payments.models import Deposit, ExceptionItem, Movement
from payments.services import deposit_decisions, deposits
from payments.tables.wallets import DepositTable, confirmations

from .references import RELEASE

Status = Deposit.Status


class DepositListView(ListView):
    model = Deposit
    table_class = DepositTable
    filterset_class = DepositFilters
    ordering = ("-arrived_at", "-id")
    select_related = ("account", "reference", "wallet__reference")
    live = 5


class DepositDetailView(DetailView):
    model = Deposit
    select_related = ("account__health", "reference", "wallet__reference")
    list_url_name = "payments:deposit_list"
    watches = ("checked_at",)
    actions = (
        Action(
            gettext_lazy("Check now"), "payments:deposit_refresh", "payments.refresh_deposit", "refresh-cw"
        ),
        dataclasses.replace(
            RELEASE,
            when=lambda one: one.reference.held_at is not None and not deposit_decisions.needs_two(one),
        ),
        dataclasses.replace(
            RELEASE,
            label=gettext_lazy("Propose to release"),
            when=lambda one: deposit_decisions.needs_two(one) and not deposit_decisions.stands(one),
        ),
    )

    def is_final(self, obj: Deposit) -> bool:
        return obj.status != Status.PENDING

    def context(self, **extra: Any) -> dict[str, Any]:
        deposit: Deposit = self.object
        items = list(
            ExceptionItem.objects.filter(reference_id=deposit.reference_id, status="open")
            .select_related("reference")
            .order_by("opened_at")
        )
        holds = [item for item in items if item.is_of_hold]
        proposal = deposit_decisions.pending(deposit)
        may_confirm = self.may("payments.confirm_deposit")
        bar = ""
        if proposal is not None and may_confirm:
            bar = deposit_decisions.why_not(actor=self.request.user, deposit=deposit)
        return super().context(
            confirmations=confirmations(deposit),
            needs_two=deposit_decisions.needs_two(deposit),
            doubt={"proposal": proposal, "bars": {"confirm": bar}},
            may_confirm=may_confirm,
            movements=Movement.objects.filter(reference_id=deposit.reference_id).order_by("booked_at", "id"),
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if not item.is_of_hold],
            **extra,
        )


class DepositRefreshView(ActionView):
    model = Deposit
    permission = "payments.refresh_deposit"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Read the provider's list of deposits now?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: Deposit, form: Any) -> None:
        deposits.ask_now(actor=self.request.user, account=obj.account)


class DepositConfirmView(SecondView):
    """The second person's yes to releasing what an AML check holds."""

    model = Deposit
    select_related = ("account", "reference", "wallet")
    permission = "payments.confirm_deposit"
    template_name = "payments/deposit_confirm.html"
    title = gettext_lazy("Confirm the release")
    question = gettext_lazy("You are the second person. With your yes it is released, and credited.")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Released. The provider is asked now, and it is credited then.")

    def pending(self) -> Any:
        return deposit_decisions.pending(self.object)

    def context(self, **extra: Any) -> dict[str, Any]:
        bar = deposit_decisions.why_not(actor=self.request.user, deposit=self.object)
        return super().context(proposal=self.pending(), bar=bar, **extra)

    def perform(self, obj: Deposit, form: Any) -> None:
        self.check_read()
        deposit_decisions.confirm_release(actor=self.request.user, deposit=obj)
