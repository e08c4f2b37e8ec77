"""Forms of exceptions and holds: a note, and whether a difference is booked. Rules are the services'."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.kit.forms import NoteField


class NoteForm(forms.Form):
    """What a person found and decided. The services refuse an empty note."""

    note = NoteField(
        label=_("What you found and decided"),
        max_length=4000,
        rows=4,
        error_messages={"required": _("Write what you found and decided.")},
    )


class BookForm(NoteForm):
    """The same for an unexplained balance: its difference may be booked."""

    book = forms.BooleanField(
        label=_("Book the difference as an adjustment"),
        required=False,
        help_text=_(
            "It becomes a movement in the history, under your name. Without it the difference stays."
        ),
    )
