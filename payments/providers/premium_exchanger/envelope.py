"""What all answers of premium_exchanger share: `error`, `error_text`, `data`. Judges whether a call went well.

Holds no reading of a single call. Success is only an `error` of 0; whatever is not proven is OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from payments.providers import answers, headers
from payments.providers.answers import Unreadable
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, RateLimited
from payments.providers.exchange import Answer
from payments.providers.premium_exchanger import refusals
from payments.providers.premium_exchanger.plaintext import plain
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")
Row = TypeVar("Row")
Data = Mapping[str, Any]

GARBLED = _("The exchanger's answer could not be read. It will be asked again.")
BLOCKED = _("We were turned away before the exchanger's API. An admin must check our address and the URL.")

#: PHP's ways to say nothing.
NOTHING: tuple[Any, ...] = (None, "", [], {}, False)


def reader(
    operation: str,
    read: Callable[[Any, Data], Report],
    *,
    safe: bool,
    proof: Callable[[Data], bool] | None = None,
) -> Callable[[Answer], Report]:
    """Wrap a reader of (`data`, the whole answer without secrets) with the judgement that all answers share.

    `proof` tells from an answer's `data` that it worked, whatever `error` says.
    """

    def judge(answer: Answer) -> Report:
        envelope = _judged(answer, operation=operation, safe=safe, proof=proof)
        problem = ""
        try:
            return read(envelope.get("data"), answers.json_object(answer.redacted.encode()) or {})
        except Unreadable as error:
            problem = str(error)
        raise OutcomeUnknown(f"{operation}: {problem}", staff=GARBLED if safe else "")

    return judge


def _judged(answer: Answer, *, operation: str, safe: bool, proof: Callable[[Data], bool] | None) -> Data:
    """The answer's object if it is a success; else the error that it proves, and OutcomeUnknown if it proves
    none.

    The body decides, with the same exceptions as elsewhere: 429 was not processed; a redirect and a fault of
    the server prove nothing; a success counts only in a 2xx; a page that turns us away is Denied for reads.
    """
    status, envelope = answer.status, answers.json_object(answer.body)
    code = error_code(envelope or {})
    if status == 429 and code != "0":
        raise RateLimited(f"{operation}: HTTP 429", retry_after=headers.retry_after(answer.retry_after))
    if envelope is None and status in (401, 403) and safe:
        raise Denied(f"{operation}: HTTP {status} without JSON", staff=BLOCKED)
    unknown = f"{operation}: HTTP {status} proves nothing"
    if envelope is not None and code and (200 <= status < 300 or 400 <= status < 500):
        lines = _lines(envelope)
        proven = proof is not None and isinstance(envelope.get("data"), dict) and proof(envelope["data"])
        if status < 300 and (proven or (code == "0" and not any(refusals.find(line) for line in lines))):
            return envelope
        if code != "0" and (safe or _is_nothing(envelope.get("data"))):
            raise _refusal(answer, envelope, operation=operation, code=code, lines=lines, safe=safe)
        unknown = f"{operation}: neither success nor a refusal"
    raise OutcomeUnknown(unknown, staff=GARBLED if safe else "")


def _refusal(
    answer: Answer, envelope: Data, *, operation: str, code: str, lines: list[str], safe: bool
) -> ProviderError:
    fields = _field_errors(envelope["error_fields"]) if "error_fields" in envelope else None
    return refusals.refusal(
        operation=operation,
        code=code,
        lines=lines,
        shown=answer.clean("\n".join(lines)[:1000]),
        # A per cent sign is no placeholder: the sentences are interpolated like ours.
        fields=None
        if fields is None
        else {name: answer.clean(text).replace("%", "%%") for name, text in fields.items()},
        safe=safe,
    )


def error_code(envelope: Data) -> str:
    """`error` as text: 0 and "0" are the same; "" for anything that is no code."""
    value = envelope.get("error")
    if isinstance(value, bool):
        return ""
    try:
        return answers.text(envelope, "error", limit=20).strip()
    except Unreadable:
        return ""


def _lines(envelope: Data) -> list[str]:
    """The error's text line by line: some come joined by `<br />`."""
    value = envelope.get("error_text")
    return plain(value).split("\n") if isinstance(value, str) and plain(value) else []


def _field_errors(value: Any) -> dict[str, str]:
    """Sentences by field: an object of texts (or lists of texts); a list of objects with a name is taken too."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        rows = [row for row in value if isinstance(row, dict)]
        pairs = [(row.get("name"), row.get("text") or row.get("error")) for row in rows]
    found: dict[str, str] = {}
    for name, texts in pairs:
        joined = "\n".join(
            plain(text) for text in (texts if isinstance(texts, list) else [texts]) if isinstance(text, str)
        )
        if isinstance(name, str) and joined:
            found[name[:64]] = joined[:500]
    return found


def _is_nothing(value: Any) -> bool:
    return not isinstance(value, Decimal) and value in NOTHING


def an_object(data: Any) -> Data:
    """`data` as an object; PHP prints an empty one as a list. Raises Unreadable."""
    if isinstance(data, dict):
        return data
    if _is_nothing(data):
        return {}
    raise Unreadable("data is not an object")


def rows(data: Any, raw: Any) -> Iterator[tuple[Any, Any]]:
    """Each row of a list (or of PHP's object of rows) beside the same without secrets. Raises Unreadable."""
    if _is_nothing(data):
        return
    if isinstance(data, dict) and isinstance(raw, dict) and len(data) == len(raw):
        yield from zip(data.values(), raw.values(), strict=True)
    elif isinstance(data, list) and isinstance(raw, list) and len(data) == len(raw):
        yield from zip(data, raw, strict=True)
    else:
        raise Unreadable("a list is none")


def sorted_out(
    data: Any, raw: Any, read: Callable[[Data, Data], Row]
) -> tuple[tuple[Row, ...], tuple[Any, ...]]:
    """(the rows, those that cannot be read, without secrets): one bad row does not hide the others."""
    good: list[Row] = []
    bad: list[Any] = []
    for row, cleaned in rows(data, raw):
        try:
            if not isinstance(row, dict) or not isinstance(cleaned, dict):
                raise Unreadable("a row is no object")
            good.append(read(row, cleaned))
        except Unreadable:
            bad.append(cleaned)
    return tuple(good), tuple(bad)
