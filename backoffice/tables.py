"""Tables of the office's own pages: the audit trail."""

from __future__ import annotations

import functools
from typing import Any

from django.apps import apps
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html, office, verbs
from backoffice.kit.tables import BaseTable, Column, LinkColumn, WhenColumn
from backoffice.kit.timeline import flat
from backoffice.models import AuditEntry


@functools.cache
def _page_of(object_type: str) -> str:
    """The route of an object's page by its model ("payments.invoice"), or ""."""
    return next(
        (kind.detail for kind in office.registry.kinds.values() if kind.model.lower() == object_type), ""
    )


def page_of(entry: AuditEntry) -> str:
    """The address of the page of what an entry tells about, or "" where it has none."""
    route = _page_of(entry.object_type)
    return reverse(route, kwargs={"pk": entry.object_id}) if route else ""


@functools.cache
def _model_of(object_type: str) -> Any:
    try:
        return apps.get_model(object_type)
    except (LookupError, ValueError):  # a model that is gone; its history stays
        return None


def kind_name(object_type: str) -> str:
    """What people call a model ("payments.invoice" is an invoice)."""
    model = _model_of(object_type)
    return str(model._meta.verbose_name) if model else object_type


class AuditEntryTable(BaseTable):
    """Who did what to which object, when and by which way."""

    caption = _("Audit trail, newest first")
    empty = _("Nothing has been written yet.")

    at = WhenColumn(_("Time"), seconds=True, orderable=True, initial_sort_descending=True)
    actor_name = Column(_("Who"), default=_("The system"), css="text-nowrap")
    verb = Column(_("What"), css="cell-strong cell-wide")
    object_text = LinkColumn(_("Object"), to=page_of, css="text-break cell-wide")
    object_type = Column(_("Kind"), hide_below="xxl")
    reference = Column(_("Reference"), css="ref d-none")
    way = Column(_("Way"), hide_below="xl")
    facts = Column(_("Facts"), css="cell-facts")

    class Meta:
        model = AuditEntry
        fields = ("at", "actor_name", "verb", "object_text", "object_type", "reference", "way", "facts")
        orderable = False

    def render_verb(self, value: str) -> str:
        return verbs.sentence(value)

    def render_object_type(self, value: str) -> str:
        return kind_name(value).capitalize()

    def render_facts(self, value: dict[str, Any]) -> SafeString:
        return html.folded_facts(_("Facts"), flat(value))

    def export_facts(self, value: dict[str, Any], record: AuditEntry) -> Any:
        return value or ""
