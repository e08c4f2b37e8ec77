"""What the office itself gives to the shared pages: notes and the audit trail, for every timeline."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit import office, verbs
from backoffice.kit.timeline import NOTED, audit_of_reference, notes_of_reference

# Who may see an object may see what happened to it; the facts of each line are closed by themselves.
EVERYBODY = "backoffice.view_dashboard"

office.register(
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
