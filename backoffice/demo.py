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

from backoffice import audit
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
    """How scenes talk to the sandbox's control page: over one connection, past any proxy."""
    session = requests.Session()
    session.trust_env = False

    def ask(path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"http://{host}/_control/{path}"
        answer = session.get(url, timeout=60) if data is None else session.post(url, json=data, timeout=60)
        answer.raise_for_status()
        return answer.json()

    return ask


def accounts(host: str) -> dict[str, list[dict[str, Any]]]:
    """The sandbox's accounts with their keys, by provider; nothing where no sandbox runs."""
    ask = box(host)
    try:
        return {provider: ask(f"{provider}/accounts")["accounts"] for provider in ask("settings")}
    except requests.RequestException:
        return {}


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
    """Ask the provider about every row that can be asked about, and look at every promise: what differs, as sentences.

    Nothing may change by that: no row, no movement, nothing that needs a person.
    """
    before = snapshot()
    for kind in office.registry.kinds.values():
        if kind.refresh is not None:
            _ask_about(kind, kind.refresh)
    after = snapshot()
    broken = [
        f"{what} is {before.get(what, 'not known')} here, the provider says {after.get(what, 'nothing')}"
        for what in sorted(before.keys() | after.keys())
        if before.get(what) != after.get(what)
    ]
    for part in office.registry.invariants.values():
        broken += [f"{part.name}: {line}" for line in part.check()]
    return broken


def snapshot() -> dict[str, str]:
    """Every row of every kind by its reference with its state, every movement, everything that waits for a person."""
    found: dict[str, str] = {}
    for kind in office.registry.kinds.values():
        rows = apps.get_model(kind.model)._default_manager.values_list(
            "reference__value", "status", "reference__hold_reason"
        )
        found |= {f"{kind.kind} {value}": f"{status} {held}".strip() for value, status, held in rows}
    movements = apps.get_model("payments.Movement")._default_manager
    items = apps.get_model("payments.ExceptionItem")._default_manager.filter(status="open")
    found |= {f"movement {key}": str(amount) for key, amount in movements.values_list("key", "amount")}
    return found | {f"item {key}": title for key, title in items.values_list("key", "title")}


def _ask_about(kind: office.Kind, refresh: Callable[..., Any]) -> None:
    """Each row by itself, or all of an account at once where its provider only lists them."""
    by_account: dict[int, list[int]] = {}
    rows = apps.get_model(kind.model)._default_manager.order_by("account", "pk")
    for account, pk in rows.values_list("account", "pk"):
        by_account.setdefault(account, []).append(pk)
    for account, ids in by_account.items():
        if kind.scan is not None and kind.scans is not None and kind.scans(account_id=account):
            kind.scan(account_id=account, ids=ids, way=audit.Way.POLL, priority="read")
            continue
        for pk in ids:
            with suppress(LookupError):
                refresh(**{f"{kind.kind}_id": pk})
