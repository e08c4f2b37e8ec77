"""Messages near the documented ones, and where a look-up's words prove nothing (RELIABILITY A10)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from payments.providers.bitloga import refusals
from payments.providers.errors import OutcomeUnknown, Refused
from tests.every import every
from tests.payments.providers.bitloga.facts import ERRORS, message

MOVES = ["invoice", "withdraw", "code.create", "code.apply"]


def refusal(text: str, operation: str = "withdraw", safe: bool = False) -> Any:
    return refusals.refusal(text, shown=text, operation=operation, safe=safe)


class TestOnWithdraw:
    @every("error", ERRORS)
    def test_the_class_is_the_tables(self, error: dict[str, Any]) -> None:
        row, _params = refusals.find(message(error)) or pytest.fail("not found")
        expected = OutcomeUnknown if row.only not in ("", "withdraw") else row.kind
        assert type(refusal(message(error))) is expected

    def test_60_mutations_are_unknown(self) -> None:
        chance = random.Random(2)
        tried = set()
        while len(tried) < 60:
            text = message(chance.choice(ERRORS))
            place = chance.randrange(len(text))
            mutated = chance.choice(
                [
                    text[:place] + text[place + 1 :],
                    text[:place] + "x" + text[place:],
                    text + ".",
                    "Error: " + text,
                ]
            )
            if mutated.lower().startswith(("payment error: ", "for this currency m")) or mutated in tried:
                continue
            tried.add(mutated)
            assert type(refusal(mutated)) is OutcomeUnknown, mutated

    @every(
        "text",
        [
            "",
            " ",
            "Error",
            "Insufficient  balance",
            "Insufficient balance.",
            "Insufficient\nbalance",
            "For this currency min amount is",
            "For this currency min amount is ten",
            "For this currency min amount is 1,5",
            "For this currency min amount is 10 USDT",
            "For this currency mid amount is 10",
            "Payment error",
            "Payment error:",
            "API \u212aey not found",
            "Недостаточно средств",
        ],
    )
    def test_what_is_not_written_in_the_document_is_unknown(self, text: str) -> None:
        assert type(refusal(text)) is OutcomeUnknown

    @every("text", ["INSUFFICIENT BALANCE", " insufficient balance \r\n", "\tInsufficient Balance"])
    def test_case_and_outer_spaces_do_not_matter(self, text: str) -> None:
        assert refusal(text).reason == "funds"

    @every("text", ["Payment error: No route", "payment error: x\ny", "Service unavailable"])
    def test_the_two_that_say_nothing_are_unknown_for_every_move(self, text: str) -> None:
        for operation in MOVES:
            found = refusal(text, operation)
            assert type(found) is OutcomeUnknown
            assert found.provider_message == text


class TestLimits:
    @every(
        ("spelled", "limit"),
        [("10", "10"), ("10.50", "10.5"), ("1.0e-8", "0.00000001"), ("1.0E+3", "1000"), ("0.001", "0.001")],
    )
    def test_the_number_is_read(self, spelled: str, limit: str) -> None:
        for word in ("min", "max"):
            found = refusal(f"For this currency {word} amount is {spelled}")
            assert (found.reason, found.params, list(found.fields)) == (
                "limits",
                {"limit": limit},
                ["amount"],
            )
            assert limit in found.staff % found.params


class TestLookups:
    @every("text", ["Transaction is not found", "Codes not found", "Code is not exist", "Code is not active"])
    def test_their_words_refuse_nothing_that_moves_elsewhere(self, text: str) -> None:
        for operation in ("invoice", "withdraw", "code.create"):
            assert type(refusal(text, operation)) is OutcomeUnknown

    def test_they_refuse_where_they_belong(self) -> None:
        assert refusal("Transaction is not found", "details", True).reason == "not_found"
        assert refusal("Codes not found", "code.get", True).reason == "empty"
        for text in ("Code is not exist", "Code is not active"):
            assert type(refusal(text, "code.apply")) is Refused


class TestWords:
    def test_a_reader_is_told_more_about_an_unlisted_text_than_to_wait(self) -> None:
        assert refusal("What?", "details", True).staff == refusals.UNLISTED
        assert refusal("What?", "withdraw", False).staff == OutcomeUnknown.default_staff
