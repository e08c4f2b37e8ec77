"""Lines of the audit trail and notes as events of a timeline. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from backoffice.models import AuditEntry, Note

from . import office, verbs

FACTS_PERMISSION = "backoffice.view_auditentry"
NOTED = "note.added"  # the note itself stands in the timeline


def reference_of(obj: Any) -> str:
    """Our 18 digits of an object, or "": `reference` may be a text or a row that has them as `value`."""
    reference = getattr(obj, "reference", "")
    return str(getattr(reference, "value", reference) or "")


def audit_events(entries: Iterable[AuditEntry]) -> Iterator[office.Event]:
    """What happened, by whom and which way. What a person wrote is for all; the facts are for those who may read the
    audit trail.
    """
    for entry in entries:
        facts = dict(entry.facts or {})
        note = facts.pop("note", "")
        yield office.Event(
            at=entry.at,
            title=verbs.sentence(entry.verb),
            who=entry.actor_name,
            way=entry.get_way_display(),
            tone="info" if entry.way == AuditEntry.Way.STAFF else "muted",
            detail=str(note or ""),
            facts=tuple(flat(facts)),
            facts_permission=FACTS_PERMISSION,
        )


def audit_of_reference(reference: str) -> Iterator[office.Event]:
    """The audit trail of one reference, oldest first, without the lines that other sources tell better."""
    return audit_events(AuditEntry.objects.filter(reference=reference).exclude(verb=NOTED).order_by("id"))


def audit_of_object(obj: Model) -> Iterator[office.Event]:
    """The same for an object that has no reference, such as an account."""
    return audit_events(
        AuditEntry.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk)).order_by("id")
    )


# What people did that decides nothing: asking for it, looking at it.
_NO_DECISIONS = ("requested", "created", "revealed")
SHOWN_DECISIONS = 4


def decisions_about(obj: Model) -> list[office.Event]:
    """What people decided about an object, and how it came into its state, oldest first; the last few, without facts."""
    entries = AuditEntry.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk))
    by_people = entries.filter(way=AuditEntry.Way.STAFF, actor__isnull=False)
    for word in _NO_DECISIONS:
        by_people = by_people.exclude(verb__endswith=f".{word}")
    found = {entry.pk: entry for entry in by_people.order_by("-id")[:SHOWN_DECISIONS]}
    state = entries.filter(verb__endswith=f".{getattr(obj, 'status', '')}").order_by("-id").first()
    if state is not None:
        found[state.pk] = state
    return [replace(event, facts=()) for event in audit_events(found[pk] for pk in sorted(found))]


def notes_of_reference(reference: str) -> Iterator[office.Event]:
    """What people wrote on this reference."""
    for note in Note.objects.filter(reference=reference).select_related("author"):
        yield office.Event(
            at=note.created_at,
            title=_("Note"),
            who=note.author.get_username(),
            way=AuditEntry.Way.STAFF.label,
            tone="warn",
            detail=note.text,
        )


def flat(facts: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Facts as (name, text) lines: nested ones get names like "before.amount"."""
    if isinstance(facts, dict) and facts:
        for key, value in facts.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(facts, list) and facts:
        for number, value in enumerate(facts, start=1):
            yield from flat(value, f"{name}.{number}" if name else str(number))
    elif name:
        yield name, "" if facts is None else str(facts)
