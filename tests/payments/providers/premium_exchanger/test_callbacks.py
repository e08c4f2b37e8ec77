"""Callbacks: unsigned, so at most a hint; garbage is told apart without raising."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.base import Forged, Hint, Raw
from payments.providers.premium_exchanger import callbacks
from tests.every import every


def read(body: bytes) -> Hint | Forged:
    return callbacks.read(Raw({"Content-Type": "application/x-www-form-urlencoded"}, body))


class TestHint:
    @every(
        ("body", "bid"),
        [
            (b"bid_id=501", "501"),
            (b"bid_id=501&status=success", "501"),
            (b"status=success&bid_id=501", "501"),
            (b"bid_id=+501+", "501"),
            (b"bid_id=9kQ2xYw7", "9kQ2xYw7"),
            (b"bid_id=501&account1=x&cf6=a%40b", "501"),
            (b'{"bid_id":501,"status":"new"}', "501"),
            (b'{"bid_id":"501"}', "501"),
        ],
    )
    def test_it_names_the_bid_and_nothing_else_is_believed(self, body: bytes, bid: str) -> None:
        assert read(body) == Hint(bid)

    @every(
        "body",
        [
            b"",
            b"bid_id=",
            b"bid_id",
            b"bid=501",
            b"bid_id=501&bid_id=502",
            b"bid_id=a%20b",
            b"bid_id=%00",
            b"bid_id=" + b"5" * 65,
            b"bid_id=../x",
            b"bid_id=\xff",
            b"&".join(b"a=1" for _ in range(100)),
            b"null",
            b'{"bid_id":[501]}',
            b'{"bid_id":null}',
            b"<html>bid_id=5</html>",
        ],
    )
    def test_what_names_none_or_two_is_no_hint(self, body: bytes) -> None:
        assert read(body) == Forged(callbacks.NO_BID)

    @given(
        st.binary(max_size=200)
        | st.text(max_size=100).map(str.encode)
        | st.text(max_size=60).map(lambda text: b"bid_id=" + text.encode())
    )
    @settings(max_examples=300, deadline=None)
    def test_nothing_raises(self, body: bytes) -> None:
        found = read(body)
        assert isinstance(found, Forged) or (found.reference.isascii() and len(found.reference) <= 64)
