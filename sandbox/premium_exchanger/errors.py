"""The exchanger's refusals: the texts that its document lists, and those that copies of the script are seen to
answer, each with the code that comes with it. Holds no checks."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A request that is answered with an `error` other than 0. Nothing was accepted.

    `fields` are HTML by field; None where the method's answer has no such part.
    """

    def __init__(self, text: str, code: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code or CODES.get(text, "1")
        self.fields = fields


# The document's five.
API_DISABLED = "Api disabled"
EMPTY_RESPONSE = "Empty response"
NO_BID = "no bid exists"
METHOD_NOT_SUPPORTED = "Method not supported"
DIRECTION_NOT_FOUND = "direction not found"
DOCUMENTED = (API_DISABLED, EMPTY_RESPONSE, NO_BID, METHOD_NOT_SUPPORTED, DIRECTION_NOT_FOUND)

# Seen elsewhere.
IP_BLOCKED = "IP blocked"
MAINTENANCE = "maintenance"
ACTION_DISABLED = "action disabled"
NO_PROGRAM = "no active partner program"
NO_PARTNER = "no partner id"
NOT_UNIQUE = "api id not unique"

CODES = {IP_BLOCKED: "2", METHOD_NOT_SUPPORTED: "3", MAINTENANCE: "2", ACTION_DISABLED: "2", NOT_UNIQUE: "3"}
# The methods that find out last that the exchanger is closed say so with another code.
MAINTENANCE_LISTS = ("get_direction_currencies", "get_directions")
