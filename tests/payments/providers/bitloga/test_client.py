"""The client against a peer: bytes, signatures, secrets, the connection test."""

from __future__ import annotations

import hashlib
import hmac
import json
import traceback
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import InvoiceRequest, Raw, Signed, VoucherRequest, WithdrawalRequest
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import Denied, Invalid, OutcomeUnknown, ProviderError
from payments.providers.http import Transport
from tests.payments.providers.bitloga.facts import CALLBACK_URL, REFERENCE
from tests.payments.providers.wires import KEY, SECRET, Recorder, answered, answering, peer, recorded

CARD = "4111111111111111"
CODE = "wf9g-amrf-2o9t-831u"
PASSWORD = "canary-pass"


def headers(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


class TestSigning:
    """The vectors of WIRE section 2."""

    def test_the_body_and_signature_of_the_documents_withdrawal(self, recorder: Recorder) -> None:
        with peer(answering(answered(b"null"))) as there:
            client = Bitloga(
                base_url=there.url,
                credentials={"api_key": "k", "api_secret": "test_secret"},
                transport=recorder.transport(there),
                account_key="vector",
            )
            fields = {
                "currency": "USD",
                "paysys": "WMZ",
                "amount": Decimal("10.00"),
                "purse": "Z123456789012",
            }
            with pytest.raises(OutcomeUnknown):
                client.withdraw(WithdrawalRequest("135", fields))
            assert there.body() == (
                b'{"action":"withdraw","uniqueid":"135","currency":"USD","paysys":"WMZ","amount":10.00,'
                b'"purse":"Z123456789012"}'
            )
            assert headers(there.requests[0])["x-signature"] == (
                "5bb7e1bf8b60c8711a34f3f52fdf27400d6d849cf76530c759ba9ac908b8b416"
                "cc66312159497b787eea643ea11c269830a92a61043775e7203ba6239ae11fe7"
            )

    def test_the_bytes_that_are_sent_are_the_bytes_that_are_signed(self, connect) -> None:
        with peer(answering(answered(recorded("invoice")))) as there:
            fields = {
                "paysys": "BTC",
                "amount": Decimal("1E-8"),
                "purse": "bc1q",
                "desc": "Ö “x” / \\ \u2028 \U0001f600",
            }
            connect(there).create_invoice(InvoiceRequest(REFERENCE, fields))
            expected = hmac.new(SECRET.encode(), there.body(), hashlib.sha512).hexdigest()
            assert headers(there.requests[0])["x-signature"] == expected
            assert headers(there.requests[0])["x-apikey"] == KEY
            assert b'"amount":0.00000001' in there.body()

    def test_money_is_never_spelled_with_an_exponent(self, connect) -> None:
        with peer(answering(answered(recorded("invoice")))) as there:
            for number, spelled in (("1E+3", b"1000"), ("0.000000000000000001", b"0.000000000000000001")):
                fields = {"paysys": "USDTBALANCE", "amount": Decimal(number)}
                connect(there).create_invoice(InvoiceRequest(REFERENCE, fields))
                assert b'"amount":' + spelled + b"}" in there.body()


class TestCheck:
    def test_it_tells_balances_signature_and_clock(self, connect) -> None:
        date = "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
        with peer(answering(answered(recorded("balances"), headers=date))) as there:
            report = connect(there).check()
        assert report.ok
        assert report.balances["BTC"] == Decimal("0.00000001")
        assert report.facts == {"signature": "accepted"}
        assert isinstance(report.clock_skew_ms, int)

    def test_a_wrong_signature_is_denied(self, connect) -> None:
        body = b'{"message":"Signature is not correct","success":false}'
        with peer(answering(answered(body))) as there, pytest.raises(Denied) as denied:
            connect(there).check()
        assert "secret key" in denied.value.staff


class TestCallbackUrl:
    def test_it_is_sent_and_its_token_is_in_no_trace(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered(recorded("invoice")))) as there:
            fields = {"paysys": "USDTBALANCE", "amount": Decimal(1)}
            connect(there).create_invoice(InvoiceRequest(REFERENCE, fields, CALLBACK_URL))
            assert json.loads(there.body())["callbackurl"] == CALLBACK_URL
        assert recorder.exchange is not None
        assert "/callbacks/bitloga/***" in recorder.exchange.request_redacted
        assert "canary" not in recorder.exchange.request_redacted


class Watching(Recorder):
    """Remembers everything that any stage could show."""

    def __init__(self, **fail: BaseException) -> None:
        super().__init__(**fail)
        self.seen: list[str] = []

    def record(self, stage: str, exchange: Any) -> None:
        self.seen.append(repr(exchange))
        super().record(stage, exchange)


def echoing(text: str) -> bytes:
    return json.dumps({"message": text, "success": False}).encode()


SECRETS = [KEY, SECRET, CODE, CARD, "canary-token"]


def secrets_of(operation: str) -> list[str]:
    """What must not be seen. A password is known to the calls that send it, and to nobody else."""
    return [*SECRETS, PASSWORD] if operation in ("code.create", "code.apply") else SECRETS


