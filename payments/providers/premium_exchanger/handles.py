"""Takes a bid's handle out of what is kept of a call: whoever has its hash can cancel the bid or declare it complete.

Exchangers write it into the bid's page and its links as well, so a value told as `hash` is blanked wherever else it
stands in the same text.
"""

from __future__ import annotations

import re

from payments.providers.redaction import Redactor, Secret

#: Names of JSON values that are, or hold, a handle.
NAMES = frozenset({"hash", "url"})
#: The same in a form, and in the pages of bids as public copies of the script name them.
PATTERNS = (
    # Accounts that a list repeats: numbers, not the addresses of coins.
    *(
        re.compile(rf'(?<="{name}":{gap}")[0-9][0-9 -]{{6,}}(?=")', re.ASCII)
        for name in ("account", "account1", "account2")
        for gap in ("", " ")
    ),
    re.compile(r"(?<=\bhash=)[^&\s\"'<>]+", re.ASCII),
    re.compile(r"(?<=hst_)[0-9A-Za-z_-]+", re.ASCII),
)
#: A shorter one may be any number of an answer; it is blanked under its own name only.
LEAST = 6

_TOLD = re.compile(r'"hash"\s*:\s*"?([^"\\,\s}\]]+)', re.IGNORECASE)


class HandleRedactor(Redactor):
    """A redactor that learns the handles of a text from the text."""

    def text(self, text: str) -> str:
        """Any text without its secrets and handles."""
        told = {value for value in _TOLD.findall(text) if len(value) >= LEAST and value != "null"}
        return super(HandleRedactor, self.with_secrets(map(Secret, sorted(told)))).text(text)
