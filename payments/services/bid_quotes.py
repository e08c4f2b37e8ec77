"""The calculator: one question to the exchanger, its answer kept for a moment and sealed for the form. Deals floor.

The same form asks once; what a person was shown comes back sealed with the form, so that the bid keeps that quote.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from payments.models import Direction, ProviderAccount
from payments.providers.bids import QuoteRequest
from payments.providers.errors import ProviderError

from . import bid_fields, calls, directions

SALT = "bid quote"
SHOWN_SECONDS = 600  # how long a quote that was shown may be what a bid is compared with
CACHE_SECONDS = 20  # an unchanged form asks nobody
BUSY_SECONDS = 6  # one question of a person at a time


@dataclass(frozen=True)
class Quoted:
    """What the exchanger would do now. `texts` are its exact numbers and words; `key` says what was asked.

    `moved`: a sentence when it calculated with another amount. `sealed` proves to `create` that this was shown.
    """

    direction: Direction
    key: str
    amount: Decimal
    action: int
    texts: Mapping[str, Any]
    asked_at: dt.datetime
    sealed: str
    moved: str

    @property
    def mark(self) -> str:
        """Changes whenever what is shown of it would."""
        return f"{self.key[:16]}.{self.asked_at.timestamp():.0f}"

    def number(self, name: str) -> Decimal | None:
        """One amount of it, exactly."""
        return bid_fields.amount_of(self.texts, name)


class Busy(Exception):
    """A question of this person is on its way: the answer will be theirs in a moment."""


def ask(*, account: ProviderAccount, fields: Mapping[str, Any], asker: str = "") -> Quoted:
    """Calculate what is filled in, with a limit of 5 s. Raises ValidationError by field, or Busy for this `asker`."""
    given = bid_fields.filled(fields)
    if refusal := bid_fields.may_exchange(account):
        raise ValidationError(refusal)
    direction = bid_fields.find_direction(account, given.get("direction_id"))
    request = bid_fields.calculation(account, direction, given)
    key = bid_fields.key(account, request)
    if (kept := _kept(key)) is not None:
        return _quoted(direction, request, key, *kept)
    if asker and not _first(asker):
        raise Busy
    try:
        asked_at = timezone.now()
        texts = _asked(account, direction, request)
    finally:
        _free(asker)
    _keep(key, texts, asked_at)
    return _quoted(direction, request, key, texts, asked_at)


def _asked(account: ProviderAccount, direction: Direction, request: QuoteRequest) -> dict[str, Any]:
    try:
        quote = calls.client(account, priority="page").calculate(request)
    except ProviderError as error:
        raise refused(error) from error
    if (quote.give_currency, quote.get_currency) != (direction.give_code, direction.get_code):
        raise ValidationError(
            _(
                "The exchanger calculated with other currencies than this direction has. Look at the direction again."
            )
        )
    return directions.texts(quote)


def refused(error: ProviderError) -> ValidationError:
    """What a person reads of a refusal: at its fields, or above the form."""
    if error.fields:
        return ValidationError(
            {name: str(_(sentence) % error.params) for name, sentence in error.fields.items()}
        )
    return ValidationError(calls.explain(error))


def _quoted(
    direction: Direction, request: QuoteRequest, key: str, texts: Mapping[str, Any], asked_at: dt.datetime
) -> Quoted:
    sealed = signing.dumps({"key": key, "texts": dict(texts), "at": asked_at.isoformat()}, salt=SALT)
    moved = bid_fields.moved_words(texts, action=request.action, amount=request.amount)
    return Quoted(direction, key, request.amount, request.action, texts, asked_at, sealed, moved)


def shown(sealed: Any, *, key: str) -> dict[str, Any] | None:
    """The quote that was shown for just this calculation, with its time; None if none was, or it is too old."""
    try:
        told = signing.loads(str(sealed or ""), salt=SALT, max_age=SHOWN_SECONDS)
    except signing.BadSignature:
        return None
    return told["texts"] | {"asked_at": told["at"]} if told["key"] == key else None


# --- Asking seldom ---
def _kept(key: str) -> tuple[dict[str, Any], dt.datetime] | None:
    with contextlib.suppress(RedisError):
        found = cache.get(f"bid-quote:{key}")
        return None if found is None else (found["texts"], dt.datetime.fromisoformat(found["at"]))
    return None


def _keep(key: str, texts: dict[str, Any], asked_at: dt.datetime) -> None:
    with contextlib.suppress(RedisError):
        cache.set(f"bid-quote:{key}", {"texts": texts, "at": asked_at.isoformat()}, CACHE_SECONDS)


def _first(asker: str) -> bool:
    with contextlib.suppress(RedisError):
        return bool(cache.add(f"bid-quoting:{asker}", 1, BUSY_SECONDS))
    return True


def _free(asker: str) -> None:
    if asker:
        with contextlib.suppress(RedisError):
            cache.delete(f"bid-quoting:{asker}")
