"""Playing a past month on the simulated providers: one clock for us and for them, moved from scene to scene.

For `manage.py demo` only. Holds no scene: those come from each app by kit.office.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from django.apps import apps
from django.utils import timezone

from backoffice.kit import office


@contextmanager
def standing_at(moment: dt.datetime) -> Iterator[None]:
    """Let every `timezone.now()` of this process begin at that moment and run on from there."""
    real, began = timezone.now, time.monotonic()
    timezone.now = lambda: moment + dt.timedelta(seconds=time.monotonic() - began)
    try:
        yield
    finally:
        timezone.now = real


def box(host: str) -> Callable[..., dict[str, Any]]:
    """How scenes talk to the sandbox's control page."""

    def ask(path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"http://{host}/_control/{path}"
        answer = requests.get(url, timeout=60) if data is None else requests.post(url, json=data, timeout=60)
        answer.raise_for_status()
        return answer.json()

    return ask


def accounts(host: str) -> list[dict[str, Any]]:
    """The sandbox's accounts with their keys; none where no sandbox runs."""
    try:
        return box(host)("bitloga/accounts")["accounts"]
    except requests.RequestException:
        return []


def play(stage: office.Stage) -> int:
    """Play the scenes of all apps in the order of their times; gives how many. The sandbox's clock ends where it began."""
    every = (scene for plot in office.registry.plots for scene in plot(stage))
    scenes = sorted((scene for scene in every if scene.at <= stage.end), key=lambda scene: scene.at)
    moved = 0.0
    try:
        for scene in scenes:
            wanted = (scene.at - timezone.now()).total_seconds()
            stage.box("clock", {"advance": wanted - moved})
            moved = wanted
            with standing_at(scene.at):
                scene.play()
    finally:
        stage.box("clock", {"advance": -moved})
    return len(scenes)


def check() -> list[str]:
    """Ask the provider about every row that can be asked about, and look at every promise: what differs, as sentences."""
    broken = []
    for kind in office.registry.kinds.values():
        if kind.refresh is None:
            continue
        model = apps.get_model(kind.model)
        for row in model._default_manager.select_related("reference").order_by("pk"):
            before = row.status
            with suppress(LookupError):
                _ask(kind, row.pk)
            row.refresh_from_db()
            if row.status != before:
                broken.append(
                    f"{kind.kind} {row.reference.value} was {before}, the provider says {row.status}"
                )
    for part in office.registry.invariants.values():
        broken += [f"{part.name}: {line}" for line in part.check()]
    return broken


def _ask(kind: office.Kind, pk: int) -> None:
    if kind.refresh is not None:
        kind.refresh(**{f"{kind.kind}_id": pk})
