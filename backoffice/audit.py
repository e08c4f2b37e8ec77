"""The only writer of the audit trail. Called by services inside the transaction of what it tells about.

Secrets are starred by name here as a last guard; callers still must not pass them.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from django.db import connection

from .models import AuditEntry

Way = AuditEntry.Way
_SECRET = re.compile(
    r"secret|password|passwd|^pass$|^code$|token|signature|api_?key|credential|card", re.IGNORECASE
)


def _starred(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "***" if _SECRET.search(str(name)) and value[name] not in ("", None) else _starred(item)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_starred(item) for item in value]
    return value


def record(actor: Any, verb: str, obj: Any, *, way: str = Way.STAFF, **facts: Any) -> AuditEntry:
    """Write one line. Must run inside a transaction: what is told and the telling commit together.

    `obj` is a saved model; its `reference` and `account_id`, if it has them, are kept for the timelines.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record belongs into the transaction that it tells about")
    reference = getattr(obj, "reference", "")
    return AuditEntry.objects.create(
        actor=actor if actor is not None and actor.is_authenticated else None,
        actor_name=actor.get_username() if actor is not None else "",
        verb=verb,
        way=way,
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        object_text=str(obj)[:200],
        reference=str(getattr(reference, "value", reference) or ""),
        account_id=obj.pk if obj._meta.model_name == "provideraccount" else getattr(obj, "account_id", None),
        facts=_starred(facts),
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
    )
