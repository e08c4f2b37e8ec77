"""The pages of partner payouts: list, request, one of them, and the decisions about it. Rules are the services'."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import ReasonForm
from backoffice.kit.timeline import flat
from backoffice.kit.views import (
    Action,
    ActionView,
    DecisionView,
    DetailView,
    DoubtView,
    ListView,
    RevealView,
    SecondView,
    ServiceFormView,
)
from backoffice.permissions import APPROVER, roles_of
from payments.filters.partner import PartnerPayoutFilters
from payments.forms.partner import PartnerPayoutForm, ResolvePayoutForm
from payments.models import Approval, ExceptionItem, Movement, PartnerPayout, PartnerProgram, ProviderCall
from payments.services import (
    approvals,
    decisions,
    freeze,
    partner,
    partner_payees,
    payout_decisions,
    payout_fields,
)
from payments.tables import provider_words
from payments.tables.partner import PartnerPayoutTable

from .references import RELEASE

Status = PartnerPayout.Status
APPROVE = "payments.approve_partnerpayout"
RELATED = ("reference", "account__health", "created_by")
ASKABLE = (Status.UNKNOWN, Status.PENDING, Status.COMPLETE)


class PartnerPayoutListView(ListView):
    model = PartnerPayout
    table_class = PartnerPayoutTable
    filterset_class = PartnerPayoutFilters
    select_related = ("account", "reference")
    live = 5
    title = gettext_lazy("Partner payouts")
    intro = gettext_lazy(
        "Always the whole balance: the exchanger takes no amount. One at a time per account."
    )


class PartnerPayoutCreateView(ServiceFormView):
    model = PartnerProgram
    permission = "payments.request_partnerpayout"
    form_class = PartnerPayoutForm
    template_name = "payments/partnerpayout_form.html"
    title = gettext_lazy("Request payout")
    button = gettext_lazy("Request payout")
    success = gettext_lazy("Requested. Another person approves it now, then it is sent, once.")
    cancel_url_name = "payments:partnerprogram_list"

    @cached_property
    def program(self) -> PartnerProgram:
        return get_object_or_404(
            PartnerProgram.objects.select_related("account__health"), pk=self.kwargs["pk"]
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "token" in kwargs and self.made(kwargs["token"]):
            return super().get(request, *args, **kwargs)
        earlier = payout_fields.in_flight(self.program.account)
        if earlier is not None:
            messages.info(request, _("This one is under way already. There is one at a time."))
            return redirect(earlier)
        if why := payout_fields.why_not(self.program):
            messages.warning(request, why)
            return redirect(self.program)
        return super().get(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        ways = partner_payees.ways(self.program)
        return {
            **super().get_form_kwargs(),
            "program": self.program,
            "ways": {way.id: way.told for way in ways},
            "book": partner_payees.fitting(ways),
        }

    def made(self, token: uuid.UUID) -> PartnerPayout | None:
        return PartnerPayout.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: PartnerPayoutForm) -> PartnerPayout:
        try:
            return partner.request_payout(
                actor=self.request.user,
                account=self.program.account,
                fields=form.to_service(),
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise form.in_boxes(error) from error

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(program=self.program, **extra)


# --- One payout ---
@dataclass(frozen=True)
class Doubt:
    """The evidence about a payout in doubt, and what bars each way out for the person who looks."""

    attempts: list[ProviderCall]
    look: ProviderCall | None
    is_fresh: bool
    minutes_left: int
    proposal: Approval | None
    bars: dict[str, str]

    @property
    def attempt(self) -> ProviderCall | None:
        return self.attempts[0] if self.attempts else None


def doubt(payout: PartnerPayout, user: Any) -> Doubt:
    look = decisions.last_look(payout.reference)
    calls = decisions.attempts(payout.reference, partner.OPERATION)
    return Doubt(
        attempts=calls,
        look=look,
        is_fresh=look is not None and look.started_at > timezone.now() - decisions.FRESH,
        minutes_left=decisions.minutes_left(calls[0] if calls else None),
        proposal=payout_decisions.pending(payout),
        bars={
            step: payout_decisions.why_not(actor=user, payout=payout, step=step)
            for step in payout_decisions.CHECKS
        },
    )


class PartnerPayoutDetailView(DetailView):
    model = PartnerPayout
    select_related = RELATED
    list_url_name = "payments:partnerpayout_list"
    watches = ("checked_at", "next_check_at")  # the page says when
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:partnerpayout_refresh",
            "payments.refresh_partnerpayout",
            "refresh-cw",
            when=lambda one: one.status in ASKABLE,
        ),
        RELEASE,
        Action(
            gettext_lazy("Cancel it"),
            "payments:partnerpayout_cancel",
            "payments.cancel_partnerpayout",
            "ban",
            style="danger",
            confirm=True,
            when=lambda one: one.status in (Status.AWAITING_APPROVAL, Status.APPROVED),
        ),
        Action(
            gettext_lazy("Reject"),
            "payments:partnerpayout_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "payments:partnerpayout_approve",
            APPROVE,
            "stamp",
            style="primary",
            confirm=True,
            when=lambda one: one.status == Status.AWAITING_APPROVAL,
        ),
    )

    def watched(self, obj: PartnerPayout) -> list[Any]:
        return [obj.reference.approvals.order_by("-pk").values_list("pk", "used_at", "voided_at").first()]

    def context(self, **extra: Any) -> dict[str, Any]:
        payout: PartnerPayout = self.object
        items = list(
            ExceptionItem.objects.filter(
                reference_id=payout.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        is_mine = payout.created_by_id == self.request.user.pk
        why_not = approvals.why_not_person(actor=self.request.user, requester=payout.created_by)
        in_doubt = payout_decisions.in_doubt(payout)
        context = super().context(
            is_final=payout.status in PartnerPayout.FINAL,
            is_sent=payout.sent_at is not None,
            is_mine=is_mine,
            may_approve=self.may(APPROVE),
            why_not=why_not if self.may(APPROVE) else "",
            may_see_calls=self.may("payments.view_providercall"),
            may_resolve=self.may("payments.resolve_partnerpayout"),
            may_confirm=self.may("payments.confirm_partnerpayout"),
            may_refresh=self.may("payments.refresh_partnerpayout"),
            attempts=decisions.attempts(payout.reference, partner.OPERATION),
            word=provider_words.of_payout(payout.account.provider, payout.provider_status),
            approvals=list(
                payout.reference.approvals.select_related("approver").order_by("created_at", "pk")
            ),
            movements=Movement.objects.filter(reference_id=payout.reference_id).order_by("booked_at", "id"),
            doubt=doubt(payout, self.request.user) if in_doubt else None,
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            **extra,
        )
        context["offers"] = [
            offer for offer in context["offers"] if self._is_offered(offer.action.url_name, why_not, is_mine)
        ]
        return context

    def _is_offered(self, name: str, why_not: str, is_mine: bool) -> bool:
        """Whether a button makes sense for this person, beyond their role."""
        if name in ("payments:partnerpayout_approve", "payments:partnerpayout_reject"):
            return not why_not
        if name == "payments:partnerpayout_cancel":
            return is_mine or APPROVER in roles_of(self.request.user)
        return True


class PartnerPayoutRefreshView(ActionView):
    model = PartnerPayout
    permission = "payments.refresh_partnerpayout"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the exchanger what became of this payout?")
    success = gettext_lazy("The exchanger is being asked. The answer appears here by itself.")

    def perform(self, obj: PartnerPayout, form: Any) -> None:
        partner.ask_now(actor=self.request.user, payout=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


# --- Deciding ---
class _OfPayout(DecisionView):
    model = PartnerPayout
    select_related = RELATED
    template_name = "payments/partnerpayout_decide.html"


class PartnerPayoutApproveView(_OfPayout, RevealView):
    permission = APPROVE
    template_name = "payments/partnerpayout_approve.html"
    title = gettext_lazy("Approve partner payout")
    button = gettext_lazy("Approve and send")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def reveal(self) -> str:
        return partner.reveal(actor=self.request.user, payout=self.object)

    def perform(self, obj: PartnerPayout, form: Any) -> Any:
        partner.approve(actor=self.request.user, payout=obj, seen=self.request.POST["seen"])
        if freeze.stops(obj.account_id):
            return _("Approved. It is sent when the freeze is lifted.")
        return _("Approved. It is being sent now.")

    def context(self, **extra: Any) -> dict[str, Any]:
        payout: PartnerPayout = self.object
        return super().context(
            seen=partner.bound(payout),
            payee=partner_payees.about(payout),
            program=PartnerProgram.objects.filter(account=payout.account).first(),
            warnings=freeze.in_the_way(payout.account, refusal=payout_fields.may_pay_out(payout.account)),
            why_not=approvals.why_not_person(actor=self.request.user, requester=payout.created_by),
            **extra,
        )


class PartnerPayoutRejectView(_OfPayout):
    permission = APPROVE
    form_class = ReasonForm
    title = gettext_lazy("Reject partner payout")
    question = gettext_lazy("It is not sent. Whoever requested it can request another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def is_decided(self) -> bool:
        return self.object.status != Status.AWAITING_APPROVAL

    def perform(self, obj: PartnerPayout, form: ReasonForm) -> None:
        partner.reject(actor=self.request.user, payout=obj, reason=form.cleaned_data["reason"])


class PartnerPayoutCancelView(_OfPayout):
    permission = "payments.cancel_partnerpayout"
    title = gettext_lazy("Cancel partner payout")
    question = gettext_lazy("It is taken back before it is sent.")
    button = gettext_lazy("Cancel this payout")
    style = "danger"
    success = gettext_lazy("Canceled. Nothing is sent.")

    def is_decided(self) -> bool:
        return self.object.status not in (Status.AWAITING_APPROVAL, Status.APPROVED)

    def perform(self, obj: PartnerPayout, form: Any) -> None:
        partner.cancel(actor=self.request.user, payout=obj)


class _DoubtView(_OfPayout, DoubtView):
    template_name = "payments/partnerpayout_resolve.html"
    checks_template = "payments/partnerpayout_checks.html"

    def doubt(self) -> Doubt:
        return doubt(self.object, self.request.user)

    def ask(self) -> None:
        partner.ask_now(actor=self.request.user, payout=self.object)


class PartnerPayoutResolveView(_DoubtView):
    permission = "payments.resolve_partnerpayout"
    form_class = ResolvePayoutForm
    step = "resolve"
    title = gettext_lazy("Resolve the outcome")
    button = gettext_lazy("Decide")
    question = gettext_lazy(
        "“Complete” counts at once and is booked. “Failed” counts when another approver confirms it."
    )

    def is_decided(self) -> bool:
        return not payout_decisions.in_doubt(self.object)

    def get_form(self, data: Any = None) -> ResolvePayoutForm:
        return ResolvePayoutForm(data, initial={"outcome": self.request.GET.get("outcome", "")})

    def perform(self, obj: PartnerPayout, form: ResolvePayoutForm) -> Any:
        outcome = form.cleaned_data["outcome"]
        payout_decisions.resolve(
            actor=self.request.user, payout=obj, outcome=outcome, note=form.cleaned_data["note"]
        )
        if outcome == Status.COMPLETE:
            return _("Closed as complete.")
        return _("Proposed as failed. Another approver must confirm it.")


class PartnerPayoutConfirmView(SecondView, _DoubtView):
    permission = "payments.confirm_partnerpayout"
    step = "confirm"
    title = gettext_lazy("Confirm the decision")
    question = gettext_lazy("You are the second person. Read the note and what it needs first.")
    button = gettext_lazy("Confirm")
    success = gettext_lazy("Confirmed.")

    def pending(self) -> Any:
        return payout_decisions.pending(self.object)

    def perform(self, obj: PartnerPayout, form: Any) -> None:
        self.check_read()
        payout_decisions.confirm(actor=self.request.user, payout=obj)
