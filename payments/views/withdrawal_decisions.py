"""What people decide about withdrawals: approve, reject, cancel; resolve, re-send, confirm what is in doubt.

Rules are the services'; these pages show what is decided about, and why something cannot be.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import DecisionForm, ReasonForm
from backoffice.kit.views import DecisionView, DoubtView, RevealView, SecondView
from payments.forms.withdrawals import ResolveForm
from payments.models import Withdrawal
from payments.services import (
    approvals,
    freeze,
    reservations,
    withdrawal_decisions,
    withdrawal_fields,
    withdrawals,
)

from . import withdrawal_facts as facts

Status = Withdrawal.Status
APPROVE = "payments.approve_withdrawal"


class _OfWithdrawal(DecisionView):
    """A decision about one withdrawal."""

    model = Withdrawal
    select_related = ("reference", "account__health", "created_by")
    template_name = "payments/withdrawal_decide.html"


# --- Before it is sent ---
class WithdrawalApproveView(_OfWithdrawal, RevealView):
    """The one page that can show a whole card number; that somebody saw it is in the audit trail."""

    permission = APPROVE
    template_name = "payments/withdrawal_approve.html"
    title = gettext_lazy("Approve withdrawal")
    button = gettext_lazy("Approve and send")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def reveal(self) -> str:
        return withdrawals.reveal(actor=self.request.user, withdrawal=self.object)

    def perform(self, obj: Withdrawal, form: Any) -> Any:
        withdrawals.approve(actor=self.request.user, withdrawal=obj, seen=self.request.POST["seen"])
        if freeze.stops(obj.account_id):
            return _("Approved. It is sent when the freeze is lifted.")
        return _("Approved. It is being sent now.")

    def context(self, **extra: Any) -> dict[str, Any]:
        withdrawal = self.object
        return super().context(
            seen=withdrawals.bound(withdrawal),
            parameters=facts.parameters(withdrawal, whole=self.whole),
            cover=reservations.cover(
                account=withdrawal.account,
                currency=withdrawal.balance_currency,
                amount=withdrawal.max_debit,
            ),
            fee_cover=facts.fee_cover(withdrawal),
            warnings=[
                *withdrawal_fields.own_warnings(withdrawal),
                *freeze.in_the_way(
                    withdrawal.account, refusal=withdrawal_fields.may_pay_out(withdrawal.account)
                ),
            ],
            similar=list(facts.similar(withdrawal)),
            similar_days=facts.SIMILAR_DAYS,
            why_not=approvals.why_not_person(actor=self.request.user, requester=withdrawal.created_by),
            **extra,
        )


class WithdrawalRejectView(_OfWithdrawal):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject withdrawal")
    question = gettext_lazy("It is not sent. Whoever requested it can request another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def is_decided(self) -> bool:
        return self.object.status != Status.AWAITING_APPROVAL

    def perform(self, obj: Withdrawal, form: ReasonForm) -> None:
        withdrawals.reject(actor=self.request.user, withdrawal=obj, reason=form.cleaned_data["reason"])


class WithdrawalCancelView(_OfWithdrawal):
    permission = "payments.cancel_withdrawal"
    title = gettext_lazy("Cancel withdrawal")
    question = gettext_lazy("It is taken back before it is sent. What is reserved for it becomes free again.")
    button = gettext_lazy("Cancel this withdrawal")
    style = "danger"
    success = gettext_lazy("Canceled. Nothing is sent.")

    def is_decided(self) -> bool:
        return self.object.status not in (Status.AWAITING_APPROVAL, Status.APPROVED)

    def perform(self, obj: Withdrawal, form: Any) -> None:
        withdrawals.cancel(actor=self.request.user, withdrawal=obj)


# --- In doubt ---
class _DoubtView(_OfWithdrawal, DoubtView):
    template_name = "payments/withdrawal_resolve.html"
    checks_template = "payments/withdrawal_checks.html"

    def is_decided(self) -> bool:
        return not withdrawal_decisions.in_doubt(self.object)

    def doubt(self) -> facts.Doubt:
        return facts.doubt(self.object, self.request.user)

    def ask(self) -> None:
        withdrawals.ask_now(actor=self.request.user, withdrawal=self.object)


class WithdrawalResolveView(_DoubtView):
    permission = "payments.resolve_withdrawal"
    form_class = ResolveForm
    step = "resolve"
    title = gettext_lazy("Resolve the outcome")
    button = gettext_lazy("Decide")
    question = gettext_lazy(
        "“Complete” counts at once and is booked. “Failed” counts when another approver confirms it."
    )

    def get_form(self, data: Any = None) -> ResolveForm:
        return ResolveForm(data, initial={"outcome": self.request.GET.get("outcome", "")})

    def perform(self, obj: Withdrawal, form: ResolveForm) -> Any:
        outcome = form.cleaned_data["outcome"]
        withdrawal_decisions.resolve(
            actor=self.request.user, withdrawal=obj, outcome=outcome, note=form.cleaned_data["note"]
        )
        if outcome == Status.COMPLETE:
            return _("Closed as complete.")
        return _("Proposed as failed. Another approver must confirm it.")


class WithdrawalResendView(_DoubtView):
    permission = "payments.resolve_withdrawal"
    form_class = DecisionForm
    step = "resend"
    title = gettext_lazy("Propose to send it again")
    button = gettext_lazy("Propose")
    question = gettext_lazy(
        "The same reference is sent once more when another approver confirms. The provider takes a reference only "
        "once, so that it cannot be paid twice."
    )
    success = gettext_lazy("Proposed. Another approver must confirm it.")

    def perform(self, obj: Withdrawal, form: DecisionForm) -> None:
        withdrawal_decisions.resend(actor=self.request.user, withdrawal=obj, note=form.cleaned_data["note"])


class WithdrawalConfirmView(SecondView, _DoubtView):
    permission = "payments.confirm_withdrawal"
    step = "confirm"
    title = gettext_lazy("Confirm the decision")
    question = gettext_lazy("You are the second person. Read the note and what it needs first.")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Confirmed.")

    def pending(self) -> Any:
        return withdrawal_decisions.pending(self.object)

    def perform(self, obj: Withdrawal, form: Any) -> None:
        self.check_read()
        withdrawal_decisions.confirm(actor=self.request.user, withdrawal=obj)
