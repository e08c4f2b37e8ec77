"""Recorded answers and their mutations (RELIABILITY E03, E05, E07, E08, E13)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from payments.providers.batches import Payout
from payments.providers.coinjoin import reading
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor, Secret
from tests.every import every
from tests.payments.providers.coinjoin.facts import ADDRESS, FIRST, ID, SECOND, SECRET, batch, recorded

KEY = Secret(SECRET)
CLEAN = Redactor(Coinjoin.hidden, (KEY,))
READERS: dict[str, tuple[Any, bool, str]] = {
    "status": (reading.service, True, "status"),
    "validateAddress": (reading.address(ADDRESS), True, "valid"),
    "createTransaction": (reading.created(KEY), False, "created_document"),
    "transactions": (reading.page(KEY), True, "transactions"),
    "transaction": (reading.found(ID, KEY), True, "transaction"),
}


def read(name: str, body: bytes | dict[str, Any], status: int = 200, retry_after: str = "") -> Any:
    reader, safe, _answer = READERS[name]
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    answer = Answer(status, body, CLEAN.body(body), retry_after, None, CLEAN.text)
    return reading.reader(name, reader, safe=safe)(answer)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    data = json.loads(recorded(READERS[name][2]))
    data.update(changes)
    return {key: value for key, value in data.items() if value is not ...}


class TestService:
    def test_recorded(self) -> None:
        found = read("status", recorded("status"))
        assert (found.ok, found.provider_status) == (True, "ok")
        assert found.time == datetime(2022, 4, 5, 7, 29, 2, tzinfo=UTC)
        assert found.facts == {}

    def test_what_a_service_adds_is_shown_and_not_believed(self) -> None:
        found = read("status", recorded("status_more"))
        assert found.facts == {"fee": "0.5%", "limits.min": "0.001", "limits.max": "20"}
        assert found.raw["networks"] == ["main"]

    @every(("word", "ok"), [("ok", True), (" OK ", True), ("maintenance", False)])
    def test_only_ok_is(self, word: str, ok: bool) -> None:
        assert read("status", sample("status", status=word)).ok is ok

    @every("word", [..., None, "", [], 1e400])
    def test_without_a_status_it_is_no_answer(self, word: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("status", sample("status", status=word))

    @every("value", [..., None, "soon", "2022-04-05T07:29:02", 5])
    def test_the_other_time_helps_out(self, value: Any) -> None:
        assert read("status", sample("status", datetime=value)).time == datetime(
            2022, 4, 5, 7, 29, 2, tzinfo=UTC
        )
        for stamp in (..., None, -1, "x", 10**12, True, 1.5e300):
            assert read("status", sample("status", datetime=value, timestamp=stamp)).time is None


class TestAddress:
    @every(
        ("result", "valid"),
        [(True, True), ("true", True), (False, False), ("false", False), ("FALSE", False)],
    )
    def test_a_boolean_or_its_word(self, result: Any, valid: bool) -> None:
        found = read("validateAddress", {"result": result})
        assert (found.address, found.valid) == (ADDRESS, valid)

    @every(
        "result",
        [..., None, 1, 0, "1", "yes", "ok", "", [], [True], {"true": 1}, "TRUE", "True", " true", "true\n"],
    )
    def test_nothing_else_is_an_answer(self, result: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read(
                "validateAddress",
                {key: value for key, value in {"result": result}.items() if value is not ...},
            )


class TestCreated:
    def test_as_the_document_shows_it(self) -> None:
        """Its amounts are "0", and its signature is of a secret that nobody tells."""
        found = read("createTransaction", recorded("created_document"))
        assert (found.provider_id, found.status, found.provider_status) == (
            "JEVG1TKFP4L95EDX",
            "awaiting_deposit",
            "pending",
        )
        assert found.deposit_address == "tb1qmc2vcq6a427v6t83z8rnyg9ldf5k5p5uj2x4xv"
        assert (found.deposit_amount, found.fee, found.delay) == (Decimal("0.00316"), Decimal("0.00016"), 1)
        assert found.payouts == (Payout(FIRST, Decimal(0)), Payout(SECOND, Decimal(0)))
        assert found.ref_code == "qljncygz"
        assert found.created == found.updated == datetime(2022, 5, 5, 8, 56, 5, tzinfo=UTC)
        assert found.total_ok is False
        assert (found.signature_ok, found.signature_form) == (False, "")
        assert found.raw["signature"] == "***"

    def test_as_it_should_be(self) -> None:
        found = read("createTransaction", batch())
        assert (found.signature_ok, found.signature_form, found.total_ok) == (True, "raw", True)
        assert found.payouts_total == Decimal("0.003")

    @every("signed", [..., None, ""])
    def test_unsigned_is_a_label_and_no_error(self, signed: Any) -> None:
        found = read("createTransaction", batch(signature=signed))
        assert (found.signature_ok, found.total_ok) == (None, True)

    @every("signed", ["x", 5, [], {"a": 1}, False])
    def test_a_wrong_signature_is_told_and_the_order_is_not_lost(self, signed: Any) -> None:
        found = read("createTransaction", batch(signature=signed))
        assert (found.provider_id, found.signature_ok) == ("JEVG1TKFP4L95EDX", False)

    @every("fee", ["0.00016", 0.00016, 1.6e-4, "1.6E-4", "0.00016000000000000001"])
    def test_amounts_come_as_numbers_or_texts(self, fee: Any) -> None:
        found = read("createTransaction", batch(fee=fee, depositAmount="0.00316000"))
        assert found.fee == Decimal("0.00016")
        assert found.total_ok is True

    @every(
        ("changes", "ok"),
        [
            ({"depositAmount": "0.00316001"}, False),
            ({"fee": "0.00015999"}, False),
            ({"payouts": {FIRST: "0.001", SECOND: "0.00200001"}}, False),
            ({"payouts": [FIRST, SECOND]}, None),
            ({"depositAmount": ...}, None),
            ({"depositAmount": None}, None),
            ({"fee": ""}, None),
            ({"payouts": {}}, False),
            ({"payouts": [], "depositAmount": 0.00016}, True),
        ],
    )
    def test_the_total_is_compared_to_the_last_digit(self, changes: dict[str, Any], ok: bool | None) -> None:
        assert read("createTransaction", batch(**changes)).total_ok is ok

    @every(
        "changes",
        [
            {"id": ...},
            {"id": ""},
            {"id": "../x"},
            {"id": ["a"]},
            {"status": ...},
            {"status": None},
            {"depositAddress": ...},
            {"depositAddress": ["x"]},
            {"depositAmount": "0,00316"},
            {"depositAmount": -0.00316},
            {"depositAmount": True},
            {"depositAmount": "1e400"},
            {"fee": "0.000160004"},
            {"fee": []},
            {"payouts": ...},
            {"payouts": None},
            {"payouts": "x"},
            {"payouts": [1]},
            {"payouts": [[FIRST, "1"]]},
            {"payouts": [FIRST, FIRST]},
            {"payouts": {"": "1"}},
            {"payouts": {FIRST: "x"}},
            {"payouts": {FIRST: {"a": 1}}},
            {"delay": 1.5},
            {"delay": "soon"},
            {"delay": -1},
            {"delay": 1e12},
            {"refCode": ["x"]},
        ],
    )
    def test_what_cannot_be_read_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown) as unknown:
            read("createTransaction", batch(**changes))
        assert unknown.value.staff == OutcomeUnknown.default_staff  # do not send it again

    @every("time", [..., None, 5, "yesterday", "2022-05-05T08:56:05", "2022-05-05"])
    def test_a_time_without_its_zone_is_not_guessed(self, time: Any) -> None:
        assert read("createTransaction", batch(created=time)).created is None

    def test_a_time_of_another_zone_is_turned_into_utc(self) -> None:
        found = read("createTransaction", batch(created="2022-05-05T10:56:05+02:00"))
        assert found.created == datetime(2022, 5, 5, 8, 56, 5, tzinfo=UTC)

    @every("word", ["cancelled", "5", "paid", "completed"])
    def test_an_unknown_word_is_kept_and_is_no_state(self, word: str) -> None:
        found = read("createTransaction", batch(status=word))
        assert (found.status, found.provider_status) == (None, word)

    def test_case_and_outer_spaces_do_not_matter(self) -> None:
        assert read("createTransaction", batch(status=" COMPLETE\n")).status == "complete"


class TestFound:
    def test_recorded(self) -> None:
        found = read("transaction", recorded("transaction"))
        assert (found.status, found.signature_ok, found.total_ok) == ("complete", None, True)
        assert found.deposit_txid.startswith("80bb6cda")
        assert found.txid.startswith("0ea6f3a7")

    def test_a_transaction_id_of_63_letters_is_odd_and_no_error(self) -> None:
        """The document's own depositTxid has one too few."""
        assert read("transaction", recorded("transaction")).odd == ("depositTxid",)
        data = sample("transaction", depositTxid="A" * 64, txid="0x" + "a" * 64)
        assert read("transaction", data).odd == ("txid",)

    def test_signed(self) -> None:
        assert read("transaction", recorded("transaction_signed")).signature_ok is True

    @every("other", ["Q96G3MSNW8MPQRTY", "q96g3msnw8mpqrtx", ""])
    def test_about_another_one_it_is_no_answer(self, other: str) -> None:
        with pytest.raises(OutcomeUnknown):
            read("transaction", sample("transaction", id=other))

    def test_an_expired_one_may_have_lost_its_address(self) -> None:
        found = read("transaction", sample("transaction", status="expired", depositAddress=None))
        assert (found.status, found.deposit_address) == ("expired", "")


