"""The product's client against the simulated provider: they were written apart and must agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.batches import BatchRequest, Payout, could_be, differences
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited, Refused
from payments.providers.http import Transport
from tests.sandbox.coinjoin.conftest import LEGACY, SEGWIT, TEST

REQUEST = BatchRequest(
    "1", {"delay": 2, "payouts": (Payout(SEGWIT, Decimal("0.001")), Payout(LEGACY, Decimal("0.00200000")))}
)


@pytest.fixture
def client(box: Any) -> Callable[..., Coinjoin]:
    def make(**changed: str) -> Coinjoin:
        keys = box.account("demo", "coinjoin")
        return Coinjoin(
            base_url=keys["base_url"],
            credentials={"api_key": keys["api_key"], "secret_key": keys["api_secret"], **changed},
            transport=Transport(internal_hosts=frozenset({f"127.0.0.1:{box.port}"}), read_pauses=()),
            account_key="sandbox",
        )

    return make


class TestAgreement:
    @pytest.mark.parametrize("signature", ["raw", "php"])
    @pytest.mark.parametrize("numbers", ["document", "text", "number"])
    @pytest.mark.parametrize("fee", ["0.0001", "0.00005", "0.00000001", "0.1"])
    def test_a_batch_and_its_signature(self, join, client, signature, numbers, fee):
        join.set(signature=signature, number_style=numbers, fee_fixed=fee, fee_rate=0)
        made = client().create(REQUEST)
        assert differences(REQUEST, made) == ()
        assert (made.status, made.signature_ok, made.fee) == ("awaiting_deposit", True, Decimal(fee))
        found = client().find(made.provider_id)
        assert found.signature_ok is True
        assert replace(found, raw={}, signature_form="") == replace(made, raw={}, signature_form="")

    def test_a_wrong_signature_is_told_and_a_missing_one_too(self, join, client):
        join.set(signature="wrong")
        assert differences(REQUEST, client().create(REQUEST)) == ("signature",)
        assert client(secret_key="another").create(REQUEST).signature_ok is False
        join.set(signature="missing")
        made = client().create(REQUEST)
        assert (made.signature_ok, differences(REQUEST, made)) == (None, ())

    def test_a_deposit_that_no_fee_explains_is_seen(self, join, client):
        join.set(fee_slip="0.00000001")
        assert differences(REQUEST, client().create(REQUEST)) == ("depositAmount",)

    def test_every_state(self, join, client):
        made = client().create(REQUEST)
        seen = []
        for verb in ("deposit", "confirm", "complete", "expire", "fail"):
            join.move(made.provider_id, verb)
            seen.append(client().find(made.provider_id).status)
        assert seen == ["confirming", "processing", "complete", "expired", None]

    def test_expired_after_the_deposit_shows_its_txid(self, join, client):
        made = client().create(REQUEST)
        join.move(made.provider_id, "expire")
        join.move(made.provider_id, "deposit")
        found = client().find(made.provider_id)
        assert (found.status, len(found.deposit_txid), found.odd) == ("expired", 64, ())

    def test_the_probe(self, join, client):
        assert client().check().facts["signature"] == "no batch to check it with yet"
        join.create()
        join.set(status_tells_limits=True)
        facts = client().check().facts
        assert (facts["key"], facts["signature"]) == ("accepted", "accepted")
        assert facts["limits.min_payout"] == "0.0001"
        assert client(secret_key="another").check().facts["signature"] == "wrong"

    def test_addresses(self, join, client):
        assert client().validate_address(SEGWIT).valid
        assert not client().validate_address(TEST).valid
        join.set(boolean_style="boolean")
        assert client().validate_address(LEGACY).valid


class TestDoubt:
    def test_a_lost_answer_is_found_again_by_what_was_asked(self, join, box, client):
        before = datetime.now(UTC) - timedelta(seconds=2)
        join.create(delay=1)
        box.control("faults", {"provider": "coinjoin", "action": "createTransaction", "mode": "drop_after"})
        with pytest.raises(OutcomeUnknown):
            client().create(REQUEST)
        found = [row for row in client().scan(since=before) if could_be(REQUEST, row, since=before)]
        assert len(found) == 1
        assert [row["accepts"] for row in join.rows(id=found[0].provider_id)] == [1]

    @pytest.mark.parametrize(
        "mode", ["garbage_html", "truncated", "empty", "null", "status_500", "half_body"]
    )
    def test_a_garbled_answer_is_unknown_and_sent_once(self, join, box, client, mode):
        box.control("faults", {"provider": "coinjoin", "action": "createTransaction", "mode": mode})
        with pytest.raises(OutcomeUnknown):
            client().create(REQUEST)
        assert len(join.rows()) == 1
        assert box.control("coinjoin/requests?action=createTransaction")["count"] == 1

    @pytest.mark.parametrize("count", [1000, pytest.param(5000, marks=pytest.mark.long)])
    def test_so_many_rows_while_new_ones_come_in(self, join, box, client, count):
        """Planted straight into the ledger: the list is what is tried here."""
        made = join.create()
        with box.engine.ledger.transaction() as db:
            names = "provider, account_id, kind, params, currency, amount, status, accepted_at, updated_at, number"
            for number in range(count - 1):
                db.execute(
                    f"insert into transactions ({names}, uniqueid, public_id, data) select {names}, ?1, ?1, data"
                    " from transactions where public_id = ?2",
                    (f"PLANTED{number:09}", made["id"]),
                )
        mine = client()
        pages = mine.list

        def between(**page: int) -> Any:
            join.create(delay=0)
            return pages(**page)

        mine.list = between  # type: ignore[method-assign]
        found = [row.provider_id for row in mine.scan()]
        assert len(found) == len(set(found))
        assert {f"PLANTED{number:09}" for number in range(count - 1)} | {made["id"]} <= set(found)


class TestRefusals:
    def test_in_the_documents_codes(self, join, client):
        with pytest.raises(Denied):
            client(api_key="nobody").list()
        with pytest.raises(Refused) as refused:
            client().find("AAAAAAAAAAAAAAAA")
        assert refused.value.reason == "not_found"
        join.set(network="test")
        with pytest.raises(Refused) as refused:
            client().create(REQUEST)
        assert (refused.value.code, refused.value.provider_message) == (
            "400",
            f"Invalid BTC address: {SEGWIT}",
        )
        join.set(maintenance=True)
        with pytest.raises(OutcomeUnknown):
            client().create(REQUEST)
        assert join.rows() == []

    def test_too_fast(self, box, client):
        box.control("faults", {"provider": "coinjoin", "mode": "rate_limit", "seconds": 9})
        with pytest.raises(RateLimited) as limited:
            client().create(REQUEST)
        assert limited.value.retry_after == 9
