"""From coinjoin's answers to reports. Pure: holds no HTTP and asks nobody.

Source: the document's responses. A success is HTTP 200 with what was asked for; whatever is not proven is
OutcomeUnknown. A wrong signature is told in the report and raises nothing: the order may well exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers import answers, headers
from payments.providers.answers import Unreadable, needed, text
from payments.providers.batches import AddressReport, BatchPage, BatchReport, Payout, ServiceReport
from payments.providers.coinjoin import parameters, refusals, signatures
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited
from payments.providers.exchange import Answer
from payments.providers.redaction import Secret
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")
Data = dict[str, Any]

STATES = {
    "pending": "awaiting_deposit",
    "confirming": "confirming",
    "processing": "processing",
    "complete": "complete",
    "expired": "expired",
}

#: What the document knows of the answer to `status`.
SERVICE = ("status", "timestamp", "datetime")
#: What PHP may add to an amount by printing it with 17 digits. More than that is another amount.
NOISE = Decimal("1E-9")

_TXID = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)

GARBLED = _("coinjoin's answer could not be read. It will be asked again.")
BLOCKED = _("coinjoin turned us away before its API. An admin must check our address and the base URL.")


def reader(
    operation: str, read: Callable[[Answer, Data], Report], *, safe: bool
) -> Callable[[Answer], Report]:
    """Wrap a reader of `(answer, its object)` with the judgement that all answers share."""

    def judge(answer: Answer) -> Report:
        data = _judged(answer, operation=operation, safe=safe)
        problem = ""
        try:
            return read(answer, data)
        except Unreadable as error:
            problem = str(error)
        raise OutcomeUnknown(f"{operation}: {problem}", staff=GARBLED if safe else "")

    return judge


def _judged(answer: Answer, *, operation: str, safe: bool) -> Data:
    """The answer's object if it is a success; else the error that it proves, OutcomeUnknown if it proves none.

    429 is not in the document, but means everywhere that the call was not processed. 401 and 403 without JSON
    come from something before the API: a read is Denied, a call that creates is unknown.
    """
    status = answer.status
    if status == 429:
        raise RateLimited(f"{operation}: HTTP 429", retry_after=headers.retry_after(answer.retry_after))
    data = answers.json_object(answer.body)
    if data is None and status in (401, 403) and safe:
        raise Denied(f"{operation}: HTTP {status} without JSON", staff=BLOCKED)
    if data is not None and status == 200 and not refusals.says_error(data):
        return data
    if data is not None and refusals.says_error(data):
        said = data["description"]
        shown = answer.clean(said[:1000]) if isinstance(said, str) else ""
        raise refusals.refusal(status, data, shown=shown, operation=operation, safe=safe)
    raise OutcomeUnknown(f"{operation}: HTTP {status} proves nothing", staff=GARBLED if safe else "")


def _shown(answer: Answer) -> Data:
    """The answer without secrets."""
    return answers.json_object(answer.redacted.encode()) or {}


def service(answer: Answer, data: Data) -> ServiceReport:
    """The answer to `status`. Plain values that the document does not know are kept as facts."""
    word = needed(data, "status", limit=100)
    shown = _shown(answer)
    facts = _facts({name: value for name, value in shown.items() if name not in SERVICE})
    time = _time(data, "datetime") or _stamp(data)
    is_ok = answers.word(word) == "ok"
    return ServiceReport(is_ok, word, time, answer.clock_skew_ms, facts, raw=shown)


def _facts(data: Data, begin: str = "") -> dict[str, str]:
    """Texts and numbers, also of objects one step inside: `limits.min`."""
    found = {}
    for name, value in data.items():
        if isinstance(value, str | Decimal):
            found[begin + name] = text(data, name, limit=200)
        elif isinstance(value, dict) and not begin:
            found |= _facts(value, f"{name}.")
    return found


def _stamp(data: Data) -> datetime | None:
    """The `timestamp`: seconds since 1970."""
    value = data.get("timestamp")
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = Decimal(value[:20])
    if isinstance(value, Decimal) and value.is_finite() and 0 <= value < 10**11:
        with suppress(OverflowError, ValueError):
            return datetime.fromtimestamp(int(value), UTC)
    return None


def address(asked: str) -> Callable[[Answer, Data], AddressReport]:
    """The answer to `validateAddress`: just true and "true" are a yes, false and its word in any spelling a no."""

    def read(answer: Answer, data: Data) -> AddressReport:
        result = data.get("result")
        if result is True or result == "true":
            return AddressReport(asked, True, raw=_shown(answer))
        if result is False or (isinstance(result, str) and answers.word(result) == "false"):
            return AddressReport(asked, False, raw=_shown(answer))
        raise Unreadable("result is neither true nor false")

    return read


def created(secret: Secret) -> Callable[[Answer, Data], BatchReport]:
    """The answer to `createTransaction`."""

    def read(answer: Answer, data: Data) -> BatchReport:
        found = _batch(data, _shown(answer), signatures.spelled(answer.body), secret)
        if not found.deposit_address:
            raise Unreadable("depositAddress is missing")
        return found

    return read


def found(provider_id: str, secret: Secret) -> Callable[[Answer, Data], BatchReport]:
    """The answer to `transaction/{id}`, which must be about that transaction."""

    def read(answer: Answer, data: Data) -> BatchReport:
        report = _batch(data, _shown(answer), signatures.spelled(answer.body), secret)
        if report.provider_id != provider_id:
            raise Unreadable("the answer is about another transaction")
        return report

    return read


def page(secret: Secret) -> Callable[[Answer, Data], BatchPage]:
    """The answer to `transactions`. One row that cannot be read spoils the page: none is left out silently."""

    def read(answer: Answer, data: Data) -> BatchPage:
        rows, shown = _rows(data), _rows(_shown(answer))
        spelled = _rows(signatures.spelled(answer.body))
        total = _whole(data, "totalTransactions")
        return BatchPage(tuple(_batch(*one, secret) for one in zip(rows, shown, spelled, strict=True)), total)

    return read


def _rows(data: Data) -> list[Data]:
    rows = data.get("transactions")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable("transactions is not a list of transactions")
    return rows


def _batch(data: Data, shown: Data, spelled: Data, secret: Secret) -> BatchReport:
    """One transaction. What the document's own examples leave out may be missing; nothing else."""
    provider_id, status = needed(data, "id", limit=100), needed(data, "status", limit=100)
    if not parameters.is_id(provider_id):
        raise Unreadable("id has letters that no ID has")
    signature_ok, form = signatures.judge(secret, spelled)
    txids = {name: text(data, name, limit=200).strip() for name in ("depositTxid", "txid")}
    return BatchReport(
        provider_id,
        STATES.get(answers.word(status)),
        status,
        text(data, "depositAddress", limit=100).strip(),
        _payouts(data),
        deposit_amount=_amount(data, "depositAmount"),
        fee=_amount(data, "fee"),
        delay=_whole(data, "delay"),
        ref_code=text(data, "refCode", limit=100),
        deposit_txid=txids["depositTxid"],
        txid=txids["txid"],
        created=_time(data, "created"),
        updated=_time(data, "updated"),
        signature_ok=signature_ok,
        signature_form=form,
        odd=tuple(name for name, value in txids.items() if value and not _TXID.fullmatch(value)),
        raw=shown,
    )


