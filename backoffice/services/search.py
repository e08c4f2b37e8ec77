"""The search table: filling it (the only writer of SearchEntry) and finding in it.

Knows no app: kinds come from kit.office.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet

from backoffice.kit import office
from backoffice.kit.filters import matching
from backoffice.kit.paging import Keyset
from backoffice.models import SearchEntry

SWEEP = 500


def index(*, kind: str, object_ids: list[int]) -> int:
    """Write the entries of these objects anew. Gives how many."""
    part = office.kind(kind)
    if part.search_text is None:
        return 0
    rows = (
        apps.get_model(part.model)
        ._default_manager.select_related("reference", "account")
        .filter(pk__in=object_ids)
    )
    entries = [
        SearchEntry(reference=row.reference.value, kind=kind, object_id=row.pk, text=part.search_text(row))
        for row in rows
    ]
    SearchEntry.objects.bulk_create(
        entries,
        update_conflicts=True,
        unique_fields=["reference"],
        update_fields=["kind", "object_id", "text"],
    )
    return len(entries)


def sweep() -> int:
    """Index what has no entry yet, newest first: a lost message costs seconds."""
    count = 0
    for part in office.registry.kinds.values():
        if part.search_text is None:
            continue
        model = apps.get_model(part.model)
        known = SearchEntry.objects.filter(kind=part.kind)
        last = known.order_by("-object_id").values_list("object_id", flat=True).first() or 0
        # The newest entry may overtake older rows that were still being committed: look a little behind it.
        recent = model._default_manager.filter(pk__gt=max(last - SWEEP, 0)).order_by("-pk")
        missing = recent.exclude(pk__in=known.filter(object_id__gt=max(last - SWEEP, 0)).values("object_id"))
        count += index(kind=part.kind, object_ids=list(missing.values_list("pk", flat=True)[:SWEEP]))
    return count


# --- Finding ---
SHORTEST = 3  # what the trigram index can help with
FIRST = 5


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    object: Any
    reference: str
    summary: office.Summary


@dataclass(frozen=True)
class Group:
    """What was found of one kind, newest first. `more`: the cursor of what comes after, or ""."""

    kind: office.Kind
    hits: list[Hit]
    previous: str = ""
    more: str = ""


def is_number(text: str) -> bool:
    """Whether it is too short to be looked for inside of texts, and may be a provider's whole number."""
    return 0 < len(text) < SHORTEST and text.isascii() and text.isalnum()


def places(*, text: str, user: Any, may: Any) -> list[tuple[office.Finder, list[office.Place]]]:
    """The pages without a reference, such as accounts, whose name holds every word, by what they are."""
    if not is_enough(text):
        return []
    finders = [finder for finder in office.registry.finders.values() if may(user, finder.permission)]
    found = ((finder, finder.find(text.lower().split())) for finder in finders)
    return [(finder, some) for finder, some in found if some]


def is_enough(text: str) -> bool:
    """Whether a text is long enough to search for: one of its words has three characters."""
    return any(len(word) >= SHORTEST for word in text.split())


def searchable(user: Any, may: Any) -> list[office.Kind]:
    """The kinds that can be searched for and that this person may see."""
    kinds = office.registry.kinds.values()
    return [kind for kind in kinds if kind.search_text and kind.summary and may(user, kind.permission)]


def find(*, text: str, kinds: Iterable[office.Kind]) -> list[Group]:
    """The newest of each kind whose text holds every word; a whole reference alone, exactly, if it is one of ours. What
    is shorter than a word that can be looked for is a provider's whole number.

    A whole reference is found at once, other things a few seconds after they were made.
    """
    text = text.strip()
    if (
        text.isdecimal()
        and text.isascii()
        and len(text) == SearchEntry._meta.get_field("reference").max_length
    ):
        for kind in kinds:
            rows = _rows(kind).filter(reference__value=text)
            if hits := _hits(kind, rows):
                return [Group(kind, hits)]
    if is_number(text):
        groups = (_numbered(kind, text) for kind in kinds)
        return [group for group in groups if group.hits]
    if not is_enough(text):
        return []
    groups = (find_more(text=text, kind=kind, size=FIRST) for kind in kinds)
    return [group for group in groups if group.hits]


def find_more(*, text: str, kind: office.Kind, size: int, after: str = "", before: str = "") -> Group:
    """One page of what was found of one kind."""
    entries = SearchEntry.objects.filter(matching(text), kind=kind.kind)
    page = Keyset(SearchEntry, ["-reference"]).page(entries, size=size, after=after, before=before)
    places = {entry.object_id: place for place, entry in enumerate(page.rows)}
    hits = sorted(_hits(kind, _rows(kind).filter(pk__in=places)), key=lambda hit: places[hit.object.pk])
    return Group(kind, hits, page.previous, page.next)


def _numbered(kind: office.Kind, number: str) -> Group:
    """What has exactly this number at its provider. The index finds the whole word, the row says what it is."""
    model = apps.get_model(kind.model)
    if not any(field.name == "provider_id" for field in model._meta.fields):
        return Group(kind, [])
    as_word = Q(text__icontains=f" {number} ") | Q(text__iendswith=f" {number}")
    entries = SearchEntry.objects.filter(as_word, kind=kind.kind)
    rows = _rows(kind).filter(provider_id=number, pk__in=entries.values("object_id"))
    return Group(kind, _hits(kind, rows.order_by("-pk")[:FIRST]))


def _rows(kind: office.Kind) -> QuerySet[Any]:
    return apps.get_model(kind.model)._default_manager.select_related("reference", "account")


def _hits(kind: office.Kind, rows: Iterable[Any]) -> list[Hit]:
    assert kind.summary is not None  # noqa: S101  (only searchable kinds come here)
    return [Hit(row, row.reference.value, kind.summary(row)) for row in rows]
