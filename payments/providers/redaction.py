"""Takes secrets out of what was sent and received, before anybody keeps it. Holds no provider's words.

Works on the text, token by token, so that everything else stays exactly as it came: also in bodies that are
cut off, or are no JSON at all.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Self
from urllib.parse import quote

from payments.providers import numbers

MASK = "***"

# A JSON string (the last one may be cut off), a mark, or a run of anything else.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_COLON = re.compile(r"\s*:")
_CALLBACK = re.compile(r"(callbacks(?:\\?/|%2F)[A-Za-z0-9_-]+(?:\\?/|%2F))[A-Za-z0-9_.~-]+", re.IGNORECASE)
_SIGNATURE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{128}(?![0-9A-Za-z])")
_CARD = re.compile(
    r"(?<![0-9A-Za-z.])[0-9]{2,}(?:[ -][0-9]{3,})*(?:[ -][0-9]{1,2})?(?![0-9A-Za-z]|\.[0-9])", re.ASCII
)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_HEX_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
_SCALAR = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null", re.ASCII)
#: Luhn's doubling: 5 is 10 is 1 + 0.
_DOUBLED = str.maketrans("0123456789", "0246813579")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: A secret shorter than this is blanked only where it stands alone: "1" must not eat every amount.
_SHORT = 4


class Secret:
    """A value that no `repr`, log line or error page shows."""

    __slots__ = ("_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._spellings: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return MASK

    def __len__(self) -> int:
        return len(self._value)

    def reveal(self) -> str:
        """The value itself: never keep it in a local variable of ours."""
        return self._value

    def spellings(self) -> tuple[str, ...]:
        """The value as a JSON text, a page or an address would write it."""
        if self._spellings is None:
            escaped = json.dumps(self._value)[1:-1]
            ways = (self._value, escaped, escaped.replace("/", "\\/"), html.escape(self._value))
            self._spellings = tuple(dict.fromkeys((*ways, quote(self._value, safe="", errors="replace"))))
        return self._spellings


class Parameters(dict[str, object]):
    """What goes to a provider: its `repr` shows names only, because error pages show local variables."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


def storable(text: str) -> str:
    """Replace what a database text cannot hold: NUL and halves of surrogate pairs."""
    return _SURROGATE.sub("\ufffd", text.replace("\x00", "\ufffd"))


def mask_cards(text: str) -> str:
    """Replace card numbers (13 to 19 digits that pass Luhn) by their first 6 and last 4 digits."""
    return _CARD.sub(_masked_card, text)


def mask_numbers(text: str) -> str:
    """The same, and everything else that may be such a number, mistyped or of an account: only its last 4 stay.

    Seen through other scripts' digits, through hyphens, blanks and hidden signs of any kind.
    """
    plain, places = numbers.plain(text)
    out, done = [], 0
    for start, end in numbers.find(plain):
        out += [text[done : places[start]], _stars(numbers.NEITHER.sub("", plain[start:end]))]
        done = places[end - 1] + 1
    return "".join([*out, text[done:]])


def _stars(found: str) -> str:
    """Of a right card number the first 6 and last 4 stay, of any other the last 4; of a short one none."""
    if found.isdecimal() and 13 <= len(found) <= 19 and _passes_luhn(found):
        return found[:6] + "*" * (len(found) - 10) + found[-4:]
    return "*" * (len(found) - 4) + found[-4:] if len(found) >= 8 else "*" * len(found)


def mask_account(text: str) -> str:
    """What stands in a field for a card or an account: as `mask_numbers`, and shorter numbers with whatever letter
    slipped in. Addresses of coins and e-mails stay readable: in them digits are few.
    """
    found = numbers.NEITHER.sub("", numbers.plain(text)[0])
    return (
        _stars(found) if numbers.is_number(found) and not _HEX_ADDRESS.fullmatch(text) else mask_numbers(text)
    )


def _masked_card(match: re.Match[str]) -> str:
    """Look at each row of groups in "12 4111 1111 1111 1111": the card may have other digits beside it."""
    text = match[0]
    if len(text) < 13:
        return text
    groups = [group.span() for group in _DIGITS.finditer(text)]
    out, done = "", 0
    for first, (begin, _end) in enumerate(groups):
        for _begin, end in groups[first : first + 8] if begin >= done else ():
            digits = text[begin:end].replace(" ", "").replace("-", "")
            if len(digits) > 19:
                break
            if len(digits) >= 13 and _passes_luhn(digits) and not numbers.is_reference(digits):
                out += text[done:begin] + digits[:6] + "*" * (len(digits) - 10) + digits[-4:]
                done = end
                break
    return out + text[done:]


