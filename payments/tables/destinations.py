"""The table of our own destinations. Cards are masked in the row already. Holds no query."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit.tables import BaseTable, Column, LinkColumn, StatusColumn, WhenColumn
from payments.models import OwnDestination


class OwnDestinationTable(BaseTable):
    """Where our money may go when an invoice is paid."""

    caption = _("Own destinations, newest first")

    label = LinkColumn(_("Label"))
    method = Column(_("Payment system"))
    shown = Column(_("Address"), css="mono text-break")
    tag = Column(_("Tag or memo"), css="mono", hide_below="lg")
    status = StatusColumn(_("Status"))
    proposed_by = Column(_("Proposed by"), accessor="proposed_by__username", hide_below="lg")
    created_at = WhenColumn(_("Proposed"), orderable=True, initial_sort_descending=True, hide_below="md")
    decided_by = Column(_("Decided by"), accessor="decided_by__username", hide_below="xl")

    class Meta:
        model = OwnDestination
        fields = (
            "label",
            "method",
            "shown",
            "tag",
            "status",
            "proposed_by",
            "created_at",
            "decided_by",
        )
        orderable = False