class TestPage:
    def test_recorded(self) -> None:
        found = read("transactions", recorded("transactions"))
        assert found.total == 27
        first, second = found.rows
        assert (first.provider_id, first.status, first.total_ok) == (
            "Y9ANXDCJMHG2J6GD",
            "awaiting_deposit",
            True,
        )
        assert (second.provider_id, second.status, second.deposit_amount) == (
            "EEFU0IKT3BAJ1JOQ",
            "expired",
            None,
        )
        assert second.total_ok is None
        assert [row.signature_ok for row in found.rows] == [None, None]

    def test_empty(self) -> None:
        found = read("transactions", recorded("transactions_empty"))
        assert (found.rows, found.total) == ((), 0)

    def test_a_row_may_be_signed_all_the_same(self) -> None:
        page = {"transactions": [batch(), batch(signature="x")], "totalTransactions": "2"}
        assert [row.signature_ok for row in read("transactions", page).rows] == [True, False]

    @every("rows", [..., None, {}, "x", [1], [None], [{}], [{"id": "A"}]])
    def test_one_row_that_cannot_be_read_spoils_the_page(self, rows: Any) -> None:
        data = {"transactions": rows, "totalTransactions": 1}
        with pytest.raises(OutcomeUnknown):
            read("transactions", {key: value for key, value in data.items() if value is not ...})

    @every(("total", "read_as"), [(27, 27), ("27", 27), (None, None), (..., None)])
    def test_the_total_comes_in_two_forms_or_not(self, total: Any, read_as: int | None) -> None:
        assert read("transactions", sample("transactions", totalTransactions=total)).total == read_as


