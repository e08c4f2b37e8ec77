"""Two readers of one document: the sandbox says what the facts beside the client's tests say."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

from sandbox.bitloga import errors, invoices, withdrawals
from sandbox.bitloga.methods import METHODS

FACTS = json.loads((Path(__file__).parents[1] / "wire" / "bitloga" / "documented.json").read_text())


class TestErrors:
    def test_texts_and_their_order_are_those_of_the_document(self):
        plain = [value for name, value in vars(errors).items() if name.isupper()]
        documented = [error["text"] for error in FACTS["errors"]]
        assert plain == [text for text in documented if "*" not in text]

    def test_texts_with_a_value_are_those_of_the_document(self):
        made = {
            errors.min_amount(Decimal("1.50")): "1.5",
            errors.max_amount(Decimal("1E+3")): "1000",
            errors.payment_error("no route"): "no route",
        }
        documented = {error["text"] for error in FACTS["errors"] if "*" in error["text"]}
        assert {re.sub(re.escape(value), "*", text) for text, value in made.items()} == {
            re.sub(r"\*\w+\*", "*", text) for text in documented
        }


class TestMethods:
    def test_those_of_the_document_do_what_it_grants(self):
        for fact in FACTS["paysys"]:
            data = METHODS[fact["code"]]
            assert set(data["operations"]) - {"pay"} == set(fact["operations"])
            assert data["currency"] == fact["currency"]
            assert data.get("internal", False) == fact["internal"]


class TestParameters:
    def documented(self, operation: str) -> set[str]:
        endpoint = next(item for item in FACTS["endpoints"] if item["operation"] == operation)
        return {item["name"] for item in endpoint["parameters"]} - {"action"}

    def test_every_parameter_is_read(self):
        assert {*invoices.TEXTS, "amount", "pay_amount"} == self.documented("invoice")
        assert {*withdrawals.TEXTS, "amount"} == self.documented("withdraw")
