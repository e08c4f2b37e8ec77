"""Broken lines while a batch is being created: what never left is sent later, what may have left is only looked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from payments.models import BatchPayout, ProviderAccount, ProviderCall
from payments.providers.errors import ProviderError
from payments.services import batch_payouts
from tests.payments import batches
from tests.races import batch_rows, money
from tests.races.proxy import Proxy, breaking
from tests.races.test_wire import lead_through

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def joining(box: Any, transactional_db: None) -> ProviderAccount:
    return batches.account(box)


def attempts(row: BatchPayout) -> list[str]:
    """How each call that would create it ended."""
    calls = ProviderCall.objects.filter(reference=row.reference, safe=False).order_by("id")
    return list(calls.values_list("outcome", flat=True))


class TestNothingLeft:
    """A08: refused, and no TLS: all of it before the first byte."""

    def test_refused_and_created_later_under_the_same_approval(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        row = batch_rows.approved(joining, people)
        box.pause()
        try:
            for _again in range(2):
                batch_payouts.submit(batch_payout_id=row.pk)
                assert money.state(row) == "approved"
        finally:
            box.resume()
        assert attempts(row) == ["Unavailable"] * 2
        money.make_due()
        money.work_until(lambda: money.state(row) == "awaiting_deposit", seconds=5)
        batch_rows.check_promises(box)

    def test_a_peer_that_does_not_speak_tls(self, joining: Any, people: Any, box: Any, settings: Any) -> None:
        lead_through(joining, f"https://127.0.0.1:{box.port}", settings)
        row = batch_rows.approved(joining, people)
        batch_payouts.submit(batch_payout_id=row.pk)
        assert money.state(row) == "approved"
        assert not batch_rows.accepts(box)


class TestCut:
    """A09: the line is cut after n bytes, in either direction. From the first byte on it is only looked for."""

    @pytest.fixture
    def proxy(self, box: Any, joining: Any, settings: Any) -> Iterator[Proxy]:
        with breaking(box.port) as proxy:
            lead_through(joining, f"http://127.0.0.1:{proxy.port}", settings)
            yield proxy

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_request_after_n_bytes(
        self, joining: Any, people: Any, box: Any, proxy: Proxy, every: bool
    ) -> None:
        first = batch_rows.approved(joining, people)
        batch_payouts.submit(batch_payout_id=first.pk)
        assert money.state(first) == "awaiting_deposit"
        whole = proxy.seen
        chosen = range(1, whole) if every else sorted({1, 2, *random.Random(9).sample(range(3, whole), 18)})
        for cut in chosen:
            row = batch_rows.approved(joining, people)
            proxy.up = cut
            batch_payouts.submit(batch_payout_id=row.pk)
            proxy.whole()
            assert money.state(row) == "unknown", f"cut after {cut} of {whole} bytes"
            for _again in range(2):
                with suppress(ProviderError):
                    batch_payouts.refresh(batch_payout_id=row.pk)
            accepted = batch_rows.accepts(box)[row.reference.value]
            assert (money.state(row), accepted) in (("unknown", 0), ("awaiting_deposit", 1)), cut
            assert attempts(row) == ["OutcomeUnknown"]
        batch_rows.check_promises(box)

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_answer_after_n_bytes_is_found_by_looking(
        self, joining: Any, people: Any, box: Any, proxy: Proxy, every: bool
    ) -> None:
        rows = []
        for cut in range(1, 700, 1 if every else 35):
            row = batch_rows.approved(joining, people)
            proxy.down = cut
            batch_payouts.submit(batch_payout_id=row.pk)
            proxy.whole()
            assert money.state(row) in ("unknown", "awaiting_deposit")
            rows.append(row)
        money.make_due()
        money.work_until(
            lambda: money.states(rows)["awaiting_deposit"] == len(rows), seconds=15 + len(rows) / 2
        )
        assert all(len(attempts(row)) == 1 for row in rows)
        batch_rows.check_promises(box)


class TestSilence:
    """A05: the provider accepts and says nothing until we have given up."""

    def test_it_is_found_in_the_list(self, joining: Any, people: Any, box: Any, settings: Any) -> None:
        settings.PROVIDER_READ_TIMEOUT = settings.PROVIDER_TOTAL_TIMEOUT = 0.5
        row = batch_rows.approved(joining, people)
        batches.fault(box, "hang_after", seconds=2)
        batch_payouts.submit(batch_payout_id=row.pk)
        assert money.state(row) == "unknown"
        settings.PROVIDER_READ_TIMEOUT = settings.PROVIDER_TOTAL_TIMEOUT = 10
        money.make_due()
        money.work_until(lambda: money.state(row) == "awaiting_deposit", seconds=10)
        assert attempts(row) == ["OutcomeUnknown"]
        batch_rows.check_promises(box)


class TestLists:
    """E10: the list moves while it is read, and is longer than a page: the lost one is found all the same."""

    def test_among_hundreds_that_are_not_ours(
        self, joining: Any, people: Any, box: Any, monkeypatch: Any
    ) -> None:
        row = batch_rows.approved(joining, people)
        batches.fault(box, "drop_after")
        batch_payouts.submit(batch_payout_id=row.pk)
        assert money.state(row) == "unknown"
        names = (
            "provider, account_id, kind, params, currency, amount, status, accepted_at, updated_at, number"
        )
        with box.engine.ledger.transaction() as db:
            (public_id,) = db.execute(
                "select public_id from transactions where provider='coinjoin'"
            ).fetchone()
            for number in range(350):
                # Newer than ours, with other payees: the delay is told in its data.
                db.execute(
                    f"insert into transactions ({names}, uniqueid, public_id, data) select {names}, ?1, ?1,"
                    " json_set(data, '$.delay', 8000) from transactions where public_id = ?2",
                    (f"PLANTED{number:09}", public_id),
                )
        batch_payouts.refresh(batch_payout_id=row.pk)
        assert money.state(row) == "awaiting_deposit"
        assert row.provider_id == public_id