def _passes_luhn(digits: str) -> bool:
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


class Redactor:
    """Blanks the values under `hidden` names (any case), the known `secrets`, `patterns`, signatures,
    callback tokens and card numbers."""

    def __init__(
        self, hidden: Iterable[str], secrets: Iterable[Secret] = (), patterns: Iterable[re.Pattern[str]] = ()
    ) -> None:
        self._hidden = frozenset(name.lower() for name in hidden)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._patterns = tuple(patterns)

    def with_secrets(self, secrets: Iterable[Secret]) -> Self:
        """The same, which also knows the secrets of one call."""
        return type(self)(self._hidden, (*self._secrets, *secrets), self._patterns)

    def body(self, body: bytes) -> str:
        """The text of a body without its secrets. Valid JSON stays valid JSON."""
        return self.text(_decoded(body))

    def text(self, text: str) -> str:
        """Any text without its secrets."""
        # Most texts hold none: then only strings with escapes need a second look.
        dirty = self._loose(text) != text
        out: list[str] = []
        done = depth = 0
        hidden_depth: int | None = None
        key_is_hidden = False
        for match in _TOKEN.finditer(text):
            piece = match[0]
            out.append(text[done : match.start()])
            done = match.end()
            if piece in "{[":
                depth += 1
                if key_is_hidden and hidden_depth is None:
                    hidden_depth = depth
                key_is_hidden = False
            elif piece in "}]":
                if hidden_depth == depth:
                    hidden_depth = None
                depth -= 1
                key_is_hidden = False
            elif piece in ",:":
                key_is_hidden = key_is_hidden and piece == ":"
            elif piece.startswith('"') and _COLON.match(text, done):
                piece, name = self._string(piece, dirty)
                key_is_hidden = name.lower() in self._hidden
            elif (hidden_depth is not None or key_is_hidden) and piece != "null":
                piece = f'"{MASK}"'
            elif piece.startswith('"'):
                piece, _value = self._string(piece, dirty)
            elif dirty:
                piece = self._bare(piece, in_json=depth > 0)
            out.append(piece)
        out.append(text[done:])
        whole = "".join(out)
        return storable(self._loose(whole, short=False) if dirty else whole)

    def _string(self, token: str, dirty: bool) -> tuple[str, str]:
        """One JSON string: (as it is to be kept, its value). Unchanged ones keep their spelling."""
        if not dirty and "\\" not in token:
            return token, token.strip('"')
        try:
            value = json.loads(token, strict=False)
        except ValueError:  # cut off, or not JSON at all
            return self._loose(token), token.strip('"')
        kept = storable(self._loose(value))
        return (token if kept == value else json.dumps(kept, ensure_ascii=False)), value

    def _bare(self, token: str, *, in_json: bool) -> str:
        if not _SCALAR.fullmatch(token):
            return self._loose(token)
        kept = self._loose(token, short=False)
        # A masked number is no number any more: the quotes keep the JSON valid.
        return f'"{kept}"' if kept != token and in_json else kept

    def _loose(self, text: str, *, short: bool = True) -> str:
        for secret in self._secrets:
            if short or len(secret) >= _SHORT:
                text = _blanked(text, secret)
        text = _CALLBACK.sub(rf"\g<1>{MASK}", text)
        text = mask_cards(_SIGNATURE.sub(MASK, text))
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text


def _blanked(text: str, secret: Secret) -> str:
    """Replace a secret in each spelling that a JSON text, a page or an address may give it."""
    if len(secret) < _SHORT:
        return re.sub(rf"(?<!\w){re.escape(secret.reveal())}(?!\w)", MASK, text)
    for spelling in secret.spellings():
        text = text.replace(spelling, MASK)
    return text


def _decoded(body: bytes) -> str:
    """The text of a body, whatever it is written in. UTF-16 is read too: between NULs no secret would be
    found.
    """
    encoding = (
        json.detect_encoding(body)
        if b"\x00" in body[:4] or body[:2] in (b"\xff\xfe", b"\xfe\xff")
        else "utf-8"
    )
    return body.decode(encoding, errors="replace").replace("\x00", "")
