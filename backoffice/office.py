"""What the office itself gives to the shared pages: timelines' notes and audit trail, the latest activity."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice import permissions
from backoffice.kit import office, verbs
from backoffice.kit.timeline import NOTED, audit_of_reference, notes_of_reference
from backoffice.models import AuditEntry
from backoffice.tables import page_of

# Who may see an object may see what happened to it; the facts of each line are closed by themselves.
EVERYBODY = "backoffice.view_dashboard"

SHOWN_EVENTS = 6


def _activity(user: Any) -> dict[str, Any]:
    """What happened last to the transactions that this person may see, without the facts."""
    kinds = [
        kind.model.lower()
        for kind in office.registry.kinds.values()
        if permissions.may(user, kind.permission)
    ]
    entries = AuditEntry.objects.filter(object_type__in=kinds).order_by("-at", "-id")[:SHOWN_EVENTS]
    return {
        "entries": [(entry, page_of(entry)) for entry in entries],
        "may_see_all": permissions.may(user, "backoffice.view_auditentry"),
    }


office.register(
    office.Card(
        name="activity",
        title=_("Latest activity"),
        template="backoffice/activity.html",
        context=_activity,
        permission=EVERYBODY,
        order=41,
        width=4,
    ),
    office.TimelineSource("audit", audit_of_reference, EVERYBODY),
    office.TimelineSource("notes", notes_of_reference, EVERYBODY),
)
verbs.say(
    {
        NOTED: _("Note added"),
        "export.made": _("Exported"),
        "role.given": _("Role given"),
        "role.taken": _("Role taken away"),
        "user.created": _("User made"),
        "user.changed": _("User changed"),
        "user.password_set": _("Password set by an admin"),
        "user.second_factor_removed": _("Second factor removed"),
        "user.unlocked": _("User unlocked"),
        "user.switched_on": _("User switched on"),
        "user.switched_off": _("User switched off"),
    }
)