class TestSecrets:
    """No key, signature, code, password, card or token in a trace, an error or a traceback (L01, L07)."""

    CALLS = {
        "invoice": lambda client: client.create_invoice(
            InvoiceRequest(REFERENCE, {"paysys": "CARD", "amount": Decimal(5), "purse": CARD}, CALLBACK_URL)
        ),
        "withdraw": lambda client: client.withdraw(
            WithdrawalRequest(
                REFERENCE, {"currency": "USDT", "paysys": "CARD", "amount": Decimal(5), "purse": CARD}
            )
        ),
        "code.create": lambda client: client.create_code(
            VoucherRequest({"amount": Decimal(5), "currency": "USDT", "pass": PASSWORD})
        ),
        "code.apply": lambda client: client.redeem_code(VoucherRequest({"code": CODE, "pass": PASSWORD})),
        "code.get": lambda client: client.codes(code=CODE),
        "balances": lambda client: client.balances(),
    }
    BODIES = {
        "refused": echoing(f"Wrong {KEY} {SECRET} {CODE} {PASSWORD} {CARD} {CALLBACK_URL}"),
        "documented": echoing(f"Payment error: {PASSWORD} {CODE} {CARD}"),
        "page": f"<p>{KEY} {SECRET} {CODE} {PASSWORD} {CARD} {CALLBACK_URL}</p>".encode(),
        "truncated": f'{{"success":true,"code":"{CODE}","pass":"{PASSWORD}","purse":"{CARD}'.encode(),
        "code": f'{{"success":true,"code":"{CODE}","data":[{{"code":"{CODE}","pass":"x"}}]}}'.encode(),
        "unreadable": f'{{"success":true,"code":["{CODE}"],"purse":{CARD},"data":{{"{CODE}":1}}}}'.encode(),
        "empty": b"",
    }

    @pytest.mark.parametrize("operation", CALLS)
    @pytest.mark.parametrize("answer", BODIES)
    def test_nothing_shows_them(self, connect, operation: str, answer: str) -> None:
        hooks = Watching()
        shown: list[str] = []
        with peer(answering(answered(self.BODIES[answer]))) as there:
            client = connect(there, hooks=hooks)
            shown.append(repr(client))
            try:
                shown.append(repr(self.CALLS[operation](client)))
            except ProviderError as error:
                shown += self.everything(error)
        shown += hooks.seen
        for secret in secrets_of(operation):
            assert not [text for text in shown if secret in text], secret

    @pytest.mark.parametrize("operation", CALLS)
    @pytest.mark.parametrize(
        "stage", ["gate", "prepared", "connected", "before_bytes", "half", "sent", "headers", "body", "done"]
    )
    def test_a_crash_at_any_stage_shows_none_of_them(self, connect, operation: str, stage: str) -> None:
        hooks = Watching(**{stage: RuntimeError("crash")})
        with peer(answering(answered(self.BODIES["code"]))) as there:
            client = connect(there, hooks=hooks)
            try:
                self.CALLS[operation](client)
            except (RuntimeError, ProviderError) as error:
                shown = self.everything(error)
                for secret in secrets_of(operation):
                    assert not [text for text in shown if secret in text], secret

    def test_a_stop_from_outside_shows_none_of_them(self, connect, monkeypatch: pytest.MonkeyPatch) -> None:
        class TimeLimit(Exception):
            pass

        def stopped(*arguments: object, **named: object) -> None:
            raise TimeLimit

        monkeypatch.setattr("http.client.HTTPConnection.getresponse", stopped)
        with peer(answering(answered())) as there, pytest.raises(TimeLimit) as raised:
            self.CALLS["withdraw"](connect(there))
        for secret in SECRETS:
            assert not [text for text in self.everything(raised.value) if secret in text], secret

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

    def test_reports_with_codes_and_cards_do_not_show_them(self, connect) -> None:
        with peer(answering(answered(recorded("code_get")))) as there:
            reports = connect(there).codes()
        assert reports[0].code == CODE
        assert CODE not in repr(reports)
        assert CODE not in repr([report.raw for report in reports])
        assert reports[0].raw["currency"] == "USDT"

    def test_the_client_redacts_what_came_otherwise(self) -> None:
        client = Bitloga(
            base_url="https://bitloga.com/api/v1/",
            credentials={"api_key": KEY, "api_secret": SECRET},
            transport=Transport(),
            account_key="a",
        )
        assert client.redacted(f'{{"purse":"{CARD}","x":"{SECRET}"}}'.encode()) == (
            '{"purse":"411111******1111","x":"***"}'
        )


class TestCallback:
    def test_the_client_reads_callbacks_with_its_own_secret(self, connect) -> None:
        body = recorded("callback")
        signature = hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest()
        found = connect().read(Raw({"X-SIGNATURE": signature}, body))
        assert isinstance(found, Signed)
        assert found.reference == REFERENCE


class TestInvalid:
    def test_nothing_is_recorded_or_sent(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered())) as there:
            with pytest.raises(Invalid):
                connect(there).withdraw(WithdrawalRequest(REFERENCE, {}))
            assert there.connections == 0
        assert recorder.stages == []
