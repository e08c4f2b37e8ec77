"""A bid's hash, wherever an exchanger may write it, stands in nothing that is kept of a call."""

from __future__ import annotations

import json
from decimal import Decimal

from payments.providers.bids import BidActions, BidReport, BidRow
from payments.providers.premium_exchanger.client import PremiumExchanger
from payments.providers.premium_exchanger.handles import HandleRedactor
from payments.providers.redaction import Secret

HASH = "9kQ2xYw7Zr"
REDACTOR = HandleRedactor(PremiumExchanger.hidden, (), PremiumExchanger.hidden_patterns)
PAGE = f"https://exchanger.example/hst_{HASH}/"
WHOLE = json.dumps(
    {
        "error": 0,
        "data": {
            "url": PAGE,
            "id": "501",
            "hash": HASH,
            "api_actions": {
                "cancel": f"https://x.example/c/{HASH}",
                "pay": PAGE,
                "instruction": f"See {HASH}",
            },
            "items": [{"id": 1, "hash": HASH + "2", "user_hash": "u7f", "note": f"a {HASH}2"}],
        },
    }
)


def test_in_no_kind_of_text() -> None:
    texts = [
        WHOLE,
        WHOLE.replace("/", "\\/"),
        WHOLE.replace(": ", ":"),
        json.dumps({"note": f"bid {HASH}", "hash": HASH}),
        json.dumps({"x": {"HASH": HASH}}),
        json.dumps({"data": {"hash": [HASH, {"of": HASH}]}}),
        f"id=501&hash={HASH}&status=success",
        f"hash={HASH}",
        f"<html><a href='https://x.example/?hash={HASH}'>x</a> hst_{HASH}</html>",
    ]
    texts += [WHOLE[:end] for end in range(len(WHOLE))]  # cut off anywhere
    for text in texts:
        assert HASH not in REDACTOR.text(text), text
        assert HASH not in REDACTOR.body(text.encode()), text


def test_everything_else_stays() -> None:
    kept = json.loads(REDACTOR.text(WHOLE))["data"]
    assert (kept["id"], kept["hash"], kept["url"]) == ("501", "***", "***")
    assert kept["items"][0]["user_hash"] == "u7f"
    assert kept["api_actions"]["cancel"] == "https://x.example/c/***"
    # A short one may be any number of the answer.
    short = json.dumps({"hash": "501", "id": "501", "amount": 501})
    assert json.loads(REDACTOR.text(short)) == {"hash": "***", "id": "501", "amount": 501}
    assert REDACTOR.text("user_hash=u7fabc&bid_id=501") == "user_hash=u7fabc&bid_id=501"


def test_with_the_secrets_of_a_call_it_learns_as_well() -> None:
    assert REDACTOR.with_secrets([Secret("other-secret")]).text(
        f'{{"hash": "{HASH}"}} other-secret {HASH}'
    ) == ('{"hash": "***"} *** ***')


def test_no_report_shows_it_to_a_log() -> None:
    acts = BidActions(cancel_url=PAGE, pay_url=PAGE)
    report = BidReport("1", "501", HASH, PAGE, "new", "new", actions=acts)
    row = BidRow(
        "501", "1", "new", "new", False, "", "", "RUB", "USDT", Decimal(1), Decimal(1), hash=HASH
    )  # fmt: skip
    assert HASH not in f"{report!r} {row!r} {report} {row}"
