"""The pages of wallets: list, new, and one of them. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import (
    Action,
    ActionView,
    DetailView,
    ListView,
    PageAction,
    ServiceFormView,
    StaffView,
)
from payments.filters.wallets import WalletFilters
from payments.forms.wallets import WalletForm
from payments.models import ExceptionItem, ProviderAccount, Wallet
from payments.providers import PROVIDERS, offering
from payments.providers.wallets import Wallets
from payments.services import approvals, orders, wallet_fields, wallets
from payments.tables.wallets import WalletDepositTable, WalletTable

from .references import RELEASE

Status = Wallet.Status
CREATE, APPROVE = "payments.create_wallet", "payments.approve_wallet"
SHOWN_DEPOSITS = 20


def receiving_accounts() -> tuple[list[ProviderAccount], list[tuple[ProviderAccount, str]]]:
    """The accounts that can make an address now, and the others with the reason why not."""
    able: list[ProviderAccount] = []
    unable: list[tuple[ProviderAccount, str]] = []
    found = ProviderAccount.objects.filter(provider__in=offering(Wallets)).select_related("health")
    for account in found.order_by("name"):
        if why := wallet_fields.why_no_wallets(account):
            unable.append((account, why))
        else:
            able.append(account)
    return able, unable


class WalletListView(ListView):
    model = Wallet
    table_class = WalletTable
    filterset_class = WalletFilters
    select_related = ("account", "reference")
    page_actions = (
        PageAction(gettext_lazy("New wallet"), "payments:wallet_start", CREATE, "plus", style="primary"),
    )
    live = 5


class WalletStartView(StaffView):
    """Which account receives? With one there is no question."""

    permission = CREATE
    template_name = "payments/wallet_start.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        able, unable = receiving_accounts()
        if len(able) == 1 and not unable:
            return redirect("payments:wallet_create", account=able[0].pk)
        return self.render(
            title=_("New wallet"),
            accounts=able,
            unable=unable,
            unable_title=_("Cannot receive now"),
            create_url_name="payments:wallet_create",
        )


class WalletCreateView(ServiceFormView):
    permission = CREATE
    form_class = WalletForm
    template_name = "payments/wallet_form.html"
    title = gettext_lazy("New wallet")
    button = gettext_lazy("Make wallet")
    cancel_url_name = "payments:wallet_list"
    prefill = ("paysys", "_customer_reference", "_label")

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(ProviderAccount.objects.select_related("health"), pk=self.kwargs["account"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._turned_away() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._turned_away() or super().post(request, *args, **kwargs)

    def _turned_away(self) -> HttpResponseBase | None:
        """To the choice of accounts, with the reason, where this one makes no address now."""
        why = wallet_fields.why_no_wallets(self.account)
        if not why:
            return None
        messages.warning(self.request, f"{self.account.name}: {why}")
        return redirect("payments:wallet_start")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "account": self.account}

    def made(self, token: uuid.UUID) -> Wallet | None:
        return Wallet.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: WalletForm) -> Wallet:
        try:
            return wallets.create(
                actor=self.request.user,
                account=self.account,
                fields=form.to_service(),
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise form.in_boxes(error) from error

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(account=self.account, **extra)


# --- One wallet ---
def parameters(wallet: Wallet) -> list[tuple[Any, str, str]]:
    """What is sent: label, the provider's name, and the value with its meaning."""
    known = {field.name: field for field in PROVIDERS[wallet.account.provider].wallet_fields}
    found = []
    for name, value in wallet.fields.items():
        text = f"{value}: {orders.in_words(value)}" if name.endswith("_percent") else value
        found.append((_(known[name].label) if name in known else name, name, text))
    return found


class WalletDetailView(DetailView):
    model = Wallet
    select_related = ("account__health", "reference", "created_by")
    list_url_name = "payments:wallet_list"
    watches = ("checked_at", "next_check_at")
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:wallet_refresh",
            "payments.refresh_wallet",
            "refresh-cw",
            when=lambda one: one.status in (Status.ACTIVE, Status.UNKNOWN),
        ),
        RELEASE,
        Action(
            gettext_lazy("Change whom it is for"),
            "payments:wallet_give",
            CREATE,
            "user-pen",
            confirm=True,
            when=lambda one: one.status in (Status.ACTIVE, Status.CREATING),
        ),
        Action(
            gettext_lazy("Resolve as failed"),
            "payments:wallet_resolve",
            "payments.resolve_wallet",
            "circle-x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.UNKNOWN,
        ),
        Action(
            gettext_lazy("Reject"),
            "payments:wallet_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "payments:wallet_approve",
            APPROVE,
            "stamp",
            style="primary",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
    )

    def watched(self, obj: Wallet) -> list[Any]:
        """Also what arrived: the page shows it."""
        return list(obj.deposits.order_by("-pk").values_list("pk", "version")[:SHOWN_DEPOSITS])

    def is_final(self, obj: Wallet) -> bool:
        """Money may arrive at any time."""
        return obj.status in (Status.FAILED, Status.REJECTED)

    def context(self, **extra: Any) -> dict[str, Any]:
        wallet: Wallet = self.object
        items = list(
            ExceptionItem.objects.filter(reference_id=wallet.reference_id, status="open").order_by(
                "opened_at"
            )
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        deposits = wallet.deposits.select_related("reference", "account", "wallet__reference").order_by(
            "-arrived_at", "-id"
        )
        why_not = (
            approvals.why_not_person(actor=self.request.user, requester=wallet.created_by)
            if self.may(APPROVE)
            else ""
        )
        context = super().context(
            parameters=parameters(wallet),
            deposits=WalletDepositTable(deposits[:SHOWN_DEPOSITS], request=self.request),
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            looks_needed=settings.SCAN_TIMES,
            why_not=why_not,
            **extra,
        )
        if why_not:
            deciding = ("payments:wallet_approve", "payments:wallet_reject")
            context["offers"] = [one for one in context["offers"] if one.action.url_name not in deciding]
        return context


class WalletRefreshView(ActionView):
    model = Wallet
    permission = "payments.refresh_wallet"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the provider about this wallet and what arrived there?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: Wallet, form: Any) -> None:
        wallets.ask_now(actor=self.request.user, wallet=obj)