class TestJudgement:
    PROVE_NOTHING: ClassVar = [
        (200, b""),
        (200, b"null"),
        (200, b"[]"),
        (200, b'"ok"'),
        (200, b"<html>"),
        (200, b"\xef\xbb\xbf{}"),
        (200, b"{}"),
        (200, b'{"id":"A","id":"B"}'),
        (200, b'{"code":400,"description":"Invalid JSON data."}'),
        (201, None),
        (204, b""),
        (302, None),
        (400, b"<html>"),
        (400, b'{"code":401,"description":"x"}'),
        (400, b'{"description":"x"}'),
        (400, b'{"code":400}'),
        (400, b'{"code":400,"description":["x"]}'),
        (404, b"<h1>Not Found</h1>"),
        (418, b'{"code":418,"description":"teapot"}'),
        (500, None),
        (500, b'{"code":500,"description":"x"}'),
        (502, b"<html>"),
        (503, b"<html>"),
    ]

    @every("name", READERS)
    def test_these_prove_nothing(self, name: str) -> None:
        for status, body in self.PROVE_NOTHING:
            with pytest.raises(OutcomeUnknown):
                read(name, recorded(READERS[name][2]) if body is None else body, status)
                pytest.fail(f"{status} {body!r} counts as an answer")

    @every("name", READERS)
    def test_turned_away_before_the_api(self, name: str) -> None:
        expected = Denied if READERS[name][1] else OutcomeUnknown
        for status in (401, 403):
            with pytest.raises(expected) as raised:
                read(name, b"<html>denied</html>", status)
            assert type(raised.value) is expected, status

    @every("name", READERS)
    def test_too_many_calls(self, name: str) -> None:
        with pytest.raises(RateLimited) as limited:
            read(name, b"slow down", 429, "7")
        assert limited.value.retry_after == 7
