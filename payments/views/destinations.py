"""The pages of our own destinations: list, proposal, one of them, its decisions. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext_lazy

from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction, ServiceFormView
from backoffice.kit.views.forms import reason
from payments.filters.destinations import OwnDestinationFilters
from payments.forms.destinations import OwnDestinationForm, ReasonForm
from payments.models import OwnDestination
from payments.services import destinations
from payments.tables.destinations import OwnDestinationTable

Status = OwnDestination.Status
APPROVE = "payments.approve_owndestination"


class OwnDestinationListView(ListView):
    model = OwnDestination
    table_class = OwnDestinationTable
    filterset_class = OwnDestinationFilters
    select_related = ("proposed_by", "decided_by")
    page_actions = (
        PageAction(
            gettext_lazy("Propose destination"),
            "payments:owndestination_create",
            "payments.propose_owndestination",
            "plus",
            style="primary",
        ),
    )
    template_name = "payments/owndestination_list.html"
    title = gettext_lazy("Own destinations")
    intro = gettext_lazy("The book of addresses that invoices may be paid out to.")


class OwnDestinationCreateView(ServiceFormView):
    permission = "payments.propose_owndestination"
    form_class = OwnDestinationForm
    title = gettext_lazy("Propose destination")
    intro = gettext_lazy("An approver must approve it before invoices can use it.")
    button = gettext_lazy("Propose")
    success = gettext_lazy("Proposed. An approver decides now.")
    cancel_url_name = "payments:owndestination_list"
    prefill = ("method",)

    def made(self, token: uuid.UUID) -> OwnDestination | None:
        return OwnDestination.objects.filter(proposed_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: OwnDestinationForm) -> OwnDestination:
        return destinations.propose(actor=self.request.user, form_token=self.form_token, **form.cleaned_data)


def _is_proposed(destination: OwnDestination) -> bool:
    return destination.status == Status.PROPOSED


class OwnDestinationDetailView(DetailView):
    model = OwnDestination
    select_related = ("proposed_by", "decided_by")
    list_url_name = "payments:owndestination_list"
    actions = (
        Action(
            gettext_lazy("Reject"),
            "payments:owndestination_reject",
            APPROVE,
            "x",
            style="danger",
            confirm=True,
            when=_is_proposed,
        ),
        Action(
            gettext_lazy("Approve"),
            "payments:owndestination_approve",
            APPROVE,
            "check",
            style="primary",
            confirm=True,
            when=_is_proposed,
        ),
        Action(
            gettext_lazy("Retire"),
            "payments:owndestination_retire",
            APPROVE,
            "archive",
            style="danger",
            confirm=True,
            when=lambda destination: destination.status == Status.APPROVED,
        ),
    )

    def get_title(self) -> Any:
        return self.object.label

    def context(self, **extra: Any) -> dict[str, Any]:
        mine = self.object.proposed_by_id == self.request.user.pk
        context = super().context(
            is_mine=mine,
            may_approve=self.may(APPROVE),
            **extra,
        )
        if mine and _is_proposed(self.object):
            context["offers"] = []
        return context


class _DecisionView(ActionView):
    model = OwnDestination
    permission = APPROVE
    template_name = "payments/owndestination_decide.html"


class OwnDestinationApproveView(_DecisionView):
    """The one page that shows a whole card number; that somebody saw it is in the audit trail."""

    title = gettext_lazy("Approve destination")
    question = gettext_lazy(
        "Compare the address with a source of your own, such as the wallet itself. "
        "Once approved, invoices can pay out to it."
    )
    success = gettext_lazy("Approved. Invoices can use it now.")

    def perform(self, obj: OwnDestination, form: Any) -> None:
        destinations.approve(actor=self.request.user, destination=obj)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.whole = destinations.reveal(actor=request.user, destination=self.object)
        except self.refusals as error:
            for sentence in reason(error):
                messages.error(request, sentence)
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(whole=self.whole, **extra)


class OwnDestinationRejectView(_DecisionView):
    form_class = ReasonForm
    title = gettext_lazy("Reject destination")
    question = gettext_lazy("It does not get into the book. It can be proposed again.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def perform(self, obj: OwnDestination, form: ReasonForm) -> None:
        destinations.reject(actor=self.request.user, destination=obj, reason=form.cleaned_data["reason"])


class OwnDestinationRetireView(_DecisionView):
    form_class = ReasonForm
    title = gettext_lazy("Retire destination")
    question = gettext_lazy(
        "New invoices cannot use it any more. Invoices that were made already still pay out to it."
    )
    style = "danger"
    success = gettext_lazy("Retired.")

    def perform(self, obj: OwnDestination, form: ReasonForm) -> None:
        destinations.retire(actor=self.request.user, destination=obj, reason=form.cleaned_data["reason"])
