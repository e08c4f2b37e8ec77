"""Rows of a provider's list that could not be read: each becomes an item that a person sees. Base floor.

All other rows of the list were taken in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit.states import IllegalMove
from payments.models import ExceptionItem, ProviderAccount
from payments.providers.wallets import BadRow

from . import exceptions

log = structlog.get_logger(__name__)

Kind = ExceptionItem.Kind
#: What is wrong with one row; a database that is away is not.
FAULTS = (ArithmeticError, ValueError, DataError, IntegrityError, IllegalMove)
#: Beyond that the whole list has another shape, and one item more says so.
MOST = 20


@transaction.atomic
def tell(account: ProviderAccount, bad: Sequence[BadRow], where: str) -> None:
    """Open one item per row. One that a person has closed is not told of again."""
    for row in bad[:MOST]:
        key = f"{account.pk}:{where}:{hashlib.sha256(row.mark.encode()).hexdigest()[:24]}"
        if _is_closed(key):
            continue
        exceptions.open_item(
            kind=Kind.BAD_ROW,
            key=key,
            title=_("%(account)s: a line of “%(list)s” could not be read: %(problem)s.")
            % {"account": account, "list": where, "problem": row.problem},
            account=account,
            line={str(name): str(value)[:200] for name, value in list(row.raw.items())[:30]},
        )
    if len(bad) > MOST:
        exceptions.open_item(
            kind=Kind.BAD_ROW,
            key=f"{account.pk}:{where}:many",
            title=_("%(account)s: %(n)s lines of “%(list)s” could not be read.")
            % {"account": account, "list": where, "n": len(bad)},
            account=account,
        )


@transaction.atomic
def set_aside(*, account: ProviderAccount, raw: Any, title: str, way: str = audit.Way.POLL) -> bool:
    """A line of a provider's list that cannot be read or kept: a person sees it as it came. True when it is new.

    What gives power over a transaction (`hash`) is left out.
    """
    told = dict(raw) if isinstance(raw, dict) else {"line": raw}
    told.pop("hash", None)
    digest = hashlib.sha256(repr(sorted(told.items(), key=str)).encode()).hexdigest()[:32]
    item = exceptions.open_item(
        kind=Kind.BAD_ROW,
        key=f"{account.pk}:{digest}",
        title=title,
        account=account,
        way=way,
        line={str(name): str(value)[:300] for name, value in told.items()},
    )
    return item.seen == 1


@contextmanager
def apart(
    account: ProviderAccount, where: str, mark: Sequence[str], raw: Mapping[str, Any]
) -> Iterator[None]:
    """Undo and tell what fails while this row is kept: it must not stop the others. `raw` is without secrets."""
    try:
        with transaction.atomic():
            yield
    except FAULTS as error:
        log.error("row.not_kept", account=account.pk, list=where, error=type(error).__name__)
        tell(account, [BadRow("it could not be kept", raw, repr(mark))], where)


def _is_closed(key: str) -> bool:
    found = ExceptionItem.objects.filter(key=f"{Kind.BAD_ROW}:{key}"[:120])
    return found.exclude(status=ExceptionItem.Status.OPEN).exists()
