"""What people decide about batch payouts: approve, reject, cancel; pay the deposit or say that it is paid; resolve.

Rules are the services'; these pages show what is decided about, and why something cannot be.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import ReasonForm
from backoffice.kit.views import ApproveView, DecisionView, ServiceFormView
from payments.forms.batch_payouts import BatchResolveForm, DepositForm, PaidOutsideForm
from payments.models import BatchPayout, Withdrawal
from payments.models.batch_payouts import CURRENCY
from payments.services import (
    accounts,
    approvals,
    batch_decisions,
    batch_fields,
    batch_payments,
    batch_payouts,
    freeze,
    reservations,
    spellings,
)

from .batch_payouts import APPROVE, BEFORE_SENDING, PAY, bars, way_label

Status = BatchPayout.Status
RELATED = ("reference", "account__health", "created_by", "withdrawal__reference")


class _OfBatchPayout(DecisionView):
    """A decision about one batch payout."""

    model = BatchPayout
    select_related = RELATED
    template_name = "payments/batchpayout_decide.html"

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(rows=list(self.object.rows.order_by("position")), **extra)


# --- Before it is created ---
class BatchPayoutApproveView(_OfBatchPayout, ApproveView):
    permission = APPROVE
    template_name = "payments/batchpayout_approve.html"
    title = gettext_lazy("Approve batch payout")
    button = gettext_lazy("Approve and create")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def perform(self, obj: BatchPayout, form: Any) -> Any:
        batch_payouts.approve(actor=self.request.user, batch_payout=obj, seen=self.request.POST["seen"])
        if freeze.stops(obj.account_id):
            return _("Approved. It is created when the freeze is lifted.")
        return _("Approved. It is being created now; its deposit is then paid apart.")

    def context(self, **extra: Any) -> dict[str, Any]:
        batch = self.object
        equal = BatchPayout.objects.filter(account=batch.account, fingerprint=batch.fingerprint)
        return super().context(
            seen=batch_payouts.bound(batch),
            parameters=batch_fields.payload(batch),
            warnings=[
                *batch_fields.own_warnings(batch),
                *freeze.in_the_way(batch.account, refusal=accounts.why_no_batches(batch.account)),
            ],
            equal=list(equal.exclude(pk=batch.pk).select_related("reference").order_by("-created_at")[:6]),
            why_not=approvals.why_not_person(actor=self.request.user, requester=batch.created_by),
            **extra,
        )


class BatchPayoutRejectView(_OfBatchPayout):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject batch payout")
    question = gettext_lazy("It is not created. Whoever requested it can request another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def is_decided(self) -> bool:
        return self.object.status != Status.AWAITING_APPROVAL

    def perform(self, obj: BatchPayout, form: ReasonForm) -> None:
        batch_payouts.reject(actor=self.request.user, batch_payout=obj, reason=form.cleaned_data["reason"])


class BatchPayoutCancelView(_OfBatchPayout):
    permission = "payments.cancel_batchpayout"
    title = gettext_lazy("Cancel batch payout")
    question = gettext_lazy("It is taken back before it is created at the provider.")
    button = gettext_lazy("Cancel this batch payout")
    style = "danger"
    success = gettext_lazy("Canceled. Nothing is created.")

    def is_decided(self) -> bool:
        return self.object.status not in BEFORE_SENDING

    def perform(self, obj: BatchPayout, form: Any) -> None:
        batch_payouts.cancel(actor=self.request.user, batch_payout=obj)


# --- In doubt ---
class BatchPayoutResolveView(_OfBatchPayout):
    permission = "payments.resolve_batchpayout"
    form_class = BatchResolveForm
    template_name = "payments/batchpayout_resolve.html"
    title = gettext_lazy("Resolve the outcome")
    button = gettext_lazy("Decide")
    question = gettext_lazy(
        "The provider takes no reference of ours, so a lost answer is found again only by what it pays. An order that "
        "nobody pays costs nothing and expires."
    )

    def is_decided(self) -> bool:
        return self.object.status != Status.UNKNOWN

    def get_form(self, data: Any = None) -> BatchResolveForm:
        return BatchResolveForm(data, candidates=self.object.candidates)

    def perform(self, obj: BatchPayout, form: BatchResolveForm) -> Any:
        outcome = form.cleaned_data["outcome"]
        batch_decisions.resolve(
            actor=self.request.user, batch_payout=obj, outcome=outcome, note=form.cleaned_data["note"]
        )
        if outcome == "failed":
            return _("Closed as failed. Nothing is paid for it.")
        return _("Chosen. The provider is asked about it now.")

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(bars=bars(self.object, self.request.user), **extra)


# --- The deposit ---
class BatchPayoutPayView(ServiceFormView):
    """Requests the withdrawal that pays the deposit. Exact amount and address stand on the page and cannot be changed."""

    model = BatchPayout
    permission = PAY
    form_class = DepositForm
    template_name = "payments/batchpayout_pay.html"
    title = gettext_lazy("Pay the deposit")
    button = gettext_lazy("Request the withdrawal")
    success = gettext_lazy("Requested. Another person approves the withdrawal now, then it is sent.")

    @cached_property
    def batch(self) -> BatchPayout:
        return get_object_or_404(BatchPayout.objects.select_related(*RELATED), pk=self.kwargs["pk"])

    @cached_property
    def ways(self) -> list[Any]:
        return batch_payments.ways(self.batch)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "token" not in kwargs or self.made(kwargs["token"]) is None:
            why = batch_payments.why_not(self.batch) or (
                "" if self.ways else _("No account of ours can pay BTC to an address now.")
            )
            if why:
                messages.warning(request, why)
                return redirect(self.batch)
        return super().get(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        of_ours = {way.account_id: way.account for way in self.ways}
        known = {pk: reservations.funds(account) for pk, account in of_ours.items()}
        return {
            **super().get_form_kwargs(),
            "ways": [
                (f"{way.account_id}:{way.code}", way_label(way, known[way.account_id].get(way.currency)))
                for way in self.ways
            ],
            "currencies": sorted({CURRENCY, *(currency for funds in known.values() for currency in funds)}),
        }

    def made(self, token: uuid.UUID) -> Withdrawal | None:
        return Withdrawal.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: DepositForm) -> Withdrawal:
        chosen = form.cleaned_data["way"]
        way = next((one for one in self.ways if f"{one.account_id}:{one.code}" == chosen), None)
        if way is None:
            raise ValidationError({"way": _("This way is not open any more.")})
        fields = {name: value for name, value in form.cleaned_data.items() if name != "way" and value}
        try:
            return batch_payments.pay(
                actor=self.request.user,
                batch_payout=self.batch,
                account=way.account,
                fields={**fields, "paysys": way.code},
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise spellings.renamed(error, {"paysys": "way"}) from error

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(
            **{**extra, "batchpayout": self.batch, "cancel_url": self.batch.get_absolute_url()}
        )


class BatchPayoutMarkPaidView(_OfBatchPayout):
    permission = PAY
    form_class = PaidOutsideForm
    title = gettext_lazy("It is paid from outside")
    question = gettext_lazy(
        "Say so only when the deposit has left another wallet: from then on no withdrawal of ours can pay it."
    )
    button = gettext_lazy("It is paid")
    success = gettext_lazy("Noted. The provider is asked until it sees the deposit.")

    def is_decided(self) -> bool:
        batch: BatchPayout = self.object
        return batch.status not in batch_payments.MARKABLE or batch.paid_outside_at is not None

    def perform(self, obj: BatchPayout, form: PaidOutsideForm) -> None:
        batch_payments.mark_paid(actor=self.request.user, batch_payout=obj, note=form.cleaned_data["note"])
