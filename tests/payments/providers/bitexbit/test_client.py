"""The client against a peer: bytes, signatures, deadlines, secrets, the connection test, look-ups."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from payments import providers
from payments.providers import base, wallets
from payments.providers.base import Hint, InvoiceRequest, Raw, WithdrawalRequest
from payments.providers.bitexbit.client import Bitexbit
from payments.providers.bitexbit.signing import LIFETIME_MS, SignedHeaders, sign
from payments.providers.errors import Denied, Invalid, OutcomeUnknown, ProviderError, Refused, Unavailable
from payments.providers.http import Transport
from payments.providers.redaction import Secret
from tests.payments.providers.bitexbit.facts import (
    ANSWERS,
    CALLBACK_URL,
    DOCUMENT,
    ENDPOINTS,
    MOVES,
    REFERENCE,
    call,
    case,
    given_for,
    recorded,
)
from tests.payments.providers.wires import KEY, SECRET, Recorder, answered, answering, peer

CARD = "4111111111111111"
ODD_CARD = "9860123456789019"  # fails Luhn: only the call knows that it is one
WITHDRAWAL: dict[str, Any] = {"ticker": "USDT", "network": "tron", "amount": Decimal(22), "address": "TR4d"}


def headers(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def history(*rows: dict[str, Any], more: bool = False) -> bytes:
    """A page of withdrawals like the recorded one."""
    (sample,) = json.loads(recorded("withdraw_history"))["results"]
    found = [{**sample, "id": number, **row} for number, row in enumerate(rows, 1)]
    return json.dumps({"count": len(rows), "next": "x" if more else None, "results": found}).encode()


class TestProvider:
    def test_what_it_offers(self) -> None:
        for protocol in (
            *(base.Withdrawals, base.Callbacks, base.Probe),
            *(wallets.PaymentMethods, wallets.Wallets, wallets.FiatInvoices, wallets.WithdrawalScans),
        ):
            assert providers.offers("bitexbit", protocol), protocol

    def test_what_it_does_not(self) -> None:
        for protocol in (base.Balances, base.Invoices, base.Vouchers, base.Rates):
            assert not providers.offers("bitexbit", protocol), protocol


class TestSigning:
    """The vectors of the wire notes."""

    def test_vector(self) -> None:
        facts = DOCUMENT["vectors"]
        for fact in facts["cases"]:
            with case(fact["path"]):
                made = sign(
                    Secret(facts["key"]),
                    Secret(facts["secret"]),
                    path=fact["path"],
                    deadline=facts["timeout"],
                    body=fact["body"].encode(),
                )
                assert made == fact["signature"]

    def test_the_bytes_that_are_sent_are_the_bytes_that_are_signed(self, connect) -> None:
        for operation in ENDPOINTS:
            with case(operation):
                with peer(answering(answered(recorded(ANSWERS[operation])))) as there:
                    call(connect(there), operation, given_for(operation))
                    (request,) = there.requests
                head, _, body = request.partition(b"\r\n\r\n")
                sent, path = headers(request), urlsplit(head.decode().split(" ")[1]).path
                signed = f"{KEY}{path}{sent['x-timeout']}".encode() + body
                assert sent["x-sign"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
                assert sent["x-key"] == KEY

    def test_a_secret_that_looks_encoded_is_used_as_it_is(self, connect) -> None:
        with peer(answering(answered(recorded("payment_methods")))) as there:
            connect(there, key="0000-0000", secret="Z%2F%20").payment_methods()
            sent = headers(there.requests[0])
        signed = f"0000-0000/api/gateway/payment-methods{sent['x-timeout']}".encode()
        assert sent["x-sign"] == hmac.new(b"Z%2F%20", signed, hashlib.sha256).hexdigest()

    def test_the_path_is_the_apis_own_also_below_another_place(self, connect) -> None:
        with peer(answering(answered(recorded("payment_methods")))) as there:
            connect(there, url=f"http://{there.host}/somewhere/").payment_methods()
            request = there.requests[0]
        assert request.startswith(b"GET /somewhere/api/gateway/payment-methods ")
        sent = headers(request)
        signed = f"{KEY}/api/gateway/payment-methods{sent['x-timeout']}".encode()
        assert sent["x-sign"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()

    def test_amounts_go_as_text_without_exponent(self, connect) -> None:
        for number, spelled in (("1E+3", "1000"), ("0.000000000000000001", "0.000000000000000001")):
            with peer(answering(answered(recorded("withdraw_create")))) as there:
                given = WITHDRAWAL | {"amount": Decimal(number)}
                connect(there).withdraw(WithdrawalRequest(REFERENCE, given))
                assert f'"amount":"{spelled}"'.encode() in there.body()


class TestDeadline:
    def test_it_is_ten_seconds_from_now_in_milliseconds(self, connect) -> None:
        with peer(answering(answered(recorded("payment_methods")))) as there:
            connect(there).payment_methods()
            deadline = int(headers(there.requests[0])["x-timeout"])
        assert 0 <= time.time() * 1000 + LIFETIME_MS - deadline < 2000

    def test_it_is_made_when_the_request_leaves_not_before_it_waits_for_its_turn(self, connect) -> None:
        class Waiting(Recorder):
            def gate(self, priority: str) -> None:
                time.sleep(0.3)

        with peer(answering(answered(recorded("withdraw_create")))) as there:
            client = connect(there, hooks=Waiting())
            begun = time.time() * 1000
            client.withdraw(WithdrawalRequest(REFERENCE, WITHDRAWAL))
            deadline = int(headers(there.requests[0])["x-timeout"])
        assert deadline - LIFETIME_MS - begun >= 290

    def test_a_repeated_read_is_signed_anew(self, connect) -> None:
        with peer(answering(answered(b"", 500), answered(recorded("payment_methods")))) as there:
            connect(there, read_pauses=(0.02,)).payment_methods()
            first, second = (headers(request) for request in there.requests)
        assert int(second["x-timeout"]) > int(first["x-timeout"])
        assert second["x-sign"] != first["x-sign"]

    def test_it_is_one_and_the_same_in_header_and_signature(self) -> None:
        sent = SignedHeaders(Secret("k"), Secret("s"), path="/p", body=b"")
        assert set(sent) == {"Content-Type", "X-Key", "X-Timeout", "X-Sign"}
        assert len(sent) == len(list(sent))
        assert sent["X-Key"].reveal() == "k"  # type: ignore[union-attr]
        assert "s" not in repr(sent).replace("headers", "")


class TestUnauthorised:
    BODY = recorded("error_401")

    def test_a_read_is_asked_once_more(self, connect) -> None:
        with peer(answering(answered(self.BODY, 401), answered(recorded("payment_methods")))) as there:
            assert len(connect(there, read_pauses=(0, 0)).payment_methods()) == 2
            assert len(there.requests) == 2

    def test_but_not_twice(self, connect) -> None:
        with peer(answering(answered(self.BODY, 401))) as there:
            with pytest.raises(Denied) as denied:
                connect(there, read_pauses=(0, 0)).payment_methods()
            assert len(there.requests) == 2
        assert "key or signature" in denied.value.staff
        assert denied.value.provider_message == "Invalid signature."

    def test_what_moves_is_not(self, connect) -> None:
        for operation in MOVES:
            with case(operation), peer(answering(answered(self.BODY, 401))) as there:
                with pytest.raises(Denied):
                    call(connect(there, read_pauses=(0, 0)), operation, given_for(operation))
                assert len(there.requests) == 1


class TestCheck:
    def test_it_tells_signature_methods_and_clock(self, connect) -> None:
        now = datetime.now(UTC).strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n")
        with peer(answering(answered(recorded("payment_methods"), headers=now))) as there:
            report = connect(there, compared=False).check()
        assert report.ok
        assert report.balances == {}
        assert report.facts == {"signature": "accepted", "payment methods": "2"}
        assert isinstance(report.clock_skew_ms, int)

    def test_a_wrong_signature_is_denied(self, connect) -> None:
        with peer(answering(answered(recorded("error_401"), 401))) as there, pytest.raises(Denied) as denied:
            connect(there).check()
        assert "check the keys" in denied.value.staff

    def test_no_right_is_denied(self, connect) -> None:
        with peer(answering(answered(recorded("error_403"), 403))) as there, pytest.raises(Denied) as denied:
            connect(there).check()
        assert "rights" in denied.value.staff

    def test_without_keys_nothing_is_sent(self, connect) -> None:
        with peer(answering(answered())) as there:
            for operation in ENDPOINTS:
                with pytest.raises(Unavailable):
                    call(connect(there, secret=""), operation, given_for(operation))
            assert there.connections == 0


class TestFindWithdrawal:
    def test_by_our_reference(self, connect) -> None:
        rows = json.loads(history({"client_order_id": "1"}, {"status": 30}))
        rows["results"].append({**rows["results"][0], "id": 9, "client_order_id": None})
        with peer(answering(answered(json.dumps(rows).encode()))) as there:
            found = connect(there).find_withdrawal(REFERENCE)
        assert (found.provider_id, found.status) == ("2", "complete")

    def test_none(self, connect) -> None:
        with peer(answering(answered(history()))) as there, pytest.raises(Refused) as refused:
            connect(there).find_withdrawal(REFERENCE)
        assert refused.value.reason == "not_found"

    def test_two_are_a_doubt(self, connect) -> None:
        with peer(answering(answered(history({}, {})))) as there, pytest.raises(OutcomeUnknown) as doubt:
            connect(there).find_withdrawal(REFERENCE)
        assert "several" in doubt.value.staff

    def test_the_search_can_be_narrowed(self, connect) -> None:
        with peer(answering(answered(history({})))) as there:
            connect(there).find_withdrawal(REFERENCE, address="TR4d", ticker="USDT")
            target = there.requests[0].decode().split(" ")[1]
        assert parse_qs(urlsplit(target).query) == {
            "address": ["TR4d"],
            "ticker": ["USDT"],
            "page": ["1"],
            "limit": ["100"],
            "ordering": ["-id"],
        }

    def test_a_page_that_cannot_be_read_is_no_proof(self, connect) -> None:
        broken = history({"client_order_id": "1"}, {"client_order_id": "2", "amount": "1,5"})
        with peer(answering(answered(broken))) as there, pytest.raises(OutcomeUnknown):
            connect(there).find_withdrawal(REFERENCE)


class Watching(Recorder):
    """Remembers everything that any stage could show."""

    def __init__(self, **fail: BaseException) -> None:
        super().__init__(**fail)
        self.seen: list[str] = []

    def record(self, stage: str, exchange: Any) -> None:
        self.seen.append(repr(exchange))
        super().record(stage, exchange)


SECRETS = [KEY, SECRET, CARD, "canary-token"]


class TestSecrets:
    """No key, signature, card or token in a trace, an error or a traceback (L01, L07)."""

    CALLS = {
        **{name: lambda client, name=name: call(client, name, given_for(name, "card")) for name in ENDPOINTS},
        "check": lambda client: client.check(),
        "find": lambda client: client.find_withdrawal(REFERENCE),
    }
    BODIES = {
        "refused": (400, json.dumps({"detail": f"Wrong {KEY} {SECRET} {CARD} {CALLBACK_URL}"}).encode()),
        "fields": (400, json.dumps({"card": [f"{CARD} is wrong"], KEY: SECRET}).encode()),
        "denied": (401, json.dumps({"detail": f"{KEY} {SECRET} {CARD}"}).encode()),
        "page": (200, f"<p>{KEY} {SECRET} {CARD} {CALLBACK_URL}</p>".encode()),
        "truncated": (
            200,
            f'{{"id":1,"callback_url":"{CALLBACK_URL}","card":"{CARD}","x":"{SECRET}'.encode(),
        ),
        "unreadable": (200, f'{{"id":["{CARD}"],"card":{CARD},"results":[{{"{SECRET}":1}}]}}'.encode()),
        "good": (200, None),
    }

    def test_nothing_shows_them(self, connect) -> None:
        for operation in self.CALLS:
            for answer in self.BODIES:
                with case(operation, answer):
                    status, body = self.BODIES[answer]
                    if body is None:
                        sample = recorded(ANSWERS.get(operation, "withdraw_history"))
                        body = sample.replace(
                            b'"callback_url":null', f'"callback_url":"{CALLBACK_URL}"'.encode()
                        )
                        if operation == "find":  # it would read the same page again until it gives up
                            body = json.dumps(json.loads(body) | {"next": None}).encode()
                    hooks = Watching()
                    shown: list[str] = []
                    with peer(answering(answered(body, status))) as there:
                        client = connect(there, hooks=hooks, read_pauses=(0,))
                        shown.append(repr(client))
                        try:
                            found = self.CALLS[operation](client)
                            shown += [repr(found), repr(getattr(found, "raw", ""))]
                            shown += [repr(row.raw) for row in getattr(found, "rows", ())]
                        except ProviderError as error:
                            shown += self.everything(error)
                        signatures = [headers(request)["x-sign"] for request in there.requests]
                    shown += hooks.seen
                    for secret in [*SECRETS, *signatures]:
                        assert not [text for text in shown if secret in text], secret

    def test_a_signature_that_is_repeated_to_us_is_not_shown(self, connect) -> None:
        def serve(there: Any, conn: Any) -> None:
            while got := there.take(conn):
                conn.sendall(answered(json.dumps({"detail": headers(got)["x-sign"]}).encode(), 400))

        hooks = Watching()
        with peer(serve) as there, pytest.raises(Refused) as refused:
            connect(there, hooks=hooks).payment_methods()
        assert refused.value.provider_message == "***"
        assert headers(there.requests[0])["x-sign"] not in "".join(hooks.seen)

    def test_a_card_that_no_rule_would_find_is_hidden_too(self, connect) -> None:
        body = json.dumps({"detail": f"The card {ODD_CARD} is wrong"}).encode()
        hooks = Watching()
        given = {"ticker": "UZS", "network": "card", "amount": Decimal(5), "card": ODD_CARD}
        with peer(answering(answered(body, 400))) as there, pytest.raises(Refused) as refused:
            connect(there, hooks=hooks).withdraw(WithdrawalRequest(REFERENCE, given))
        assert ODD_CARD not in "".join([*hooks.seen, *self.everything(refused.value)])

    def test_a_crash_at_any_stage_shows_none_of_them(self, connect) -> None:
        for operation in self.CALLS:
            for stage in ["gate", "prepared", "connected", "before_bytes", "sent", "headers", "body", "done"]:
                with case(operation, stage):
                    hooks = Watching(**{stage: RuntimeError("crash")})
                    with peer(
                        answering(answered(recorded(ANSWERS.get(operation, "payment_methods"))))
                    ) as there:
                        client = connect(there, hooks=hooks)
                        try:
                            self.CALLS[operation](client)
                        except (RuntimeError, ProviderError) as error:
                            shown = self.everything(error)
                            for secret in SECRETS:
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

    def test_the_client_redacts_what_came_otherwise(self) -> None:
        client = Bitexbit(
            base_url="https://www.bitexbit.com/",
            credentials={"api_key": KEY, "api_secret": SECRET},
            transport=Transport(),
            account_key="a",
        )
        body = f'{{"card":"{CARD}","note":"{CARD}","x":"{SECRET}"}}'.encode()
        assert client.redacted(body) == '{"card":"***","note":"411111******1111","x":"***"}'


class TestCallback:
    def test_the_client_reads_callbacks(self, connect) -> None:
        assert connect().read(Raw({}, recorded("callback_withdraw"))) == Hint(REFERENCE)


class TestInvalid:
    def test_nothing_is_recorded_or_sent(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered())) as there:
            with pytest.raises(Invalid):
                connect(there).withdraw(WithdrawalRequest(REFERENCE, {}))
            with pytest.raises(Invalid):
                connect(there).create_invoice(InvoiceRequest(REFERENCE, {}))
            with pytest.raises(Invalid):
                connect(there).withdrawal_page(memo="7")
            assert there.connections == 0
        assert recorder.stages == []
