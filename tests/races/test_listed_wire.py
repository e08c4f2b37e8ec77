"""Broken lines and late answers for withdraw/create, invoice/create and wallet/create at a provider that only lists: what
may have left is only looked for (RELIABILITY A05, A09), and nothing leaves while the clocks are apart (H01).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from payments.models import ProviderAccount, ProviderCall
from payments.providers.bitexbit import clock
from payments.providers.errors import ProviderError
from tests.crash.listed import WAYS, Way
from tests.payments import desk_rows
from tests.payments.conftest import desk, running_desk
from tests.races.proxy import Proxy, breaking, nobody_there

__all__ = ["desk", "running_desk"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def there(desk: Any, transactional_db: None) -> ProviderAccount:
    desk.status = 30
    return desk_rows.account(desk, opening="1000000")


def attempts(row: Any) -> list[str]:
    """How each call that moves or creates ended."""
    calls = ProviderCall.objects.filter(reference=row.reference, safe=False).order_by("id")
    return list(calls.values_list("outcome", flat=True))


def looked(way: Way, row: Any) -> Any:
    """The row after a poll of it."""
    with contextlib.suppress(ProviderError):
        way.look(row.pk)
    row.refresh_from_db()
    return row


class TestCut:
    """A09: the line is cut after n bytes of the request."""

    @pytest.fixture
    def proxy(self, desk: Any, there: ProviderAccount, settings: Any) -> Iterator[Proxy]:
        with breaking(desk.port) as proxy:
            there.base_url = f"http://127.0.0.1:{proxy.port}/"
            ProviderAccount.objects.filter(pk=there.pk).update(base_url=there.base_url)
            settings.PROVIDER_INTERNAL_HOSTS |= {f"127.0.0.1:{proxy.port}"}
            clock.note(there.base_url, 0, 0)
            yield proxy

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    @pytest.mark.parametrize("name", WAYS)
    def test_from_the_first_byte_on_it_is_only_looked_for(
        self, desk: Any, there: ProviderAccount, people: Any, proxy: Proxy, name: str, every: bool
    ) -> None:
        way = WAYS[name]
        row = way.due(there, people)
        way.submit(row.pk)
        row.refresh_from_db()
        assert row.status == way.good, row.last_error
        whole, before = proxy.seen, sum(way.made(desk).values())
        row = way.due(there, people)
        with nobody_there(proxy):  # proven, so it goes later by itself
            way.submit(row.pk)
        assert (attempts(row), sum(way.made(desk).values())) == (["Unavailable"], before)
        places = range(1, whole + 1)
        if not every:
            chosen = random.Random(9).sample(range(3, whole - 1), 16 if name == "listed_withdrawal" else 4)
            places = sorted({1, 2, whole - 1, whole, *chosen})
        for cut in places:
            row = way.due(there, people)
            proxy.up = cut
            way.submit(row.pk)
            proxy.whole()
            row.refresh_from_db()
            assert (row.status, attempts(row)) == ("unknown", ["OutcomeUnknown"]), f"{cut} of {whole} bytes"
            made = sum(way.made(desk).values()) - before
            before += made
            looked(way, row)
            assert (row.status, made) in (("unknown", 0), (way.good, 1)), f"{cut} of {whole} bytes"
            assert attempts(row) == ["OutcomeUnknown"]  # asked about, never sent again
            assert made == 1 or cut < whole
        assert set(way.made(desk).values()) == {1}


class TestLate:
    """A05: the answer comes after our patience: 31 s and 120 s, in the proportion of this test's patience."""

    @pytest.mark.parametrize("name", WAYS)
    def test_it_is_found_in_the_list_and_not_made_again(
        self, desk: Any, there: ProviderAccount, people: Any, settings: Any, name: str
    ) -> None:
        settings.PROVIDER_READ_TIMEOUT = 0.3
        way = WAYS[name]
        for seconds in (0.31, 1.2):
            row = way.due(there, people)
            desk.faults[way.path] = [seconds + 0.1]
            began = time.monotonic()
            way.submit(row.pk)
            row.refresh_from_db()
            assert row.status == "unknown"
            settings.PROVIDER_READ_TIMEOUT = 5
            assert looked(way, row).status == way.good, row.last_error
            assert time.monotonic() - began < 5
            settings.PROVIDER_READ_TIMEOUT = 0.3
            way.submit(row.pk)  # whoever wakes up late
            assert attempts(row) == ["OutcomeUnknown"]
        assert set(way.made(desk).values()) == {1}


class TestClocks:
    """H01: the provider's clock and ours are apart. Beyond two seconds nothing that moves or creates is sent."""

    @pytest.mark.parametrize("name", WAYS)
    def test_nothing_is_sent_and_the_message_says_why(
        self, desk: Any, there: ProviderAccount, people: Any, name: str
    ) -> None:
        way = WAYS[name]
        row = way.due(there, people)
        waits = row.status
        for seconds in (-600, 600, -4, 4):
            clock.forget()
            desk.clock = dt.timedelta(seconds=seconds)
            way.submit(row.pk)
            row.refresh_from_db()
            assert (row.status, attempts(row)) == (waits, []), seconds
            assert "seconds apart" in row.last_error, seconds
            assert "no more than 2" in row.last_error, seconds
            assert "clock of this machine" in row.last_error, seconds
            way.model.objects.filter(pk=row.pk).update(claimed_until=None, next_check_at=Now())
        clock.forget()
        desk.clock = dt.timedelta()
        way.submit(row.pk)
        row.refresh_from_db()
        assert row.status == way.good, row.last_error
        assert sum(way.made(desk).values()) == 1
