"""Clocks that are apart: nothing that moves or creates is sent, and the sentence says why."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from payments.providers.bitexbit import clock
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited, Unavailable
from tests.payments.providers.bitexbit.facts import (
    ANSWERS,
    ENDPOINTS,
    MOVES,
    READS,
    call,
    case,
    given_for,
    recorded,
)
from tests.payments.providers.wires import Recorder, answered, answering, peer

PLACE = "https://www.bitexbit.com/"


def date(seconds: float) -> str:
    """A Date header so many seconds ahead of us."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n")


class TestMemory:
    def test_nothing_is_known_at_first(self) -> None:
        assert clock.known(PLACE) is None
        assert not clock.is_apart(None)

    def test_two_seconds_are_the_limit(self) -> None:
        for skew, apart in [
            (0, False),
            (1999, False),
            (-2000, False),
            (2001, True),
            (-2001, True),
            (10**9, True),
        ]:
            with case(skew, apart):
                clock.note(PLACE, skew, 0.1)
                assert abs((clock.known(PLACE) or 0) - skew) < 100
                assert clock.is_apart(skew) == apart

    def test_what_a_slow_answer_shows_is_not_believed(self) -> None:
        clock.note(PLACE, 5000, clock.QUICK_SECONDS + 0.1)
        clock.note(PLACE, None, 0.1)
        assert clock.known(PLACE) is None

    def test_it_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock.note(PLACE, 0, 0)
        later = time.monotonic_ns() + (clock.BELIEVED_SECONDS + 1) * 10**9
        monkeypatch.setattr(time, "monotonic_ns", lambda: later)
        assert clock.known(PLACE) is None

    def test_a_clock_that_was_set_since_is_seen_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock.note(PLACE, 0, 0)
        later = time.time_ns() + 60 * 10**9
        monkeypatch.setattr(time, "time_ns", lambda: later)
        assert abs((clock.known(PLACE) or 0) - 60_000) < 1000

    def test_places_are_apart(self) -> None:
        clock.note(PLACE, 9000, 0)
        assert clock.known("https://elsewhere.example/") is None

    def test_seconds_for_a_sentence(self) -> None:
        for skew, text in [(2100, "2.1"), (-3599999, "3599.9"), (0, "0.0")]:
            with case(skew, text):
                assert clock.seconds(skew) == text


