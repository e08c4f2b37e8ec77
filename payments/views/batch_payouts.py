"""The pages of batch payouts: the list, one of them, asking about it, requesting one. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import html, money
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
from backoffice.permissions import APPROVER, roles_of
from payments.filters.batch_payouts import BatchPayoutFilters
from payments.forms.batch_payouts import BatchPayoutForm
from payments.forms.withdrawals import fee_text
from payments.models import BatchPayout, ExceptionItem, Movement, ProviderAccount
from payments.providers import offering
from payments.providers.batches import BatchPayouts
from payments.services import (
    accounts,
    approvals,
    batch_decisions,
    batch_payments,
    batch_payouts,
    batch_states,
    decisions,
    freeze,
    reservations,
)
from payments.tables.batch_payouts import BatchPayoutTable, signature

from .references import RELEASE

Status = BatchPayout.Status
APPROVE, REQUEST, PAY = (
    "payments.approve_batchpayout",
    "payments.request_batchpayout",
    "payments.pay_batchpayout",
)
BEFORE_SENDING = (Status.AWAITING_APPROVAL, Status.APPROVED)
ASKABLE = tuple(status for status in batch_states.ASKED if status != Status.CREATING)


def makers() -> tuple[list[ProviderAccount], list[tuple[ProviderAccount, str]]]:
    """The accounts that can make batch payouts now, and those that an admin has switched on but cannot."""
    able: list[ProviderAccount] = []
    unable: list[tuple[ProviderAccount, str]] = []
    found = ProviderAccount.objects.filter(provider__in=offering(BatchPayouts)).select_related("health")
    for account in found.order_by("name"):
        if why := accounts.why_no_batches(account):
            unable.append((account, why))
        else:
            able.append(account)
    return able, unable


class BatchPayoutListView(ListView):
    model = BatchPayout
    table_class = BatchPayoutTable
    filterset_class = BatchPayoutFilters
    select_related = ("account", "reference", "created_by", "withdrawal__reference")
    page_actions = (
        PageAction(
            gettext_lazy("New batch payout"), "payments:batchpayout_start", REQUEST, "plus", style="primary"
        ),
    )
    live = 2
    template_name = "payments/batchpayout_list.html"
    title = gettext_lazy("Batch payouts")
    intro = gettext_lazy("One deposit in BTC, paid out to several addresses.")

    def context(self, **extra: Any) -> dict[str, Any]:
        context = super().context(**extra)
        if not makers()[0]:  # nowhere to make one: no button that leads there
            context["page_actions"] = []
        return context


# --- One of them ---
class BatchPayoutDetailView(DetailView):
    model = BatchPayout
    select_related = (
        *("account__health", "reference", "created_by", "paid_outside_by"),
        *("withdrawal__reference", "withdrawal__account"),
    )
    list_url_name = "payments:batchpayout_list"
    watches = ("checked_at", "next_check_at")
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:batchpayout_refresh",
            "payments.refresh_batchpayout",
            "refresh-cw",
            when=lambda one: one.status in ASKABLE,
        ),
        RELEASE,
        Action(
            gettext_lazy("Resolve"),
            "payments:batchpayout_resolve",
            "payments.resolve_batchpayout",
            "gavel",
            confirm=True,
            when=lambda one: one.status == Status.UNKNOWN,
        ),
        Action(
            gettext_lazy("Cancel it"),
            "payments:batchpayout_cancel",
            "payments.cancel_batchpayout",
            "ban",
            style="danger",
            confirm=True,
            when=lambda one: one.status in BEFORE_SENDING,
        ),
        Action(
            gettext_lazy("Reject"),
            "payments:batchpayout_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "payments:batchpayout_approve",
            APPROVE,
            "stamp",
            style="primary",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("It is paid from outside"),
            "payments:batchpayout_mark_paid",
            PAY,
            "wallet",
            confirm=True,
            when=lambda one: (
                one.status in batch_payments.MARKABLE
                and one.paid_outside_at is None
                and batch_payments.may_pay_again(one.withdrawal)
            ),
        ),
        Action(
            gettext_lazy("Pay the deposit"),
            "payments:batchpayout_pay",
            PAY,
            "send",
            style="primary",
            confirm=True,
            when=lambda one: not batch_payments.why_not(one) and bool(batch_payments.ways(one)),
        ),
    )

    def watched(self, obj: BatchPayout) -> list[Any]:
        """Also each decision, and what pays it: the page says so."""
        decided = obj.reference.approvals.order_by("-pk").values_list("pk", "used_at", "voided_at").first()
        return [decided, obj.withdrawal and obj.withdrawal.status]

    def _is_offered(self, name: str, why_not: str) -> bool:
        if name in ("payments:batchpayout_approve", "payments:batchpayout_reject"):
            return not why_not
        if name == "payments:batchpayout_cancel":
            mine = self.object.created_by_id == self.request.user.pk
            return mine or APPROVER in roles_of(self.request.user)
        return True

    def context(self, **extra: Any) -> dict[str, Any]:
        batch: BatchPayout = self.object
        why_not = (
            approvals.why_not_person(actor=self.request.user, requester=batch.created_by)
            if self.may(APPROVE)
            else ""
        )
        items = list(
            ExceptionItem.objects.filter(
                reference_id=batch.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        is_waiting = batch.status == Status.AWAITING_DEPOSIT
        context = super().context(
            rows=list(batch.rows.order_by("position")),
            signature=signature(batch),
            is_final=batch.status in batch_states.FINAL,
            is_sent=batch.status not in BEFORE_SENDING,
            is_mine=batch.created_by_id == self.request.user.pk,
            may_approve=self.may(APPROVE),
            why_not=why_not,
            why_not_paid=batch_payments.why_not(batch) if is_waiting else "",
            deposit_text="" if batch.deposit_amount is None else money.plain(batch.deposit_amount),
            deposit_uri=deposit_uri(batch),
            approvals=list(batch.reference.approvals.select_related("approver").order_by("created_at", "pk")),
            attempts=decisions.attempts(batch.reference, batch_payouts.OPERATION),
            may_see_calls=self.may("payments.view_providercall"),
            movements=Movement.objects.filter(reference_id=batch.reference_id).order_by("booked_at", "id"),
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            **extra,
        )
        context["offers"] = [
            offer for offer in context["offers"] if self._is_offered(offer.action.url_name, why_not)
        ]
        return context


def deposit_uri(batch: BatchPayout) -> str:
    """What a wallet reads from the code (BIP 21): address and exact amount; "" where nothing is to be paid now."""
    if batch.status != Status.AWAITING_DEPOSIT or batch_payments.why_not(batch):
        return ""
    assert batch.deposit_amount is not None  # noqa: S101  (why_not has looked)
    return f"bitcoin:{batch.deposit_address}?amount={money.plain(batch.deposit_amount)}"


class BatchPayoutRefreshView(ActionView):
    model = BatchPayout
    permission = "payments.refresh_batchpayout"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the provider what became of this batch payout?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: BatchPayout, form: Any) -> None:
        batch_payouts.ask_now(actor=self.request.user, batch_payout=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


# --- A new one ---
class BatchPayoutStartView(StaffView):
    """At which account? With one there is no question; the others say why they cannot."""

    permission = REQUEST
    template_name = "payments/batchpayout_start.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        able, unable = makers()
        if len(able) == 1 and not unable:
            return redirect("payments:batchpayout_create", account=able[0].pk)
        return self.render(
            title=_("New batch payout"),
            accounts=able,
            unable=unable,
            unable_title=_("Cannot make batch payouts now"),
            create_url_name="payments:batchpayout_create",
        )


class BatchPayoutCreateView(ServiceFormView):
    """The form of one account. It works without scripts: a box to type or paste into, and a file."""

    permission = REQUEST
    form_class = BatchPayoutForm
    template_name = "payments/batchpayout_form.html"
    title = gettext_lazy("New batch payout")
    button = gettext_lazy("Request batch payout")
    success = gettext_lazy("Requested. Another person approves it now, then it is created.")
    cancel_url_name = "payments:batchpayout_list"
    prefill = ("delay", "_note")

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(ProviderAccount.objects.select_related("health"), pk=self.kwargs["account"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if why := accounts.why_no_batches(self.account):
            messages.warning(request, why)
            return redirect("payments:batchpayout_start")
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.account.makes_batches:
            return redirect("payments:batchpayout_start")
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "account": self.account}

    def made(self, token: uuid.UUID) -> BatchPayout | None:
        return BatchPayout.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: BatchPayoutForm) -> BatchPayout:
        return batch_payouts.request(
            actor=self.request.user,
            account=self.account,
            fields=form.to_service(),
            form_token=self.form_token,
        )

    def context(self, **extra: Any) -> dict[str, Any]:
        able, _unable = makers()
        return super().context(
            account=self.account,
            has_other_accounts=any(one.pk != self.account.pk for one in able),
            is_frozen=freeze.stops(self.account.pk),
            **extra,
        )


def way_label(way: Any, funds: reservations.Funds | None) -> str:
    """An account of ours, its payment system and what is on its balance, as a choice."""
    parts = [f"{way.account.name} · {way.code}", fee_text(way) or _("fee not known")]
    if funds is None:
        parts.append(_("no balance in %s known") % way.currency)
    else:
        parts.append(
            _("%(amount)s %(currency)s available")
            % {"amount": html.amount_text(funds.available, places=0), "currency": way.currency}
        )
        if funds.balance.is_computed:
            parts.append(_("computed, not confirmed by the provider"))
    return ", ".join(parts)


def bars(batch: BatchPayout, user: Any) -> dict[str, str]:
    """Why this person cannot resolve it now, by step."""
    return {
        step: batch_decisions.why_not(actor=user, batch_payout=batch, step=step)
        for step in batch_decisions.CHECKS
    }
