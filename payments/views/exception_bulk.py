"""Many exceptions at once: taking them over, closing them with one note. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import office
from backoffice.kit.views import BulkActionView
from payments.forms.exceptions import NoteForm
from payments.models import ExceptionItem
from payments.services import exceptions

from .exceptions import is_open


class _BulkView(BulkActionView):
    model = ExceptionItem
    select_related = ("account", "reference", "owner")
    ordering = ("opened_at", "id")
    list_url_name = "payments:exceptionitem_list"

    def line(self, obj: ExceptionItem) -> office.Summary:
        tone = ExceptionItem.TONES[ExceptionItem.Status(obj.status)]
        return office.Summary(
            title=obj.get_kind_display(),
            status=obj.get_status_display(),
            tone=tone,
            account=obj.account or "",
        )


class ExceptionItemBulkOwnView(_BulkView):
    permission = "payments.own_exceptionitem"
    title = gettext_lazy("Take over exceptions")
    question = gettext_lazy("You will stand at each of these as the person who looks at it.")
    button = gettext_lazy("Take over the ticked")
    icon = "hand"
    done = gettext_lazy("Yours now")

    def refusals(self, rows: list[ExceptionItem]) -> dict[Any, str]:
        return {item.pk: _("This is closed already.") for item in rows if not is_open(item)}

    def perform(self, obj: ExceptionItem, form: Any) -> None:
        exceptions.own(actor=self.request.user, item=obj)


class ExceptionItemBulkCloseView(_BulkView):
    permission = "payments.close_exceptionitem"
    form_class = NoteForm
    title = gettext_lazy("Close exceptions")
    question = gettext_lazy(
        "One note for all of these. It is kept with your name and cannot be changed. An unexplained balance that is to "
        "be booked is closed on its own page."
    )
    button = gettext_lazy("Close the ticked")
    done = gettext_lazy("Closed")

    def refusals(self, rows: list[ExceptionItem]) -> dict[Any, str]:
        found = {}
        for item in rows:
            if not is_open(item):
                found[item.pk] = _("This is closed already.")
            elif item.is_held:
                found[item.pk] = _("A held transaction is released, not closed.")
        return found

    def perform(self, obj: ExceptionItem, form: NoteForm) -> None:
        exceptions.close(actor=self.request.user, item=obj, note=form.cleaned_data["note"])
