"""The reports' page: its period, who may, and files that say what the page says."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backoffice.kit import periods
from backoffice.models import AuditEntry
from payments.models import Movement
from payments.services import methods
from tests import sheets
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/reports/"


@pytest.fixture(autouse=True)
def account(settings: Any) -> Any:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    methods.ensure_currencies()
    made = rows.account("East")
    month = periods.days(periods.LAST_MONTH, timezone.localdate())[0]
    for number, (currency, amount, kind) in enumerate(
        (("USDT", "12.5", "invoice"), ("USDT", "-2", "fee"), ("ETH", "1234567.000000000000000001", "invoice"))
    ):
        Movement.objects.create(
            key=str(number),
            account=made,
            kind=kind,
            currency=currency,
            way="system",
            amount=Decimal(amount),
            booked_at=dt.datetime.combine(month, dt.time(12), tzinfo=dt.UTC),
        )
    return made


class TestPage:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_approvers_and_finance_see_it(self, role: str) -> None:
        may = role in ("approver", "finance")
        browser = rows.browser(role)
        for address in (URL, f"{URL}statements/", f"{URL}?export=csv", f"{URL}?export=xlsx"):
            assert browser.get(address).status_code == (200 if may else 403)
        assert (f'href="{URL}"' in browser.get("/").content.decode()) == may

    def test_it_is_last_month_unless_said_otherwise(self) -> None:
        browser = rows.browser("finance")
        answer = browser.get(URL)
        assert answer.context["period"] == periods.days(periods.LAST_MONTH, timezone.localdate())
        page = answer.content.decode()
        assert "days in UTC, the zone of the books" in page
        assert "computed, not confirmed by the provider" in page
        assert "1,234,567.000000000000000001" in page
        answer = browser.get(URL, {"since": "2001-01-01", "until": "2001-01-31"})
        assert answer.context["period"] == (dt.date(2001, 1, 1), dt.date(2001, 1, 31))
        assert answer.context["rows"] == []
        assert "Nothing here for these days" in answer.content.decode()

    def test_it_can_be_narrowed(self, account: Any) -> None:
        answer = rows.browser("finance").get(URL, {"account": account.pk, "currency": "ETH"})
        assert [one.currency for one in answer.context["rows"]] == ["ETH"]

    @pytest.mark.parametrize(
        "query",
        [
            {"period": "own"},
            {"period": "own", "since": "2026-02-01"},
            {"since": "2026-02-02", "until": "2026-02-01"},
            {"since": "yesterday", "until": "2026-02-01"},
            {"period": "ever"},
            {"account": "x"},
            {"account": "999999"},
        ],
    )
    def test_what_makes_no_sense_is_named_and_kept(self, query: dict[str, str]) -> None:
        browser = rows.browser("finance")
        page = browser.get(URL, query).content.decode()
        assert "field-error" in page
        assert "Choose the days" in page
        assert browser.get(URL, {**query, "export": "csv"})["Content-Type"].startswith("text/html")

    def test_an_unknown_report_is_not_found(self) -> None:
        assert rows.browser("finance").get(f"{URL}nothing/").status_code == 404

    def test_its_days_are_those_of_the_books(self, settings: Any) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        assert "days in Asia/Tokyo" in rows.browser("finance").get(URL).content.decode()


class TestFiles:
    def test_both_say_what_the_page_says(self) -> None:
        browser = rows.browser("finance")
        shown = browser.get(URL).context["rows"]
        text = b"".join(browser.get(URL, {"export": "csv"})).decode()
        lines = list(csv.DictReader(io.StringIO(text)))
        cells = sheets.read(b"".join(browser.get(URL, {"export": "xlsx"}))).texts()
        for one, line, row in zip(shown, lines, cells, strict=True):
            for found in (line, row):
                assert (found["Account"], found["Currency"]) == (one.account.name, one.currency)
                assert Decimal(found["Opening"]) == one.opening
                assert Decimal(found["Closing"]) == one.closing
                assert Decimal(found["Fee: out"]) == (-2 if one.currency == "USDT" else 0)
                assert found["Balance"] == "computed, not confirmed by the provider"
        assert [Decimal(line["Invoice paid: in"]) for line in lines] == [
            Decimal("1234567.000000000000000001"),
            Decimal("12.5"),
        ]
        assert lines[0]["From (days in UTC)"].endswith("-01")

    def test_the_audit_trail_tells_of_them(self) -> None:
        b"".join(rows.browser("finance").get(URL, {"export": "csv", "currency": "ETH"}))
        told = AuditEntry.objects.get(verb="export.made").facts
        assert (told["list"], told["rows"], told["filters"]["currency"]) == ("statements", 1, "ETH")
