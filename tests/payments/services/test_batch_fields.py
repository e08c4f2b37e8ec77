"""Rows typed, pasted and imported: which line is wrong and why, checksum and network, the provider's word (C10)."""

from __future__ import annotations

import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from payments import addresses
from payments.models import BatchPayout, BatchRow
from payments.services import batch_fields, batch_payouts
from tests.payments import batches
from tests.payments.batches import LEGACY, SCRIPT, SEGWIT, TAPROOT, TEST


def wrong(text: str, network: str = "mainnet") -> list[str]:
    with pytest.raises(ValidationError) as caught:
        batch_fields.read_rows(text, network=network)
    return [message for one in caught.value.error_dict["payouts"] for message in one.messages]


class TestReading:
    pytestmark = pytest.mark.django_db

    def test_however_the_columns_are_parted(self) -> None:
        for divider in (" ", "   ", "\t", ",", ";", ", ", " ,", " ; "):
            text = f"{SEGWIT}{divider}0.001\n\n{LEGACY}{divider}2\r\n"
            rows = batch_fields.read_rows(text, network="mainnet")
            assert [(row.line, row.address, row.amount) for row in rows] == [
                (1, SEGWIT, Decimal("0.001")),
                (3, LEGACY, Decimal(2)),
            ], divider

    def test_titles_quotes_and_a_mark_of_order_are_passed_over(self) -> None:
        text = f'\ufeffaddress,amount\n"{SEGWIT}","0.001"\n'
        assert [row.line for row in batch_fields.read_rows(text, network="mainnet")] == [2]

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (SEGWIT, "address and an amount"),
            (f"{SEGWIT} 1 2", "address and an amount"),
            (f"{SEGWIT[:-1]}x 1", "checksum"),
            (f"{TEST} 1", "test network"),
            (f"{SEGWIT} 0", "above zero"),
            (f"{SEGWIT} -1", ""),
            (f"{SEGWIT} 1e-3", ""),
            (f"{SEGWIT};0,5", "point"),
            (f"{SEGWIT} 0,5", "point"),
            (f"{SEGWIT} 0.000000001", ""),
            ("nonsense 1", "Bitcoin"),
            (f"{SEGWIT} NaN", ""),
        ],
    )
    def test_each_wrong_line_is_told_with_its_number(self, line: str, why: str) -> None:
        (told,) = wrong(f"{LEGACY} 1\n{line}\n")
        assert told.startswith("Line 2, “")
        assert why in told

    def test_all_wrong_lines_are_told_at_once_but_not_hundreds(self) -> None:
        told = wrong("\n".join(f"x{number} 1" for number in range(50)))
        assert len(told) == batch_fields.MOST_TOLD + 1
        assert told[0].startswith("Line 1, “")
        assert told[-1].endswith(": " + ", ".join(str(line) for line in range(21, 51)))

    @pytest.mark.parametrize("again", [SEGWIT, SEGWIT.upper()])
    def test_an_address_stands_once(self, again: str) -> None:
        (told,) = wrong(f"{SEGWIT} 1\n{again} 2")
        assert "line 1 already" in told

    def test_no_rows_too_many_and_too_much(self) -> None:
        assert "at least one" in wrong(" \n")[0]
        assert "more Bitcoin" in wrong(f"{SEGWIT} 20000000\n{LEGACY} 20000000")[0]

    def test_the_networks_do_not_mix(self) -> None:
        assert batch_fields.read_rows(f"{TEST} 1", network="testnet")
        for address in (
            SEGWIT,
            TAPROOT,
            LEGACY,
            SCRIPT,
            TEST[:-1] + "T",
            "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
        ):
            assert (
                "test network" in wrong(f"{address} 1", "testnet")[0]
                or "checksum" in wrong(f"{address} 1", "testnet")[0]
            )
        assert addresses.check_bitcoin(TAPROOT, testnet=False).valid


class TestProvidersWord:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def joining(self, box: Any, transactional_db: None) -> Any:
        return batches.account(box)

    def test_both_ways_to_say_yes(self, joining: Any, people: Any, box: Any) -> None:
        for style in ("text", "boolean"):
            batches.say(box, boolean_style=style)
            asked = batches.ask(joining, people["operator"])
            assert set(asked.rows.values_list("is_valid", flat=True)) == {True}, style

    def test_what_it_calls_wrong_is_told_by_line_and_nothing_is_stored(
        self, joining: Any, people: Any, monkeypatch: Any
    ) -> None:
        from payments.providers.coinjoin.client import Coinjoin

        monkeypatch.setattr(
            Coinjoin, "validate_address", lambda me, one: SimpleNamespace(valid=one == SEGWIT)
        )
        with pytest.raises(ValidationError, match=r"Line 2, “.*provider says"):
            batches.ask(joining, people["operator"])
        assert not BatchPayout.objects.exists()

    def test_no_other_word_is_a_yes(self, joining: Any, people: Any, box: Any) -> None:
        """C10: what is neither true nor "true" is no yes; without a yes nothing is created. All words: test_reading."""
        for word in (1, "TRUE"):
            batches.fault(box, "fields", action="validateAddress", count=50, fields={"result": word})
            made = batches.approved(joining, people)
            batch_payouts.submit(batch_payout_id=made.pk)
            box.control("faults/cancel", {})
            assert not made.rows.filter(is_valid=True).exists(), word
            made.refresh_from_db()
            assert made.status == "approved", word
        for word in (False, "FALSE"):
            batches.fault(box, "fields", action="validateAddress", count=50, fields={"result": word})
            with pytest.raises(ValidationError, match=r"Line 1, “.*provider says"):
                batches.ask(joining, people["operator"])
            box.control("faults/cancel", {})
        assert batches.orders(box, joining) == []

    def test_one_that_does_not_answer_is_asked_by_the_worker_before_anything_is_created(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        batches.fault(box, "status_500", action="validateAddress", count=9)
        made = batches.approved(joining, people)
        assert set(made.rows.values_list("is_valid", flat=True)) == {None}
        batch_payouts.submit(batch_payout_id=made.pk)
        box.control("faults/cancel", {})
        made.refresh_from_db()
        if made.status == "approved":
            assert batches.orders(box, joining) == []
            batch_payouts.submit(batch_payout_id=made.pk)
            made.refresh_from_db()
        assert made.status == "awaiting_deposit"
        assert not BatchRow.objects.exclude(is_valid=True).exists()

    def test_what_the_worker_learns_is_wrong_ends_it(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.approved(joining, people)
        made.rows.filter(position=2).update(is_valid=None)
        batches.fault(box, "fields", action="validateAddress", fields={"result": False}, count=9)
        batch_payouts.submit(batch_payout_id=made.pk)
        made.refresh_from_db()
        assert (made.status, batches.orders(box, joining)) == ("failed", [])
        assert "line 2" in made.last_error

    def test_the_web_request_takes_no_longer_than_its_limit(
        self, joining: Any, people: Any, box: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(batch_fields.ask_provider, "__kwdefaults__", {"seconds": 0.6})
        batches.fault(box, "slow", action="validateAddress", count=9, seconds=3)
        began = time.monotonic()
        asked = batches.ask(joining, people["operator"])
        assert time.monotonic() - began < 2.5
        assert set(asked.rows.values_list("is_valid", flat=True)) == {None}
