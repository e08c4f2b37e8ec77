"""The public ticker, whose form nobody has written down."""

from __future__ import annotations

from decimal import Decimal

import pytest

from payments.providers.base import Rate
from payments.providers.bitloga import ticker
from payments.providers.errors import OutcomeUnknown
from payments.providers.exchange import Answer
from tests.every import every
from tests.payments.providers.wires import answered, answering, peer, recorded


def read(body: bytes, status: int = 200):
    return ticker.read(Answer(status, body, body.decode("utf-8", "replace"), "", None, str))


class TestRates:
    def test_a_list_of_directions(self) -> None:
        assert read(recorded("ticker_list")).rates == (
            Rate("BTC", "USDTTRC20", Decimal("97000.5")),
            Rate("RUB", "USDT", Decimal("0.0125")),
        )

    def test_an_object_of_pairs(self) -> None:
        found = read(recorded("ticker_pairs"))
        assert found.rates == (Rate("BTC", "USDT", Decimal("97000.5")), Rate("LTC", "USDT", Decimal("88.1")))
        assert found.raw["time"] == "2026-11-20"

    def test_an_envelope(self) -> None:
        found = read(b'{"success":true,"rates":[{"give":"A","get":"B","rate":2}]}')
        assert found.rates == (Rate("A", "B", Decimal(2)),)

    @every(
        "body",
        [
            b"[]",
            b"null",
            b"5",
            b"<rates><item/></rates>",
            b"",
            b"[" * 900,
            b"[" * 100_000,
            b'{"BTC_USDT":"1,5"}',
            b'{"BTC_USDT":-5}',
            b'{"_":1}',
            b'[{"from":"A","to":"B","in":0,"out":5}]',
            b'[{"from":"A","to":"B","rate":0}]',
            b'[{"from":["A"],"to":{},"rate":1}]',
        ],
    )
    def test_what_is_not_clear_is_only_kept(self, body: bytes) -> None:
        assert read(body).rates == ()

    @every("status", [302, 403, 404, 500])
    def test_an_answer_that_is_no_success_is_none(self, status: int) -> None:
        with pytest.raises(OutcomeUnknown):
            read(recorded("ticker_list"), status)


class TestCall:
    def test_it_is_public(self, connect) -> None:
        with peer(answering(answered(recorded("ticker_list")))) as there:
            assert len(connect(there).rates().rates) == 2
            head = there.requests[0].lower()
        assert head.startswith(b"get /api/v1/ticker http/1.1\r\n")
        assert b"apikey" not in head
        assert b"signature" not in head
