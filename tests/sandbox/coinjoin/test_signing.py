"""Answers are signed as the document's formula says, over either spelling of numbers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.coinjoin import signatures
from sandbox.coinjoin import signing
from tests.every import every
from tests.sandbox.coinjoin.conftest import LEGACY


def documented(text: str, secret: str, number: Any = str) -> str:
    """The document's formula, over the text of an answer; numbers as `number` spells them."""
    data = json.loads(text, parse_float=number, parse_int=number)
    data.pop("signature", None)
    parts = [
        ",".join(value) + "," + ",".join(value.values()) if isinstance(value, dict) else value
        for value in data.values()
    ]
    digest = hmac.new(secret.encode(), "|".join(parts).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class TestSentence:
    @every(
        ("number", "text"),
        [
            ("0.00005", "5.0E-5"),
            ("0.000012345", "1.2345E-5"),
            ("1.0", "1"),
            ("0.10", "0.1"),
            ("0.0001", "0.0001"),
            ("20999999.99999999", "21000000"),
            ("100000000000000", "1.0E+14"),
            ("99999999999999", "99999999999999"),
            ("4212767.79760385", "4212767.7976039"),
            ("0", "0"),
            ("-0.00005", "-5.0E-5"),
        ],
    )
    def test_14_digits(self, number, text):
        assert signing.in_sentence(Decimal(number)) == text

    def test_the_client_spells_amounts_alike(self):
        chance = random.Random(5)
        for _ in range(3000):
            amount = Decimal(chance.randrange(1, 10 ** chance.randrange(1, 16))).scaleb(-8)
            if amount == amount.to_integral_value():
                continue  # a whole number stays an integer in PHP
            assert signatures.php_number(f"{amount:f}") == signing.in_sentence(amount)


class TestSignature:
    def test_the_documents_own_vector(self):
        """WIRE section 5, worked out outside of this project."""
        details = {
            "id": "Q96G3MSNW8MPQRTX",
            "status": "complete",
            "depositAddress": "tb1q0pkwdj3pqdp587yrc8sus876kccn5tq577ce5x",
            "depositAmount": "0.0062244",
            "depositTxid": "80bb6cda5036ce277598d949d2e4b3771c56b31ba77b757bf9753a370f16c99",
            "payouts": {"mfuAKvSsAMrC7gjbEEb521uc1myeF9BSsc": "0.006"},
            "txid": "0ea6f3a702a368ed09830d959f1c82b7d8f65f53a783965514380e123fc8ca4e",
            "fee": Decimal("0.0002244"),
            "delay": "0",
            "updated": "2022-04-28T09:46:11+00:00",
            "created": "2022-04-28T09:42:41+00:00",
        }
        for style in ("raw", "php"):
            found = signing.sign(details, "test_secret", style)
            assert found["signature"] == "oeBMbopUQ+FYWpOwkFrZI7Tn2r2X/oEXAN+Nf0Rd02Y="
        assert signing.base_text({"p": ["x", "y"]}, str) == "0,1,x,y"
        assert signing.base_text({"a": True, "b": False, "c": None}, str) == "1||"
        assert signing.base_text({"p": {}}, str) == ","

    @pytest.mark.parametrize("numbers", ["document", "text", "number"])
    def test_of_what_is_created_and_asked(self, join, numbers):
        join.set(number_style=numbers)
        secret = join.keys["api_secret"]
        sent = json.dumps({"delay": 0, "payouts": {LEGACY: "0.001"}, "refCode": "abc"}).encode()
        created = join.ask("createTransaction", data=sent).text
        assert json.loads(created)["signature"] == documented(created, secret)
        asked = join.ask(f"transaction/{json.loads(created)['id']}").text
        assert json.loads(asked)["signature"] == documented(asked, secret)

    def test_over_the_other_spelling(self, join):
        join.set(signature="php", fee_rate=0, fee_fixed="0.00005")
        text = join.ask(
            "createTransaction", data=json.dumps({"delay": 0, "payouts": {LEGACY: "0.001"}}).encode()
        ).text
        assert '"fee":5.0e-5' in text
        found = json.loads(text)["signature"]
        assert found != documented(text, join.keys["api_secret"])
        upper = documented(text, join.keys["api_secret"], lambda number: number.upper())
        assert found == upper

    def test_wrong_and_missing_ones(self, join):
        join.set(signature="wrong")
        text = join.ask(f"transaction/{join.create()['id']}").text
        assert json.loads(text)["signature"] != documented(text, join.keys["api_secret"])
        join.set(signature="missing")
        assert "signature" not in join.create()

    def test_where_it_stands_is_a_setting(self, join):
        made = join.create()
        assert "signature" in join.get(f"transaction/{made['id']}")
        assert "signature" not in join.get("transactions")["transactions"][0]
        join.set(sign_details=False, sign_list=True)
        assert "signature" not in join.get(f"transaction/{made['id']}")
        assert "signature" in join.get("transactions")["transactions"][0]
