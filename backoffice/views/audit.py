"""The audit trail's page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.filters import AuditEntryFilters
from backoffice.kit.views import ListView
from backoffice.models import AuditEntry
from backoffice.tables import AuditEntryTable


class AuditEntryListView(ListView):
    model = AuditEntry
    table_class = AuditEntryTable
    filterset_class = AuditEntryFilters
    ordering = ("-at", "-id")
    intro = _("Who did what, when and by which way. Nothing here can be changed or deleted.")
