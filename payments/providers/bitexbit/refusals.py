"""What an answer of bitexbit proves, by its HTTP status and the shape of its body, and a sentence for staff.

Source: the document's table of errors. It lists statuses and no texts, so a text only ever adds to what is shown.
"""

from __future__ import annotations

from typing import Any

from backoffice.kit import money
from payments.providers import headers
from payments.providers.bitexbit import clock
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, RateLimited, Refused
from payments.providers.exchange import Answer
from payments.providers.words import gettext_noop as _

REQUEST = _("bitexbit does not accept the request. Nothing happened there.")
VALUE = _("bitexbit does not accept this.")
EXISTS = _("bitexbit does not accept our reference: it may have this transaction already. It will be asked.")
KEYS = _("bitexbit does not accept this account's key or signature. An admin must check the keys.")
RIGHTS = _("bitexbit does not let this account do that. An admin must check the rights of its key.")
BLOCKED = _("bitexbit turned us away before its API. An admin must check our address and the base URL.")
GARBLED = _("bitexbit's answer could not be read. It will be asked again.")
CLOSED = _("bitexbit has a fault or too much to do. It will be asked again later.")

REFERENCE = "client_order_id"
#: Our parameters: an error of theirs under one of these names belongs to the field of that name.
FIELDS = frozenset(
    {
        *(
            "ticker",
            "network",
            "amount",
            "address",
            "card",
            "payment_id",
            "memo",
            "destination_tag",
            "comment",
        ),
        *("client_ip", "payment_url", "cancel_url", "fee_payer", "auto_buy_ticker", "auto_buy_percent"),
        *("convert_ticker", "convert_limit", "convert_percent"),
    }
)
#: Names that only the description of something made has: such a body is no reason, whatever the status says.
MADE = frozenset({"id", "slug", "created_at", "proceed_url", "results"})
NOT_THERE = 404


def judged(answer: Answer, *, operation: str, safe: bool, place: str) -> Any:
    """The answer's JSON if it is a success; else raises the error that it proves, OutcomeUnknown if it proves none.

    400, 401 and 403 prove that nothing happened only with a reason in JSON: without, something before the API may
    have held the answer back. A read is Denied either way. `place` is the base URL, for the clock's sake.
    """
    status, data = answer.status, _json(answer.body)
    if 200 <= status < 300 and isinstance(data, dict | list):
        return data
    if status == 429:
        raise RateLimited(
            f"{operation}: HTTP 429", code="429", retry_after=headers.retry_after(answer.retry_after)
        )
    if status == 400 and _is_reason(data):
        raise _refused(data, answer, operation)
    if status in (401, 403) and (safe or _is_reason(data)):
        raise _denied(data, answer, operation, place)
    staff = GARBLED if 200 <= status < 300 else CLOSED
    raise OutcomeUnknown(
        f"{operation}: HTTP {status} proves nothing", code=str(status), staff=staff if safe else ""
    )


def _json(body: bytes) -> Any:
    try:
        return money.loads(body)
    except ValueError:
        return None


def _is_reason(data: Any) -> bool:
    if isinstance(data, dict):
        return bool(data) and not MADE & data.keys()
    return isinstance(data, list | str) and bool(data)


def _refused(data: Any, answer: Answer, operation: str) -> Refused:
    """Their 400: a text, a list of texts, or texts by the names of our parameters."""
    named = data if isinstance(data, dict) else {}
    fields = {name: VALUE for name in named if name in FIELDS}
    exists = REFERENCE in named
    return Refused(
        f"{operation}: HTTP 400",
        code="400",
        provider_message=shown(answer),
        staff=EXISTS if exists else REQUEST,
        fields=fields,
        reason="exists" if exists else "",
    )


def _denied(data: Any, answer: Answer, operation: str, place: str) -> ProviderError:
    skew = clock.known(place)
    line, said = f"{operation}: HTTP {answer.status}", shown(answer)
    if answer.status == 401 and skew is not None and clock.is_apart(skew):
        params = {"seconds": clock.seconds(skew)}
        return Denied(line, code="401", provider_message=said, staff=clock.APART, params=params)
    staff = BLOCKED if not _is_reason(data) else KEYS if answer.status == 401 else RIGHTS
    return Denied(line, code=str(answer.status), provider_message=said, staff=staff)


def shown(answer: Answer) -> str:
    """The reason that an answer gives, in its own words, without secrets; "" for what is no JSON."""
    return answer.clean("; ".join(_texts(_json(answer.body), ""))[:1000])


def _texts(data: Any, name: str, depth: int = 0) -> list[str]:
    """Every text in a reason, with the name that it stands under; `detail` needs no name."""
    if depth > 4:
        return []
    if isinstance(data, dict):
        return [text for key, item in data.items() for text in _texts(item, str(key), depth + 1)]
    if isinstance(data, list):
        return [text for item in data for text in _texts(item, name, depth + 1)]
    if data is None or data == "":
        return []
    return [f"{name}: {data}" if name not in ("", "detail", "non_field_errors") else str(data)]
