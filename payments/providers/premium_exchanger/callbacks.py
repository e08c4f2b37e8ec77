"""premium_exchanger's callback: which bid does it speak of? Moves nothing, asks nobody, proves nothing.

Source: the document's section on create_bid names `bid_id` alone; public copies also send `status`. Nothing is
signed: whoever knows the address can send one, so it is only ever a reason to ask.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from payments.providers import answers
from payments.providers.base import Forged, Hint, Raw
from payments.providers.words import gettext_noop as _

NO_BID = _("The text names no bid.")

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_FIELDS = 50


def read(raw: Raw) -> Hint | Forged:
    """The hint of a callback; Forged when it names no bid, or two. Never raises.

    `reference` is the exchanger's own id of a bid, as it claims: compare it with the one of the callback's
    address, and ask about that one.
    """
    found = _form(raw.body) or _json(raw.body)
    return Hint(found[0]) if len(found) == 1 and _ID.fullmatch(found[0]) else Forged(NO_BID)


def _form(body: bytes) -> list[str]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:  # not UTF-8, or more fields than anybody sends
        return []
    return [value.strip() for name, value in pairs if name == "bid_id"]


def _json(body: bytes) -> list[str]:
    data = answers.json_object(body)
    try:
        return [answers.needed(data, "bid_id", limit=64)] if data is not None else []
    except answers.Unreadable:
        return []
