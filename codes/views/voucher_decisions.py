"""What people decide about vouchers: approve, reject, cancel a request; resolve and confirm what is in doubt.

Rules are the services'; these pages show what is decided about, and why something cannot be.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import money
from backoffice.kit.forms import ReasonForm
from backoffice.kit.views import ApproveView, DecisionView, DoubtView, SecondView
from codes.forms.vouchers import CloseForm, ResolveForm
from codes.models import Voucher
from codes.services import voucher_decisions, voucher_fields, vouchers
from payments.models import Balance
from payments.services import approvals, freeze, reservations

from . import voucher_facts as facts

Status = Voucher.Status
APPROVE = "codes.approve_voucher"


class _OfVoucher(DecisionView):
    """A decision about one voucher, and what was requested with it."""

    model = Voucher
    select_related = ("reference", "account__health", "created_by")
    template_name = "codes/voucher_decide.html"
    # The states of its request that the decision is about.
    statuses: tuple[str, ...] = (Status.AWAITING_APPROVAL,)

    @cached_property
    def together(self) -> list[Voucher]:
        """All of the request that this decision is about."""
        return vouchers.together(self.object, self.statuses)

    def is_decided(self) -> bool:
        return self.object.status not in self.statuses

    def context(self, **extra: Any) -> dict[str, Any]:
        total = sum((one.amount or Decimal(0) for one in self.together), Decimal(0))
        return super().context(together=self.together, total=total, **extra)


# --- Before it is sent ---
class VoucherApproveView(_OfVoucher, ApproveView):
    """Everything that leaves, for the whole request."""

    permission = APPROVE
    template_name = "codes/voucher_approve.html"
    title = gettext_lazy("Approve vouchers")
    button = gettext_lazy("Approve and make")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def perform(self, obj: Voucher, form: Any) -> Any:
        vouchers.approve(actor=self.request.user, voucher=obj, seen=self.request.POST["seen"])
        if freeze.stops(obj.account_id):
            return _("Approved. It is made when the freeze is lifted.")
        return _("Approved. It is being made now.")

    def context(self, **extra: Any) -> dict[str, Any]:
        voucher = self.object
        total = sum((one.amount or Decimal(0) for one in self.together), Decimal(0))
        return super().context(
            seen=vouchers.bound(self.together),
            parameters=facts.parameters(voucher),
            cover=reservations.cover(account=voucher.account, currency=voucher.currency, amount=total),
            warnings=freeze.in_the_way(voucher.account, refusal=voucher_fields.may_issue(voucher.account)),
            why_not=approvals.why_not_person(actor=self.request.user, requester=voucher.created_by),
            **extra,
        )


class VoucherRejectView(_OfVoucher):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject vouchers")
    button = gettext_lazy("Reject")
    question = gettext_lazy("Nothing is made. Whoever requested it can request it again.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def perform(self, obj: Voucher, form: ReasonForm) -> None:
        vouchers.reject(actor=self.request.user, voucher=obj, reason=form.cleaned_data["reason"])


class VoucherCancelView(_OfVoucher):
    permission = "codes.cancel_voucher"
    statuses = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.REDEEMING)
    title = gettext_lazy("Cancel voucher")
    question = gettext_lazy(
        "What has not been sent is taken back. What is reserved for it becomes free again."
    )
    button = gettext_lazy("Take it back")
    style = "danger"
    success = gettext_lazy("Canceled. Nothing is sent.")

    def perform(self, obj: Voucher, form: Any) -> None:
        vouchers.cancel(actor=self.request.user, voucher=obj)


# --- In doubt ---
class _DoubtView(_OfVoucher, DoubtView):
    template_name = "codes/voucher_resolve.html"
    checks_template = "codes/voucher_checks.html"
    statuses = (Status.UNKNOWN,)

    def doubt(self) -> facts.Doubt:
        return facts.doubt(self.object, self.request.user)

    def ask(self) -> None:
        vouchers.ask_now(actor=self.request.user, voucher=self.object)


class VoucherResolveView(_DoubtView):
    permission = "codes.resolve_voucher"
    form_class = ResolveForm
    step = "resolve"
    title = gettext_lazy("Resolve the outcome")
    button = gettext_lazy("Decide")

    @property
    def question(self) -> Any:
        if self.object.is_issued:
            return _(
                "A new voucher that exists is found by itself. That it does not, another approver confirms."
            )
        return _(
            "“Redeemed” counts at once and is booked. “Failed” counts when another approver confirms it."
        )

    def get_form(self, data: Any = None) -> Any:
        if self.object.is_issued:
            return CloseForm(data)
        currencies = Balance.objects.filter(account=self.object.account).order_by("currency")
        return ResolveForm(
            data,
            currencies=list(currencies.values_list("currency", flat=True)),
            initial={"outcome": self.request.GET.get("outcome", ""), **self._gained()},
        )

    def _gained(self) -> dict[str, str]:
        """What came that nothing else explains, where that is one number."""
        gains = self.doubt().gains
        if len(gains) != 1:
            return {}
        return {"amount": money.plain(gains[0]["rest"]), "currency": gains[0]["currency"]}

    def perform(self, obj: Voucher, form: Any) -> Any:
        given = form.cleaned_data
        outcome = given.get("outcome", Status.FAILED)
        credited = {"amount": given["amount"], "currency": given["currency"]} if "amount" in given else {}
        voucher_decisions.resolve(
            actor=self.request.user, voucher=obj, outcome=outcome, note=given["note"], **credited
        )
        if outcome == Status.REDEEMED:
            return _("Closed as redeemed, and booked.")
        return _("Proposed as failed. Another approver must confirm it.")


class VoucherConfirmView(SecondView, _DoubtView):
    permission = "codes.confirm_voucher"
    step = "confirm"
    title = gettext_lazy("Confirm the decision")
    question = gettext_lazy("You are the second person. Read the note and what it needs first.")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Confirmed.")

    def pending(self) -> Any:
        return voucher_decisions.pending(self.object)

    def perform(self, obj: Voucher, form: Any) -> None:
        self.check_read()
        voucher_decisions.confirm(actor=self.request.user, voucher=obj)
