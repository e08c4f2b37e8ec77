"""What people decide about withdrawals: approve, reject, cancel; resolve, re-send, confirm what is in doubt.

Rules are the services'; these pages show what is decided about, and why something cannot be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views import ActionView
from backoffice.kit.views.forms import reason
from payments.forms.withdrawals import DecisionForm, ReasonForm, ResolveForm
from payments.models import Withdrawal
from payments.services import freeze, withdrawal_decisions, withdrawals

from . import withdrawal_facts as facts

Status = Withdrawal.Status
APPROVE = "payments.approve_withdrawal"
RELATED = ("reference", "account__health", "created_by")


class _DecisionView(ActionView):
    """A decision about one withdrawal."""

    model = Withdrawal
    template_name = "payments/withdrawal_decide.html"

    def get_queryset(self) -> QuerySet[Withdrawal]:
        return Withdrawal.objects.select_related(*RELATED)

    def back(self, sentences: Iterable[str]) -> HttpResponseBase:
        """To the withdrawal's page, with what is in the way."""
        for sentence in sentences:
            messages.error(self.request, sentence)
        return HttpResponseRedirect(self.get_success_url())


# --- Before it is sent ---
class WithdrawalApproveView(_DecisionView):
    """The one page that can show a whole card number; that somebody saw it is in the audit trail."""

    permission = APPROVE
    template_name = "payments/withdrawal_approve.html"
    title = gettext_lazy("Approve withdrawal")
    button = gettext_lazy("Approve and send")
    whole = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.object.status != Status.AWAITING_APPROVAL:
            return self.back([_("This is decided already: %s.") % self.object.get_status_display()])
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "_reveal" in request.POST:
            try:
                self.whole = withdrawals.reveal(actor=request.user, withdrawal=self.object)
            except self.refusals as error:
                return self.back(reason(error))
            return self.show(None)
        if not request.POST.get("seen"):  # whoever approves has read the page
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)

    def perform(self, obj: Withdrawal, form: Any) -> Any:
        withdrawals.approve(actor=self.request.user, withdrawal=obj, seen=self.request.POST["seen"])
        if freeze.stops(obj.account_id):
            return _("Approved. It is sent when the freeze is lifted.")
        return _("Approved. It is being sent now.")

    def context(self, **extra: Any) -> dict[str, Any]:
        withdrawal = self.object
        return super().context(
            withdrawal=withdrawal,
            seen=withdrawals.bound(withdrawal),
            whole=self.whole,
            parameters=facts.parameters(withdrawal, whole=self.whole),
            cover=facts.cover(withdrawal),
            warnings=facts.warnings(withdrawal),
            similar=list(facts.similar(withdrawal)),
            similar_days=facts.SIMILAR_DAYS,
            why_not=facts.own_decision(self.request.user, withdrawal),
            **extra,
        )


class WithdrawalRejectView(_DecisionView):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject withdrawal")
    question = gettext_lazy("It is not sent. Whoever requested it can request another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def perform(self, obj: Withdrawal, form: ReasonForm) -> None:
        withdrawals.reject(actor=self.request.user, withdrawal=obj, reason=form.cleaned_data["reason"])


class WithdrawalCancelView(_DecisionView):
    permission = "payments.cancel_withdrawal"
    title = gettext_lazy("Cancel withdrawal")
    question = gettext_lazy("It is taken back before it is sent. What is reserved for it becomes free again.")
    button = gettext_lazy("Cancel this withdrawal")
    style = "danger"
    success = gettext_lazy("Canceled. Nothing is sent.")

    def perform(self, obj: Withdrawal, form: Any) -> None:
        withdrawals.cancel(actor=self.request.user, withdrawal=obj)


# --- In doubt ---
class _DoubtView(_DecisionView):
    """A decision about an unknown outcome. Its checks keep themselves fresh beside the form, so that a note that
    is being written is not lost when the provider must be asked once more."""

    template_name = "payments/withdrawal_resolve.html"
    step = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "fragment" not in request.GET:
            return super().get(request, *args, **kwargs)
        context = self.context()
        if request.GET.get("v") == context["version"]:
            return HttpResponse(status=204)
        return self._checks(context)

    def _checks(self, context: dict[str, Any]) -> HttpResponseBase:
        return TemplateResponse(self.request, "payments/withdrawal_checks.html", context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "_check" not in request.POST:
            return super().post(request, *args, **kwargs)
        withdrawals.ask_now(actor=request.user, withdrawal=self.object)
        if getattr(request, "htmx", False):
            return self._checks(self.context())
        messages.info(request, _("The provider is being asked. Go on in a moment."))
        return self.show(self.form_class(initial=request.POST.dict()) if self.form_class else None)

    def context(self, **extra: Any) -> dict[str, Any]:
        doubt = facts.doubt(self.object, self.request.user)
        told = [self.object.status, doubt.bars, doubt.look and doubt.look.pk, doubt.minutes_left]
        return super().context(
            withdrawal=self.object,
            doubt=doubt,
            step=self.step,
            version=hashlib.blake2b(repr(told).encode(), digest_size=9).hexdigest(),
            **extra,
        )


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


class WithdrawalConfirmView(_DoubtView):
    permission = "payments.confirm_withdrawal"
    step = "confirm"
    title = gettext_lazy("Confirm the decision")
    question = gettext_lazy("You are the second person. Read the note and what it needs first.")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Confirmed.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if withdrawal_decisions.pending(self.object) is None:
            return self.back([_("Nothing waits for a confirmation here.")])
        return super().get(request, *args, **kwargs)

    def perform(self, obj: Withdrawal, form: Any) -> None:
        proposal = withdrawal_decisions.pending(obj)
        if proposal is not None and str(proposal.pk) != self.request.POST.get("proposal"):
            raise ValidationError(_("Another proposal stands now. Read it before you confirm."))
        withdrawal_decisions.confirm(actor=self.request.user, withdrawal=obj)
