"""Notes on transactions: the only writer of the model. Knows references as 18 digits, and no money."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit.timeline import NOTED
from backoffice.models import AuditEntry, Note
from backoffice.permissions import guarded


@guarded("backoffice.add_note")
def add(*, actor: Any, reference: str, text: str) -> Note:
    """Write a note on the transaction with this reference (our 18 digits).

    Raises ValidationError for an unknown reference and for a text that is empty or over 4,000 characters.
    """
    text = text.replace("\r\n", "\n").strip()
    limit = Note._meta.get_field("text").max_length or 0
    if not text:
        raise ValidationError({"text": _("Write something first.")})
    if "\x00" in text:
        raise ValidationError({"text": _("The note holds a character that cannot be kept.")})
    if len(text) > limit:
        raise ValidationError({"text": _("A note has at most %(limit)s characters.") % {"limit": limit}})
    # Every reference is told of in the audit trail in the transaction that takes it.
    if not reference or not AuditEntry.objects.filter(reference=reference).exists():
        raise ValidationError(_("There is no transaction with this reference."))
    with transaction.atomic():
        note = Note.objects.create(reference=reference, author=actor, text=text)
        audit.record(actor, NOTED, note)
    return note
