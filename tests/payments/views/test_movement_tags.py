"""The tag of a movement: seen on the page, found by the filter, written into files, so that compliance can see it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from payments.providers import PROVIDERS
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/history/"
TAG = PROVIDERS["coinjoin"].report_tag


@pytest.fixture(autouse=True)
def two(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    account = rows.account()
    rows.movement(account, "1", "BTC", tag=TAG, on_balance=False, kind="batch_deposit")
    rows.movement(account, "2", "BTC")


def test_it_stands_on_the_page_and_the_filter_finds_it() -> None:
    browser = rows.browser("viewer")
    assert f">{TAG}<" in rows.text_of(browser.get(URL))
    found = browser.get(URL, {"tag": TAG})
    assert [row.tag for row in found.context["page"].rows] == [TAG]
    assert [line["total"] for line in found.context["sums"]] == [1]


@pytest.mark.parametrize("query", [{}, {"tag": TAG}])
def test_it_stands_in_the_file(query: Any) -> None:
    answer = rows.browser("finance").get(URL, {**query, "export": "csv"})
    lines = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [line["Tag"] for line in lines] == ([TAG] if query else ["", TAG])
