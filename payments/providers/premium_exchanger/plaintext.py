"""From an exchanger's HTML to plain text: what it writes is hostile until it is only words.

Holds no provider's words. Scripts, styles and characters that turn a line around are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable

#: The longest HTML that is looked at, and the longest text that is kept.
LONGEST = 20_000
KEPT = 4000

_BREAKS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "form", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"}
)
_UNSEEN = frozenset({"script", "style"})
#: Control characters, and those that reorder or hide what stands beside them.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
#: A "<" that no ">" closes is only a character; thousands of them would keep the parser busy for seconds.
_LOOSE = re.compile(r"<(?![^<>]*>)")
_SPACES = re.compile(r"[^\S\n]+")


class _Words(HTMLParser):
    """Collects what a reader would see, and where its links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._links.append((answers.link(dict(attrs), "href"), len(self.parts)))
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "a" and self._links:
            link, begin = self._links.pop()
            if link and link not in "".join(self.parts[begin:]):
                self.parts.append(f" ({link})")
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def plain(html: str, *, limit: int = KEPT) -> str:
    """What a person would read, line by line, at most `limit` characters. Never raises, never marks up."""
    words = _Words()
    words.feed(_LOOSE.sub("&lt;", html[:LONGEST]))
    words.close()
    text = _ODD.sub("", "".join(words.parts).replace("\r", "\n"))
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line)[:limit].rstrip()


def prose(data: Mapping[str, Any], name: str, *, limit: int = KEPT) -> str:
    """A text for people; "" when it is missing or no text: it decides nothing."""
    with suppress(Unreadable):
        return plain(answers.text(data, name, limit=1 << 20), limit=limit)
    return ""


def title(data: Mapping[str, Any], name: str) -> str:
    """A name for people, on one line."""
    return prose(data, name, limit=200).replace("\n", " ")
