"""What hangs on our 18 digits: the way to the transaction's page, and letting a held one go on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import office
from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, DecisionView, StaffView
from payments.forms.exceptions import NoteForm
from payments.models import Deposit, ExceptionItem, Reference
from payments.services import deposit_decisions, exceptions


class ReferenceView(StaffView):
    """Leads to the page of the transaction with this reference; that page checks who may see it."""

    permission = "backoffice.view_dashboard"

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        reference = get_object_or_404(Reference, pk=pk)
        kind = office.kind(reference.kind)
        return HttpResponseRedirect(
            reverse(kind.detail, kwargs={"pk": getattr(reference, reference.kind).pk})
        )


#: The button on every page of what can be held.
RELEASE = Action(
    _("Release hold"),
    "payments:reference_release",
    "payments.release_hold",
    "lock-open",
    confirm=True,
    by="reference_id",
    when=lambda one: one.reference.held_at is not None,
)


class ReferenceReleaseView(DecisionView):
    """Letting it go on. Money that an AML check does not let pass is proposed here, and another person confirms."""

    model = Reference
    select_related = ("account",)
    permission = "payments.release_hold"
    form_class = NoteForm
    template_name = "payments/reference_release.html"
    title = _("Release the hold")
    success = _("Released. The provider is asked now.")

    def is_decided(self) -> bool:
        return self.object.held_at is None

    def show(self, form: Any) -> HttpResponseBase:
        self.request.place = office.kind(self.object.kind).detail  # type: ignore[attr-defined]
        return super().show(form)

    @cached_property
    def deposit(self) -> Deposit | None:
        """The deposit, if it is one that is held."""
        found = Deposit.objects.select_related("account", "reference", "wallet")
        return found.filter(reference=self.object).first()

    @property
    def needs_two(self) -> bool:
        return self.deposit is not None and deposit_decisions.needs_two(self.deposit)

    @property
    def button(self) -> Any:
        return _("Propose to release") if self.needs_two else _("Release")

    @property
    def question(self) -> Any:
        if self.deposit is None:
            return _(
                "The transaction goes on as the provider reports it. The same difference does not hold it again. "
                "Your note stays in the timeline."
            )
        if self.needs_two:
            return _(
                "The provider’s AML check does not let this money pass. You propose to release it, with a note, and "
                "another approver must confirm. Nothing is credited before that."
            )
        return _(
            "Is this money ours, and not counted yet? Released, it is credited. Your note stays in the timeline."
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.deposit is not None and deposit_decisions.stands(self.deposit):
            return HttpResponseRedirect(self.deposit.get_absolute_url())  # where the proposal stands
        return super().get(request, *args, **kwargs)

    def context(self, **extra: Any) -> dict[str, Any]:
        items = ExceptionItem.objects.filter(
            reference_id=self.object.pk, kind=ExceptionItem.Kind.HOLD, status=ExceptionItem.Status.OPEN
        )
        evidence = [line for item in items for line in flat(item.facts)]
        return super().context(evidence=evidence, deposit=self.deposit, **extra)

    def perform(self, obj: Reference, form: NoteForm) -> Any:
        note = form.cleaned_data["note"]
        if self.deposit is not None and self.needs_two:
            deposit_decisions.propose_release(actor=self.request.user, deposit=self.deposit, note=note)
            return _t("Proposed. Another approver must confirm it.")
        exceptions.release_hold(actor=self.request.user, reference=obj, note=note)
        return None
