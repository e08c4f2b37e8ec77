"""The answer to premium_exchanger's `test`: who we are there. Pure: asks nobody."""

from __future__ import annotations

from payments.providers.base import ProbeReport
from payments.providers.exchange import Answer
from payments.providers.premium_exchanger import envelope
from payments.providers.premium_exchanger.plaintext import title
from payments.providers.words import gettext_noop as _

EVERYBODY = _(
    "This key belongs to the exchanger itself (user 0): it sees everybody's bids. Ask for a key of our own user."
)
FACTS = ("ip", "user_id", "locale", "partner_id")


def read(answer: Answer) -> ProbeReport:
    """`facts`: our address as they see it, user, language, partner; and a `warning` where the key sees all."""
    data = envelope.reader("test", lambda data, _raw: envelope.an_object(data), safe=True)(answer)
    facts = {name: title(data, name) for name in FACTS if title(data, name)}
    if facts.get("user_id") == "0":
        facts["warning"] = EVERYBODY
    return ProbeReport(True, {}, answer.clock_skew_ms, facts)
