"""Taking a note: the POST behind the form of every object's page."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from backoffice.forms import NoteForm
from backoffice.kit import office
from backoffice.kit.views import StaffView
from backoffice.kit.views.forms import add_errors
from backoffice.models import AuditEntry
from backoffice.services import notes


class NoteCreateView(StaffView):
    """Write a note on a reference, then go back to where it was written (`next`). Nothing typed is lost."""

    permission = "backoffice.add_note"
    template_name = "generic/form.html"

    def get(self, request: HttpRequest, reference: str) -> HttpResponseBase:
        if not AuditEntry.objects.filter(reference=reference).exists():
            raise Http404
        return self._show(NoteForm(), reference)

    def post(self, request: HttpRequest, reference: str) -> HttpResponseBase:
        form = NoteForm(request.POST)
        if not form.is_valid():
            return self._show(form, reference)
        try:
            notes.add(actor=request.user, reference=reference, text=form.cleaned_data["text"])
        except ValidationError as error:
            add_errors(form, error)
            return self._show(form, reference)
        messages.success(request, _("Your note is in the timeline."))
        return HttpResponseRedirect(self._next())

    def _next(self) -> str:
        address = self.request.POST.get("next", "") or self.request.GET.get("next", "")
        ours = url_has_allowed_host_and_scheme(
            address, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )
        return address if ours else reverse("dashboard")

    def _show(self, form: NoteForm, reference: str) -> HttpResponseBase:
        types = set(AuditEntry.objects.filter(reference=reference).values_list("object_type", flat=True))
        kinds = (kind.detail for kind in office.registry.kinds.values() if kind.model.lower() in types)
        self.request.place = next(kinds, "")  # type: ignore[attr-defined]
        return self.render(
            form=form,
            title=_("Note on %(reference)s") % {"reference": reference},
            button=_("Add note"),
            cancel_url=self._next(),
            hidden={"next": self._next()},
        )