class TestBeforeSending:
    def test_nothing_is_sent_while_they_are_apart(self, connect) -> None:
        for operation in MOVES:
            for seconds in [-5, 6, 3600]:
                with case(operation, seconds):
                    with peer(answering(answered(recorded("wallets"), headers=date(seconds)))) as there:
                        with pytest.raises(Unavailable) as refused:
                            call(connect(there, compared=False), operation, given_for(operation))
                        assert [request.split(b" ")[0] for request in there.requests] == [b"GET"]
                    sentence = refused.value.staff % refused.value.params
                    assert "seconds apart" in sentence
                    assert "%(" not in sentence
                    assert abs(abs(float(refused.value.params["seconds"])) - abs(seconds)) < 1.6

    def test_they_are_compared_first_and_not_again(self, connect) -> None:
        for operation in MOVES:
            with case(operation):
                first = answered(recorded("wallets"), headers=date(0))
                with peer(answering(first, answered(recorded(ANSWERS[operation]), headers=date(0)))) as there:
                    client = connect(there, compared=False)
                    call(client, operation, given_for(operation))
                    call(client, operation, given_for(operation))
                    assert [request.split(b" ")[0] for request in there.requests] == [
                        b"GET",
                        b"POST",
                        b"POST",
                    ]

    def test_the_answer_of_a_move_is_noted_too(self, connect) -> None:
        with peer(answering(answered(recorded("withdraw_create"), headers=date(30)))) as there:
            client = connect(there)
            call(client, "withdraw", given_for("withdraw"))
            with pytest.raises(Unavailable):
                call(client, "withdraw", given_for("withdraw"))
            assert len(there.requests) == 1

    def test_they_may_agree_again(self, connect) -> None:
        off, on = (
            answered(recorded("wallets"), headers=date(30)),
            answered(recorded("wallets"), headers=date(0)),
        )
        made = answered(recorded("withdraw_create"))
        with peer(answering(off, on, made)) as there:
            client = connect(there, compared=False)
            with pytest.raises(Unavailable):
                call(client, "withdraw", given_for("withdraw"))
            client.wallet_page()
            call(client, "withdraw", given_for("withdraw"))

    def test_an_answer_without_a_date_stops_nothing(self, connect) -> None:
        with peer(answering(answered(recorded("wallets")), answered(recorded("withdraw_create")))) as there:
            call(connect(there, compared=False), "withdraw", given_for("withdraw"))
            assert len(there.requests) == 2

    def test_a_fault_there_with_a_date_is_enough(self, connect) -> None:
        fault = answered(b"", 500, date(0))
        with peer(answering(fault, answered(recorded("withdraw_create")))) as there:
            call(connect(there, compared=False), "withdraw", given_for("withdraw"))

    def test_a_comparison_that_fails_proves_that_nothing_was_sent(self, connect) -> None:
        for answer, expected in [
            (answered(b"", 500), Unavailable),
            (answered(b"<p>", 200), Unavailable),
            (answered(b'{"detail":"No."}', 403), Denied),
            (answered(b'{"detail":"No."}', 401), Denied),
            (answered(b"", 429), RateLimited),
        ]:
            with case(answer, expected), peer(answering(answer)) as there:
                with pytest.raises(expected):
                    call(connect(there, compared=False), "withdraw", given_for("withdraw"))
                assert {request.split(b" ")[0] for request in there.requests} == {b"GET"}

    def test_nobody_there(self, connect) -> None:
        with peer(answering(answered())) as there:
            there.close()
            with pytest.raises(Unavailable):
                call(connect(there, compared=False), "withdraw", given_for("withdraw"))

    def test_the_move_is_recorded_as_itself(self, connect, recorder: Recorder) -> None:
        first = answered(recorded("wallets"), headers=date(0))
        with peer(answering(first, answered(recorded("withdraw_create")))) as there:
            call(connect(there, compared=False), "withdraw", given_for("withdraw"))
        assert recorder.exchange is not None
        assert (recorder.exchange.operation, recorder.exchange.safe) == ("withdraw", False)
        assert recorder.gated == ["read", "money"]


class TestReads:
    def test_they_go_on_while_the_clocks_are_apart(self, connect) -> None:
        for operation in READS:
            ahead = answered(recorded(ANSWERS[operation]), headers=date(60))
            with case(operation), peer(answering(ahead)) as there:
                client = connect(there, compared=False)
                for _time in range(2):
                    call(client, operation, given_for(operation))

    def test_a_401_says_that_the_clock_is_the_reason(self, connect) -> None:
        for operation in ENDPOINTS:
            with case(operation):
                with peer(answering(answered(recorded("error_401"), 401, date(60)))) as there:
                    with pytest.raises(Denied) as denied:
                        call(connect(there, read_pauses=(0, 0)), operation, given_for(operation))
                    assert len(there.requests) == 1
                assert denied.value.staff == clock.APART

    def test_the_connection_test_refuses_and_says_so(self, connect) -> None:
        ahead = answered(recorded("payment_methods"), headers=date(60))
        with peer(answering(ahead)) as there, pytest.raises(Denied) as denied:
            connect(there, compared=False).check()
        assert "seconds apart" in denied.value.staff % denied.value.params

    def test_a_garbled_answer_is_unknown(self, connect) -> None:
        with peer(answering(answered(b"{", headers=date(60)))) as there, pytest.raises(OutcomeUnknown):
            connect(there).check()
