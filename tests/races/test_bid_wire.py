"""Broken lines while a bid is being made: what never left is sent later, what may have left is only looked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from payments.models import Bid, ProviderAccount, ProviderCall
from payments.providers.errors import ProviderError
from payments.services import bids
from tests.payments import exchanger as exchangers
from tests.payments.conftest import exchanger
from tests.races import money
from tests.races.proxy import Proxy, breaking, nobody_there
from tests.races.test_wire import lead_through

__all__ = ["exchanger"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> ProviderAccount:
    exchanger.is_unique = False
    made = exchangers.account(exchanger)
    exchangers.direction(made)
    exchangers.book(made)
    return made


@pytest.fixture
def proxy(exchanger: Any, account: Any, settings: Any) -> Iterator[Proxy]:
    with breaking(int(exchanger.host.rpartition(":")[2])) as proxy:
        lead_through(account, f"http://127.0.0.1:{proxy.port}", settings)
        yield proxy


def attempts(row: Bid) -> list[str]:
    """How each call that would make it ended."""
    calls = ProviderCall.objects.filter(reference=row.reference, safe=False).order_by("id")
    return list(calls.values_list("outcome", flat=True))


def sent(account: Any) -> Bid:
    row = exchangers.asked(account)
    bids.submit(bid_id=row.pk)
    row.refresh_from_db()
    return row


def made(exchanger: Any, row: Bid) -> int:
    """How many of our reference the exchanger has."""
    return sum(1 for one in exchanger.bids.values() if one["api_id"] == row.reference.value)


class TestCut:
    """A09: the line is cut after n bytes, in either direction. From the first byte on it is only looked for."""

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_request_after_n_bytes(self, account: Any, exchanger: Any, proxy: Proxy, every: bool) -> None:
        row = exchangers.asked(account)
        with nobody_there(proxy):
            bids.submit(bid_id=row.pk)
        row.refresh_from_db()
        assert (row.status, attempts(row)) == ("creating", ["Unavailable"])
        assert sent(account).status == "new"
        whole = proxy.seen
        chosen = (
            range(1, whole)
            if every
            else sorted({1, 2, whole - 1, *random.Random(9).sample(range(3, whole), 9)})
        )
        for cut in chosen:
            row = exchangers.asked(account)
            proxy.up = cut
            bids.submit(bid_id=row.pk)
            proxy.whole()
            row.refresh_from_db()
            assert row.status == "unknown", f"cut after {cut} of {whole} bytes"
            with suppress(ProviderError):
                bids.refresh(bid_id=row.pk)
            bids.submit(bid_id=row.pk)
            row.refresh_from_db()
            assert (row.status, made(exchanger, row)) in (("unknown", 0), ("new", 1)), cut
            assert attempts(row) == ["OutcomeUnknown"]

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_answer_after_n_bytes_is_found_by_looking(
        self, account: Any, exchanger: Any, proxy: Proxy, every: bool
    ) -> None:
        for cut in range(1, 700, 1 if every else 77):
            row = exchangers.asked(account)
            proxy.down = cut
            bids.submit(bid_id=row.pk)
            proxy.whole()
            row.refresh_from_db()
            assert row.status in ("unknown", "new"), cut
            bids.refresh(bid_id=row.pk)
            row.refresh_from_db()
            assert (row.status, made(exchanger, row), len(attempts(row))) == ("new", 1, 1), cut


class TestSilence:
    """A05: the exchanger makes the bid and answers after we have given up."""

    def test_it_is_found_in_the_list(self, account: Any, exchanger: Any, settings: Any) -> None:
        settings.PROVIDER_READ_TIMEOUT = settings.PROVIDER_TOTAL_TIMEOUT = 0.4
        exchanger.fail("create_bid", "late")
        exchanger.delay = 0.8
        row = sent(account)
        assert (row.status, attempts(row)) == ("unknown", ["OutcomeUnknown"])
        settings.PROVIDER_READ_TIMEOUT = settings.PROVIDER_TOTAL_TIMEOUT = 10
        Bid.objects.update(next_check_at=None)
        money.work()  # nobody sends it again
        bids.refresh(bid_id=row.pk)
        row.refresh_from_db()
        assert (row.status, made(exchanger, row), len(attempts(row))) == ("new", 1, 1)
        assert exchanger.count("create_bid") == 1
