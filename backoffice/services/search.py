"""Filling the search table: the only writer of SearchEntry. Knows no app: kinds come from kit.office."""

from __future__ import annotations

from django.apps import apps

from backoffice.kit import office
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
