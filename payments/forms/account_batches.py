"""The box beside the switch of batch payouts: why it is switched on. The service asks for it, and keeps it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.kit.forms import NoteField


def batch_fields() -> dict[str, forms.Field]:
    """The note that an admin writes when batch payouts are switched on."""
    return {
        "batches_note": NoteField(
            label=_("Why batch payouts are switched on"),
            help_text=_("Needed when you switch them on. It stays in the audit trail with your name."),
            required=False,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        )
    }
