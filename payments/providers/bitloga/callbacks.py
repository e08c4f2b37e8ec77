"""bitloga's callback: is it from them, and which transaction does it speak of? Moves nothing, asks nobody.

Source: the document's section on callbacks. The signature covers the raw body, as it does in our requests.
It carries no time and no nonce, so a right one can be replayed: it is only ever a reason to ask.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from payments.providers import answers
from payments.providers.base import Forged, Raw, Signed
from payments.providers.redaction import Secret
from payments.providers.words import gettext_noop as _

HEADER = "x-signature"

NO_SECRET = _("This account has no secret key, so no signature can be checked.")
MISSING = _("There is no signature.")
MALFORMED = _("The signature is not one: it must be 128 hexadecimal digits.")
WRONG = _("The signature does not fit. Somebody else may have sent this, or the secret key is wrong.")
UNREADABLE = _("The signature is right, but the text cannot be read.")
NO_REFERENCE = _("The signature is right, but the text names no transaction.")

_HEX = re.compile(r"[0-9a-fA-F]{128}", re.ASCII)
_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)


def sign(secret: Secret, body: bytes) -> str:
    """The signature of the exact bytes, as requests and callbacks carry it: hex HMAC-SHA512."""
    return hmac.new(secret.reveal().encode(), body, hashlib.sha512).hexdigest()


def read(secret: Secret, raw: Raw) -> Signed | Forged:
    """Judge a callback. Never raises.

    What is signed but names no transaction (no JSON object, no `uniqueid`) is Forged too: there is nothing
    to ask about, and somebody should see it. Its reason says that the signature was right.
    """
    if not secret:
        return Forged(NO_SECRET)
    found = [value for name, value in raw.headers.items() if _name(name) == HEADER]
    if not found or not found[0]:
        return Forged(MISSING)
    if len(found) > 1 or not _HEX.fullmatch(found[0]):
        return Forged(MALFORMED)
    if not hmac.compare_digest(sign(secret, raw.body), found[0].lower()):
        return Forged(WRONG)
    data = answers.json_object(raw.body)
    if data is None:
        return Forged(UNREADABLE)
    reference = ""
    try:
        reference = answers.needed(data, "uniqueid", limit=64)
    except answers.Unreadable:
        return Forged(NO_REFERENCE)
    return Signed(reference, data) if _REFERENCE.fullmatch(reference) else Forged(NO_REFERENCE)


def _name(header: str) -> str:
    """A header's name in one spelling: X-Signature and HTTP_X_SIGNATURE are the same."""
    return header.lower().replace("_", "-").removeprefix("http-")
