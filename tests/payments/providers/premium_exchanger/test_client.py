"""The client against a peer: bytes, secrets, the connection test, the callback's address."""

from __future__ import annotations

import json
import traceback
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from payments.providers.base import Raw
from payments.providers.bids import BidRequest, QuoteRequest
from payments.providers.errors import Denied, Invalid, OutcomeUnknown, ProviderError, Unavailable
from payments.providers.http import Transport
from payments.providers.partner import PartnerPayoutRequest
from payments.providers.premium_exchanger.client import PremiumExchanger
from payments.providers.premium_exchanger.probe import EVERYBODY
from tests.every import every
from tests.payments.providers.premium_exchanger.facts import (
    BID,
    CALLBACK_URL,
    CALLS,
    KEY,
    LOGIN,
    REFERENCE,
    client,
    form,
    recorded,
)
from tests.payments.providers.wires import Recorder, answered, answering, peer

CARD = "4111111111111111"


class TestBytes:
    def test_the_form_is_spelled_like_this(self) -> None:
        request = BidRequest(
            REFERENCE,
            {
                "direction_id": "21",
                "calc_amount": Decimal("1E-8"),
                "calc_action": 1,
                "account1": "a b&c=d+e/ö",
                "_note": "ours",
                "cf6": "",
            },
        )
        with peer(answering(answered(recorded("create_bid")))) as there:
            client(there).create_bid(request)
            assert there.body() == (
                b"direction_id=21&calc_amount=0.00000001&calc_action=1&api_id=261120101530123456"
                b"&account1=a%20b%26c%3Dd%2Be%2F%C3%B6"
            )

    def test_cd_is_a_form_in_the_form(self) -> None:
        with peer(answering(answered(recorded("get_calc")))) as there:
            client(there).calculate(QuoteRequest("21", Decimal(100), 1, {"cf12": "a b&c", "cf13": "ö=1"}))
            assert there.body().endswith(b"&cd=cf12%3Da%2520b%2526c%26cf13%3D%25C3%25B6%253D1")
            assert form(form(there.body())["cd"].encode()) == {"cf12": "a b&c", "cf13": "ö=1"}

    @every(("lang", "sent"), [("", "en_US"), ("ru_RU", "ru_RU")])
    def test_the_language_is_ours_unless_an_admin_chose_one(self, lang: str, sent: str) -> None:
        with peer(answering(answered(recorded("test")))) as there:
            client(there, lang=lang).check()
            assert f"\r\nAPI-LANG: {sent}\r\n".encode() in there.requests[0]

    @every("missing", ["api_login", "api_key"])
    def test_without_keys_nothing_is_sent(self, missing: str) -> None:
        with peer(answering(answered())) as there:
            keys = {"api_login": LOGIN, "api_key": KEY} | {missing: ""}
            bare = PremiumExchanger(
                base_url=there.url,
                credentials=keys,
                transport=Recorder().transport(there),
                account_key="bare",
            )
            for call in CALLS.values():
                with pytest.raises(Unavailable):
                    call(bare)
            assert there.connections == 0


class TestCheck:
    def test_it_tells_who_we_are_and_how_far_the_clock_is_off(self) -> None:
        date = "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
        with peer(answering(answered(recorded("test"), headers=date))) as there:
            report = client(there).check()
        assert report.ok
        assert report.balances == {}
        assert report.facts == {
            "ip": "203.0.113.10",
            "user_id": "17",
            "locale": "en_US",
            "partner_id": "0",
        }
        assert isinstance(report.clock_skew_ms, int)

    def test_the_key_of_the_exchanger_itself_is_warned_of(self) -> None:
        with peer(answering(answered(recorded("test_system")))) as there:
            assert client(there).check().facts["warning"] == EVERYBODY

    @every("text", ["Api disabled", "IP blocked"])
    def test_turned_away(self, text: str) -> None:
        body = json.dumps({"error": 2, "error_text": text}).encode()
        with peer(answering(answered(body))) as there, pytest.raises(Denied) as denied:
            client(there).check()
        assert "admin" in denied.value.staff


class Watching(Recorder):
    """Remembers everything that any stage could show."""

    def __init__(self, **fail: BaseException) -> None:
        super().__init__(**fail)
        self.seen: list[str] = []

    def record(self, stage: str, exchange: Any) -> None:
        self.seen.append(repr(exchange))
        super().record(stage, exchange)


SPACED = "4111 1111 1111 1111"
SECRETS = [LOGIN, KEY, "canary-token", CARD]


def secrets_of(operation: str) -> list[str]:
    """What must not be seen. A card in a form's own spelling is known to the calls that send it."""
    return SECRETS if operation == "test" else [*SECRETS, SPACED, quote(SPACED)]


