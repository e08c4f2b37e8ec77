"""The control page: what the sandbox holds, and forms for everything that the control API can do.
Holds only what is the same for all providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox import pages
from sandbox.callbacks import SIGNATURES
from sandbox.faults import MODES, Fault
from sandbox.provider import Provider
from sandbox.settings import Setting
from sandbox.wire import Reply, dump

if TYPE_CHECKING:
    from sandbox.engine import Engine

SHOWN = 25
STATES = {"waiting": "warn", "delivered": "ok", "given up": "bad", "refused": "bad", "manual": "muted"}


def render(engine: Engine, query: Mapping[str, str]) -> Reply:
    """The page; `said` and `error` of the query are what a form did before."""
    return pages.render(
        "sandbox/control.html",
        {
            "said": query.get("said", ""),
            "error": query.get("error", ""),
            "url": engine.url,
            "now": pages.moment(engine.timestamp()),
            "offset": _duration(engine.clock.offset),
            "speed": f"{engine.clock.speed:g}",
            "modes": MODES,
            "signatures": SIGNATURES,
            "faults": [_fault(fault) for fault in engine.faults.waiting()],
            "callbacks": [_callback(row) for row in engine.callbacks.list(limit=SHOWN)],
            "providers": [_provider(engine, provider) for provider in engine.providers.values()],
            "single": len(engine.providers) == 1,
        },
    )


def _provider(engine: Engine, provider: Provider) -> dict[str, Any]:
    declared = engine.settings.declared[provider.name].values()
    return {
        "name": provider.name,
        "title": provider.title,
        "base_url": provider.base_url,
        "template": provider.control_template,
        "actions": provider.actions,
        "settings": [_setting(engine, provider, setting) for setting in declared],
        "requests": [
            {**line, "time": pages.moment(line["at"])}
            for line in engine.traffic.requests(provider.name)[:SHOWN]
        ],
        "own": provider.control_context(),
    }


def _setting(engine: Engine, provider: Provider, setting: Setting) -> dict[str, Any]:
    value = engine.settings.get(provider.name, setting.name)
    shown = {
        "switch": str(value).lower(),
        "number": "" if value is None else str(value),
        "json": "" if value is None else dump(value),
    }.get(setting.kind, str(value))
    return {
        "name": setting.name,
        "kind": setting.kind,
        "help": setting.help,
        "choices": ("true", "false") if setting.kind == "switch" else setting.choices,
        "value": shown,
        "changed": value != setting.default,
    }


def _fault(fault: Fault) -> dict[str, Any]:
    extras = {
        "text": fault.text,
        "seconds": f"{fault.seconds:g} s" if fault.seconds is not None else "",
        "status": str(fault.status) if fault.status else "",
        "uniqueid": fault.uniqueid,
        "accept": "" if fault.accept is None else f"accept={str(fault.accept).lower()}",
    }
    return {
        "id": str(fault.id),
        "provider": fault.provider,
        "action": fault.action,
        "mode": fault.mode,
        "left": str(fault.count - fault.used) if fault.count else "∞",
        "extras": " · ".join(value for value in extras.values() if value),
    }


def _callback(row: Mapping[str, Any]) -> dict[str, Any]:
    attempts = [
        {
            "at": pages.moment(line["at"]),
            "result": str(line["status"] or line["error"]),
            "tone": "ok" if line["status"] == 200 else "bad",
            "signature": line["signature"] if line["signature"] != "right" else "",
        }
        for line in row["attempts"]
    ]
    return {
        "id": str(row["id"]),
        "uniqueid": row["uniqueid"],
        "account": row["account"],
        "url": row["url"],
        "state": row["state"],
        "tone": STATES[row["state"]],
        "tries": str(row["tries"]),
        "next_at": pages.moment(row["next_at"]) if row["next_at"] else "",
        "note": row["note"],
        "attempts": attempts[-6:],
        "more": str(len(attempts) - 6) if len(attempts) > 6 else "",
    }


def _duration(seconds: float) -> str:
    """A length of time for people: +2 d 3 h 4 min 5 s."""
    sign, rest = ("−" if seconds < 0 else "+"), round(abs(seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}")
    return f"{sign}{' '.join(parts)}" if parts else ""
