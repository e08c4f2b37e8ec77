"""Recorded answers, their shapes and their mutations (RELIABILITY E03, E05, E07, E08, E13)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.bitexbit import invoices, methods, reading, wallets, withdrawals
from payments.providers.bitexbit.client import Bitexbit
from payments.providers.bitexbit.refusals import judged
from payments.providers.errors import CLOSED_SET, OutcomeUnknown
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor
from payments.providers.wallets import Aml, Conversion, ConversionSettings, PaymentMethod, Terms, method_code
from tests.payments.providers.bitexbit.facts import (
    ANSWERS,
    DOCUMENT,
    ENDPOINTS,
    REFERENCE,
    call,
    case,
    given_for,
    recorded,
)
from tests.payments.providers.wires import answered, answering, peer

CLEAN = Redactor(Bitexbit.hidden)
READERS: dict[str, Any] = {
    "payment-methods": methods.method_list,
    "wallet": wallets.created,
    "wallets": reading.page(wallets.wallet),
    "wallet/history": reading.page(wallets.deposit),
    "invoice": invoices.created(REFERENCE),
    "invoices": reading.page(invoices.invoice),
    "invoice/history": reading.page(invoices.payment),
    "withdraw": withdrawals.created(REFERENCE),
    "withdraw/history": reading.page(withdrawals.withdrawal),
}


def read(name: str, body: bytes | Any) -> Any:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    answer = Answer(200, body, CLEAN.body(body), "", None, CLEAN.text)
    data = judged(answer, operation=name, safe=False, place="")
    return READERS[name](data, json.loads(answer.redacted))


def sample(name: str, **changes: Any) -> Any:
    """A recorded answer; the changes are made in its (first) row. ... takes a field away."""
    data = json.loads(recorded(ANSWERS[name]))
    row = data[0] if isinstance(data, list) else data.get("results", [data])[0]
    row.update(changes)
    for field in [field for field, value in row.items() if value is ...]:
        del row[field]
    return data


def row(name: str, **changes: Any) -> Any:
    found = read(name, sample(name, **changes))
    return found[0] if isinstance(found, tuple) else getattr(found, "rows", [found])[0]


class TestMethods:
    def test_recorded(self) -> None:
        coin, card = read("payment-methods", recorded("payment_methods"))
        assert (coin.code, coin.is_fiat) == ("BTC:bitcoin", False)
        assert coin.withdrawal == Terms(
            True, Decimal("0.0006"), Decimal(100), Decimal("0.0004"), Decimal(0), "BTC"
        )
        assert (card.code, card.is_fiat) == ("UAH:wiretransfer", True)
        assert card.deposit.smallest == Decimal("25.2")
        assert card.deposit.fee(Decimal(300)) == 8  # the 292 + 8 of the document's history
        assert card.withdrawal.fee(Decimal(1000)) == 20

    def test_whether_it_is_open_is_not_guessed(self) -> None:
        for field in ["is_fiat", "is_deposit_enabled", "is_withdraw_enabled"]:
            for value in [None, 1, "true", ...]:
                with case(field, value), pytest.raises(ValueError):
                    row("payment-methods", **{field: value})

    def test_a_limit_or_fee_that_is_not_stated_is_not_zero(self) -> None:
        found = row(
            "payment-methods", max_withdraw=None, withdraw_fee_amount=None, withdraw_fee_currency=None
        )
        assert found.withdrawal.largest is None
        assert found.withdrawal.fee(Decimal(1)) is None
        assert found.withdrawal.fee_currency == "BTC"

    def test_a_fee_in_another_currency(self) -> None:
        assert row("payment-methods", withdraw_fee_currency="TRX").withdrawal.fee_currency == "TRX"

    def test_anything_but_a_list_of_objects_is_not_read(self) -> None:
        for body in [{}, {"results": []}, [1], [[]], [None]]:
            with case(body), pytest.raises(ValueError):
                read("payment-methods", body)

    def test_none_at_all(self) -> None:
        assert read("payment-methods", []) == ()

    def test_a_fee_is_exact(self) -> None:
        terms = Terms(True, None, None, Decimal("0.1"), Decimal("0.015"), "X")
        huge = Decimal("123456789012345678.123456789012345678")
        assert terms.fee(huge) == Decimal("1851851835185185.27185185183518518517")


class TestWallets:
    def test_made(self) -> None:
        found = row("wallet")
        assert (found.provider_id, found.ticker, found.network) == (
            *("659b46e76ae05ce03b19ec39f64dbea6f29e", "ETH", "ethereum"),
        )
        assert found.conversion == ConversionSettings("USDT", Decimal(10000), Decimal(2))
        assert found.created_at == datetime(2021, 5, 21, 12, 10, 54, 552073, UTC)
        assert (found.tag, found.callback_url) == ("", "")

    def test_listed(self) -> None:
        page = read("wallets", recorded("wallets"))
        assert (page.count, page.more, len(page.rows)) == (2, True, 2)
        first, second = page.rows
        assert first.callback_url.endswith("canary-token-of-the-wallet/")
        assert "canary" not in repr(first)
        assert "canary" not in repr(first.raw)
        assert first.conversion is not None
        assert first.conversion.percent == Decimal("-0.1")
        assert second.conversion is None

    def test_a_tag_of_any_name(self) -> None:
        for name in ["memo", "destination_tag", "payment_id"]:
            with case(name):
                assert row("wallet", **{name: 77}).tag == "77"
                for kept in ("wallet", "wallet/history"):
                    assert row(kept, **{name: "7" * 300}).tag == "7" * 200

    def test_what_it_must_have(self) -> None:
        for field in ["slug", "address", "ticker", "network"]:
            for value in [None, "", [], ...]:
                with case(field, value):
                    for name in ("wallet", "wallets"):
                        with pytest.raises(ValueError):
                            row(name, **{field: value})


class TestDeposits:
    def test_recorded(self) -> None:
        found = row("wallet/history")
        assert (found.status, found.provider_status) == ("confirmed", "5")
        assert (found.amount, found.fee, found.gross) == (5, 0, 5)
        assert (found.confirmations, found.required_confirmations) == (None, 40)
        assert found.aml == Aml(True, "0", "")
        assert found.wallet_id == "529e67dd83f210e727702d15ffbde9548917"
        assert found.happened_at > found.created_at

    def test_codes_as_text_and_as_numbers(self) -> None:
        for code, ours in [("1", "pending"), (5, "confirmed"), (" 6 ", "rejected")]:
            with case(code, ours):
                assert row("wallet/history", status=code).status == ours

    def test_other_codes_are_not_known_and_kept(self) -> None:
        for code in [0, "0", 7, "51", "CONFIRMED", "5.5", "x" * 60]:
            with case(code):
                found = row("wallet/history", status=code)
                assert (found.status, found.provider_status) == (None, str(code))

    def test_aml_in_every_shape(self) -> None:
        for changes, aml in [
            ({"aml_success": False, "aml_risk": "87.5", "aml_url": "https://a.example/r"}, (False, "87.5")),
            ({"aml_success": "string", "aml_risk": "string", "aml_url": "string"}, (None, "string")),
            ({"aml_success": "FALSE", "aml_risk": None, "aml_url": "javascript:alert(1)"}, (False, "")),
            ({"aml_success": 1, "aml_risk": [1], "aml_url": 5}, (True, "")),
            ({"aml_success": ..., "aml_risk": ..., "aml_url": ...}, (None, "")),
        ]:
            with case(changes, aml):
                found = row("wallet/history", **changes).aml
                assert (found.success, found.risk) == aml
                assert found.url in ("", "https://a.example/r")

    def test_confirmations(self) -> None:
        for value, count in [(0, 0), ("12", 12), (None, None), (..., None), (3.0, 3)]:
            with case(value, count):
                assert row("wallet/history", actual_confirmations=value).confirmations == count

    def test_one_row_that_cannot_be_read_spoils_the_page(self) -> None:
        for changes in [
            {"amount": "1,5"},
            {"amount": None},
            {"amount": "-1"},
            {"amount": True},
            {"amount": "1e30"},
            {"fee": None},
            {"fee": "x"},
            {"status": None},
            {"created_at": "yesterday"},
            {"created_at": "2021-05-20T14:56:10"},
            {"created_at": None},
            {"actual_confirmations": 1.5},
            {"address": ""},
        ]:
            with case(changes), pytest.raises(ValueError):
                row("wallet/history", **changes)

    def test_identity_stays_while_status_fee_and_confirmations_change(self) -> None:
        before = row("wallet/history", status="1", actual_confirmations=3, amount="5.0")
        assert before.identity == row("wallet/history", fee="1", aml_risk=9).identity
        assert before.identity == row("wallet/history", txid="x").identity  # it may come later
        for change in ({"address": "y"}, {"memo": "z"}, {"amount": "5.00000001"}):
            assert row("wallet/history", **change).identity != before.identity

    def test_equal_ones_are_numbered(self) -> None:
        one = row("wallet/history")
        found = wallets.numbered(
            [one, row("wallet/history", status="1"), row("wallet/history", address="x"), one]
        )
        assert [entry.ordinal for entry in found] == [0, 1, 0, 2]


class TestInvoices:
    def test_made(self) -> None:
        found = row("invoice")
        assert (found.reference, found.status, found.provider_status) == (REFERENCE, "open", "")
        assert found.payment_url == "https://www.bitexbit.com/pay/659b46e3"
        assert (found.amount, found.method, found.ticker) == (120, "USDT:payeer", "USDT")
        assert found.success_url == "https://exchange.com/success"

    def test_without_a_page_to_pay_on_it_is_a_doubt(self) -> None:
        for url in ["payment-url", "javascript:alert(1)", "", None, 5, ...]:
            with case(url), pytest.raises(ValueError, match="proceed_url"):
                row("invoice", proceed_url=url)

    def test_listed(self) -> None:
        found = row("invoices")
        assert (found.reference, found.payment_url) == ("", "")
        assert found.callback_url == "https://exchange.com/api/callback"
        assert "callback" not in repr(found)

    def test_payment(self) -> None:
        found = row("invoice/history")
        assert (found.amount, found.fee, found.gross) == (292, 8, 300)
        assert found.conversion == Conversion(
            "USDT_UAH", Decimal("9.04537866"), Decimal("28.5285"), "BUY", "partial-filled"
        )

    def test_a_payment_that_was_not_converted(self) -> None:
        for value in [None, {}, [], "x", ...]:
            with case(value):
                assert row("invoice/history", convert=value).conversion is None

    def test_an_order_that_cannot_be_read_spoils_nothing(self) -> None:
        found = row("invoice/history", convert={"symbol": ["x"], "amount": "1,5", "price": None, "side": 1})
        assert found.conversion == Conversion("", None, None, "1", "")


class TestWithdrawals:
    def test_made(self) -> None:
        found = row("withdraw")
        assert (found.reference, found.provider_id) == (REFERENCE, "0")
        assert (found.status, found.provider_status) == (None, "0")
        assert (found.currency, found.method, found.network) == ("USDT", "USDT:tron", "tron")
        assert (found.amount, found.amount_from, found.debit, found.fee) == (22, 22, 22, 0)
        assert not found.fee_stated
        assert found.fee_payer == "balance"
        assert found.auto_buy == Conversion("ETH", Decimal(22), Decimal(3300), "1", "string")
        assert found.purse == "TR4d6N2HoC3Annqt2JK6HhQWuNARMNx5pW"
        assert "TR4d" not in repr(found)

    def test_listed(self) -> None:
        found = row("withdraw/history")
        assert found.transaction_id == "string"
        assert found.aml == Aml(None, "string", "")

    def test_every_status_as_text_and_as_number(self) -> None:
        for fact in DOCUMENT["statuses"]["withdrawal"]:
            with case(fact):
                for code in (fact["code"], str(fact["code"])):
                    for name in ("withdraw", "withdraw/history"):
                        assert row(name, status=code).status == fact["ours"]

    def test_who_pays_the_fee(self) -> None:
        for payer in [(1, "balance"), ("2", "amount"), (None, ""), (3, "")]:
            with case(payer):
                assert row("withdraw", fee_payer=payer[0]).fee_payer == payer[1]

    def test_where_it_went(self) -> None:
        for field in ["card", "address"]:
            with case(field):
                found = row("withdraw", **{"address": None, field: "4111111111111111"})
                assert found.purse == "4111111111111111"
                assert "4111111111111111" not in repr(found) + repr(found.raw)

    def test_an_answer_about_another_reference_is_a_doubt(self) -> None:
        for reference in ["1", None, "", ..., [REFERENCE]]:
            with case(reference), pytest.raises(ValueError):
                row("withdraw", client_order_id=reference)

    def test_others_made_elsewhere_have_none(self) -> None:
        assert row("withdraw/history", client_order_id=None).reference == ""

    def test_what_it_must_have(self) -> None:
        for field in ["id", "ticker", "network", "amount", "status"]:
            with case(field), pytest.raises(ValueError):
                row("withdraw", **{field: ...})


class TestPages:
    def test_what_is_no_page_is_not_read(self) -> None:
        for name in [name for name, fact in ENDPOINTS.items() if fact["paged"]]:
            for change in [
                {"count": None},
                {"count": "many"},
                {"count": 1.5},
                {"results": None},
                {"results": {}},
                {"results": [1]},
                {"results": ...},
            ]:
                with case(name, change):
                    data = {**sample(name), **change}
                    data = {key: value for key, value in data.items() if value is not ...}
                    with pytest.raises(ValueError):
                        read(name, data)

    def test_whether_more_follow(self) -> None:
        for value, more in [(None, False), ("", False), (" https://x/?page=2", True)]:
            with case(value, more):
                assert read("wallets", {**sample("wallets"), "next": value}).more == more

    def test_a_page_behind_the_last_is_empty(self, connect) -> None:
        with peer(answering(answered(recorded("error_404"), 404))) as there:
            page = connect(there).wallet_page(2)
            assert (page.rows, page.count) == ((), None)
            with pytest.raises(OutcomeUnknown):
                connect(there).wallet_page(1)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["5", "30", "40", "1.5", "2021-05-20T14:56:10Z", REFERENCE, "tron"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({name for fact in ENDPOINTS.values() for name in fact["answer"] if "." not in name})


class TestAnyAnswer:
    """Only the closed set, and never a final state that was not said."""

    @given(
        name=st.sampled_from(sorted(READERS)),
        changes=st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
    )
    @settings(max_examples=120, deadline=None)
    def test_a_good_answer_with_some_fields_changed(self, name: str, changes: dict[str, Any]) -> None:
        try:
            found = row(name, **changes)
        except ValueError:
            return
        said = str({**self.first(name), **changes}.get("status")).strip()
        if getattr(found, "status", None) in ("complete", "failed"):
            assert said in ("30", "40", "50")
        if getattr(found, "status", None) in ("confirmed", "rejected"):
            assert said in ("5", "6")
        if name == "withdraw":
            assert found.reference == REFERENCE

    @staticmethod
    def first(name: str) -> dict[str, Any]:
        data = sample(name)
        return data[0] if isinstance(data, list) else data.get("results", [data])[0]

    @given(name=st.sampled_from(sorted(READERS)), body=st.binary(max_size=200) | values)
    @settings(max_examples=80, deadline=None)
    def test_anything(self, name: str, body: Any) -> None:
        try:
            found = read(name, body)
        except (ValueError, *CLOSED_SET):
            return
        assert found == () or getattr(found, "rows", None) == ()

    def test_through_the_client_it_is_unknown(self, connect) -> None:
        for name in ENDPOINTS:
            with peer(answering(answered(b'{"results":5,"id":[]}'))) as there, pytest.raises(OutcomeUnknown):
                call(connect(there), name, given_for(name))


def test_the_code_of_a_method_names_currency_and_network() -> None:
    terms = Terms(True, None, None, None, None, "X")
    assert (
        PaymentMethod("USDT", "tron", False, terms, terms).code == method_code("USDT", "tron") == "USDT:tron"
    )
