"""The pages of deposits: the list, one of them, asking about it. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, DetailView, ListView
from payments.filters.wallets import DepositFilters
from payments.models import Deposit, ExceptionItem, Movement
from payments.services import deposits
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
        RELEASE,
    )

    def is_final(self, obj: Deposit) -> bool:
        return obj.status != Status.PENDING

    def context(self, **extra: Any) -> dict[str, Any]:
        deposit: Deposit = self.object
        items = list(
            ExceptionItem.objects.filter(reference_id=deposit.reference_id, status="open").order_by(
                "opened_at"
            )
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        return super().context(
            confirmations=confirmations(deposit),
            movements=Movement.objects.filter(reference_id=deposit.reference_id).order_by("booked_at", "id"),
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
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
