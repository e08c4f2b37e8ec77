"""bitexbit's callbacks: never more than a hint. Moves nothing, asks nobody.

Source: the document says only that an address may be given, that it is called by POST and must answer 200. Neither the
text nor a signature is documented: the token in the address tells which object it speaks of.
"""

from __future__ import annotations

import re

from payments.providers import answers
from payments.providers.base import Hint, Raw

_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)


def read(raw: Raw) -> Hint:
    """A reason to ask. Never raises. The reference is that of a withdrawal, or "" where the text names none."""
    data = answers.json_object(raw.body) or {}
    reference = ""
    try:
        reference = answers.text(data, "client_order_id", limit=64).strip()
    except answers.Unreadable:
        return Hint("")
    return Hint(reference if _REFERENCE.fullmatch(reference) else "")
