"""What hangs on our 18 digits: the way to the transaction's page, and letting a held one go on."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit import office
from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, StaffView
from payments.forms.exceptions import NoteForm
from payments.models import ExceptionItem, Reference
from payments.services import exceptions


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


class ReferenceReleaseView(ActionView):
    model = Reference
    permission = "payments.release_hold"
    form_class = NoteForm
    template_name = "payments/reference_release.html"
    title = _("Release the hold")
    button = _("Release")
    question = _(
        "The transaction goes on as the provider reports it. The same difference does not hold it again. "
        "Your note stays in the timeline."
    )
    success = _("Released. The provider is asked now.")

    def get_queryset(self) -> QuerySet[Any]:
        return Reference.objects.select_related("account")

    def context(self, **extra: Any) -> dict[str, Any]:
        items = ExceptionItem.objects.filter(
            reference_id=self.object.pk, kind=ExceptionItem.Kind.HOLD, status=ExceptionItem.Status.OPEN
        )
        return super().context(evidence=[line for item in items for line in flat(item.facts)], **extra)

    def perform(self, obj: Reference, form: NoteForm) -> None:
        exceptions.release_hold(actor=self.request.user, reference=obj, note=form.cleaned_data["note"])