class TestSecrets:
    """No key, card or token in a trace, an error or a traceback (L01, L07)."""

    CALLS = {
        "create_bid": lambda asking: asking.create_bid(
            BidRequest(REFERENCE, BID | {"account1": CARD, "cf6": SPACED}, callback_url=CALLBACK_URL)
        ),
        "get_calc": lambda asking: asking.calculate(
            QuoteRequest("21", Decimal(5), 1, {"account1": CARD, "account2": SPACED})
        ),
        "add_partner_payout": lambda asking: asking.request_payout(
            PartnerPayoutRequest({"method_id": "5", "account": SPACED})
        ),
        "test": CALLS["test"],
    }
    ECHO = f"{LOGIN} {KEY} {CARD} {CALLBACK_URL} {quote(SPACED)}"
    BODIES = {
        "refused": json.dumps({"error": "7", "error_text": f"Wrong {ECHO}", "data": []}).encode(),
        "fields": json.dumps(
            {"error": "3", "error_text": "x", "error_fields": {"account1": f"<b>{ECHO}</b>"}, "data": []}
        ).encode(),
        "page": f"<p>{ECHO}</p>".encode(),
        "truncated": f'{{"error":0,"data":{{"account":"{CARD}","x":"{ECHO}'.encode(),
        "good": json.dumps(
            {"error": 0, "error_text": "", "data": {"id": 1, "hash": "h", "url": "x", "status": ECHO}}
        ).encode(),
        "empty": b"",
    }

    @every("operation", CALLS)
    @every("answer", BODIES)
    def test_nothing_shows_them(self, operation: str, answer: str) -> None:
        hooks = Watching()
        shown: list[str] = []
        with peer(answering(answered(self.BODIES[answer]))) as there:
            asking = client(there, hooks=hooks)
            shown.append(repr(asking))
            try:
                self.CALLS[operation](asking)
            except ProviderError as error:
                shown += self.everything(error)
        shown += hooks.seen
        for secret in secrets_of(operation):
            assert not [text for text in shown if secret in text], secret

    @every("stage", ["gate", "prepared", "before_bytes", "half", "sent", "body", "done"])
    def test_a_crash_at_any_stage_shows_none_of_them(self, stage: str) -> None:
        hooks = Watching(**{stage: RuntimeError("crash")})
        with peer(answering(answered(self.BODIES["good"]))) as there:
            try:
                self.CALLS["create_bid"](client(there, hooks=hooks))
            except (RuntimeError, ProviderError) as error:
                shown = self.everything(error)
                for secret in secrets_of("create_bid"):
                    assert not [text for text in shown if secret in text], secret

    @staticmethod
    def everything(error: BaseException) -> list[str]:
        """What logs, error pages and error trackers can see: also the local variables, but those of tests."""
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = [repr(error), str(error), repr(vars(error))]
        while found is not None:
            for frame in found.stack:
                if "/tests/" not in frame.filename:
                    shown += [f"{name}={value}" for name, value in (frame.locals or {}).items()]
            following = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
            if following is None:
                return shown
            found = following
        return shown

    def test_the_language_is_no_secret(self) -> None:
        with peer(answering(answered(recorded("test")))) as there:
            hooks = Watching()
            client(there, hooks=hooks, lang="en_US").check()
        assert '"locale":"en_US"' in hooks.exchange.response_redacted

    def test_the_account_that_a_bid_is_paid_to_is_shown_to_staff_and_kept_out_of_logs(self) -> None:
        with peer(answering(answered(recorded("create_bid")))) as there:
            report = CALLS["create_bid"](client(there))
        assert report.actions.instruction == "Send 9332.4 RUB to\n4111 1111 1111 1111"
        assert "4111" not in repr(report)
        assert "1111 1111" not in json.dumps(report.raw, default=str)

    def test_the_client_redacts_what_came_otherwise(self) -> None:
        bare = PremiumExchanger(
            base_url="https://exchanger.example/api/userapi/v1/",
            credentials={"api_login": LOGIN, "api_key": KEY},
            transport=Transport(),
            account_key="a",
        )
        assert bare.redacted(f"bid_id={CARD}&x={KEY}".encode()) == "bid_id=411111******1111&x=***"


class TestCallback:
    def test_the_client_reads_it_without_keys(self) -> None:
        assert client().read(Raw({}, b"bid_id=501")).reference == "501"


class TestInvalid:
    def test_nothing_is_recorded_or_sent(self) -> None:
        hooks = Recorder()
        with peer(answering(answered())) as there:
            with pytest.raises(Invalid):
                client(there, hooks=hooks).create_bid(BidRequest(REFERENCE, {}))
            assert there.connections == 0
        assert hooks.stages == []


class TestTrailingSlash:
    @every("end", ["", "/"])
    def test_of_the_base_url_does_not_matter(self, end: str) -> None:
        with peer(answering(answered(b""))) as there:
            asking = PremiumExchanger(
                base_url=there.url.rstrip("/") + end,
                credentials={"api_login": LOGIN, "api_key": KEY},
                transport=Recorder().transport(there),
                account_key=f"slash{end}",
            )
            with pytest.raises(OutcomeUnknown):
                asking.check()
            assert there.requests[0].startswith(b"POST /api/v1/test HTTP/1.1\r\n")