def _payouts(data: Data) -> tuple[Payout, ...]:
    """A map of address and amount, as documented, or a list of addresses, as in the document's own sample."""
    value = data.get("payouts")
    if isinstance(value, dict):
        rows = [Payout(one, _amount(value, one)) for one in value]
    elif isinstance(value, list) and all(isinstance(one, str) for one in value):
        rows = [Payout(one, None) for one in value]
    else:
        raise Unreadable("payouts is neither a map nor a list of addresses")
    if not all(0 < len(row.address) <= 100 for row in rows) or len({row.address for row in rows}) < len(rows):
        raise Unreadable("payouts names no address, or one twice")
    return tuple(rows)


def _amount(data: Mapping[str, Any], name: str) -> Decimal | None:
    """An amount in BTC to its 8 digits, None when there is none. Raises Unreadable."""
    if data.get(name) is None or data.get(name) == "":
        return None
    spelled = answers.amount(data, name)
    kept = money.quantize(spelled, parameters.PLACES)
    if abs(answers.difference(spelled, kept)) > NOISE:
        raise Unreadable(f"{name} has more digits than BTC")
    return kept


def _whole(data: Mapping[str, Any], name: str) -> int | None:
    """A whole number, as a number or as a text. Raises Unreadable for anything else that is there."""
    if data.get(name) is None or data.get(name) == "":
        return None
    found = answers.amount(data, name)
    if found != found.to_integral_value() or found > 10**9:
        raise Unreadable(f"{name} is not a whole number")
    return int(found)


def _time(data: Mapping[str, Any], name: str) -> datetime | None:
    """A time with its zone, in UTC. None for one that cannot be read or has no zone: it is not guessed."""
    value = data.get(name)
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            found = datetime.fromisoformat(value.strip())
            return found.astimezone(UTC) if found.tzinfo else None
    return None
