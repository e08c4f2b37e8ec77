"""History: each filter, sums that equal the database, the file of exactly what is filtered."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from payments.models import Movement
from payments.services import methods, movements
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/history/"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def accounts() -> list[Any]:
    made = [rows.account("East"), rows.account("West")]
    methods.ensure_currencies(["EUR"])
    for number, account in enumerate(made, start=1):
        rows.movement(account, f"{number}0.000000000000000001")
        rows.movement(account, f"-{number}.5", label="fee")
        rows.movement(account, "3", "EUR", on_balance=False)
    return made


def filters(accounts: list[Any]) -> list[tuple[dict[str, str], Q]]:
    today = timezone.localdate().isoformat()
    return [
        ({}, Q()),
        ({"account": str(accounts[0].pk)}, Q(account=accounts[0])),
        ({"currency": "EUR"}, Q(currency="EUR")),
        ({"kind": "adjustment"}, Q(kind="adjustment")),
        ({"kind": "invoice"}, Q(kind="invoice")),
        ({"on_balance": "1"}, Q(on_balance=True)),
        ({"on_balance": "0", "account": str(accounts[1].pk)}, Q(on_balance=False, account=accounts[1])),
        ({"since": today, "until": today}, Q()),
        ({"until": "2001-01-01"}, Q(pk=None)),
    ]


class TestList:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_everybody_sees_it_and_finance_may_export(self, role: str, accounts: Any) -> None:
        page = rows.browser(role).get(URL).content.decode()
        assert "+10.000000000000000001" in page
        assert ("export=csv" in page) == (role in ("approver", "finance"))

    def test_rows_and_sums_equal_the_database_for_each_filter(self, accounts: Any) -> None:
        browser = rows.browser("viewer")
        for query, kept in filters(accounts):
            answer = browser.get(URL, query)
            wanted = Movement.objects.filter(kept)
            assert {row.pk for row in answer.context["page"].rows} == {row.pk for row in wanted}, query
            shown = {(line["currency"], line["on_balance"]): line["total"] for line in answer.context["sums"]}
            assert shown == {
                (line["currency"], line["on_balance"]): line["s"]
                for line in wanted.order_by().values("currency", "on_balance").annotate(s=Sum("amount"))
            }, query

    def test_in_and_out_are_told_apart_and_make_the_sum(self, accounts: Any) -> None:
        line = next(
            line for line in rows.browser("viewer").get(URL).context["sums"] if line["currency"] == "USDT"
        )
        assert line["came"] == Decimal("30.000000000000000002")
        assert line["went"] == Decimal("-4.0")
        assert line["came"] + line["went"] == line["total"]

    def test_a_reference_leads_to_its_transaction(self, accounts: Any) -> None:
        reference = rows.reference(accounts[0])
        rows.movement(accounts[0], "1", reference=reference)
        browser = rows.browser("viewer")
        answer = browser.get(URL, {"reference": reference.value[:12]})
        assert [row.reference for row in answer.context["page"].rows] == [reference]
        assert f'href="{reference.get_absolute_url()}"' in answer.content.decode()
        assert browser.get(reference.get_absolute_url()).url == f"/invoices/{reference.invoice.pk}/"

    def test_a_value_that_makes_no_sense_is_named_and_nothing_is_listed(self, accounts: Any) -> None:
        for query in ({"since": "yesterday"}, {"account": "x"}, {"kind": "'"}, {"since": "0001-01-01"}):
            answer = rows.browser("viewer").get(URL, query)
            assert answer.status_code == 200
            assert not answer.context["page"].rows
            assert answer.context["sums"] == []
            assert "invalid" in answer.content.decode()

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, accounts: Any, django_assert_max_num_queries: Any
    ) -> None:
        for _number in range(60):
            rows.movement(accounts[0], "1", reference=None)
        browser = rows.browser("viewer")
        with django_assert_max_num_queries(15):
            assert len(browser.get(URL).context["page"].rows) == 50


class TestExport:
    def test_it_holds_exactly_what_is_filtered(self, accounts: Any) -> None:
        browser = rows.browser("finance")
        for query, kept in filters(accounts):
            answer = browser.get(URL, {**query, "export": "csv"})
            lines = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
            wanted = Movement.objects.filter(kept).order_by("-booked_at", "-id")
            assert [Decimal(line["Amount"]) for line in lines] == [row.amount for row in wanted], query
            assert [line["Amount: currency"] for line in lines] == [row.currency for row in wanted]

    def test_a_formula_in_a_label_is_made_harmless(self, accounts: Any) -> None:
        rows.movement(accounts[0], "1", label='=HYPERLINK("http://x")')
        answer = rows.browser("finance").get(URL, {"export": "csv"})
        assert "'=HYPERLINK" in b"".join(answer).decode()


class TestSums:
    def test_past_the_cap_there_is_no_sum_instead_of_a_wrong_one(self, accounts: Any) -> None:
        everything = Movement.objects.all()
        assert movements.sums(everything, cap=6) is not None
        assert movements.sums(everything, cap=5) is None

    def test_the_page_then_says_what_to_do(self, accounts: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr("payments.views.movements.movements.sums", lambda found: None)
        page = rows.browser("viewer").get(URL, {"currency": "USDT"}).content.decode()
        assert "Sums are shown for up to 100,000 movements." in page

    def test_of_a_great_many_without_a_filter_none_is_taken(self, accounts: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr("backoffice.kit.views.lists.COUNT_CAP", 3)
        monkeypatch.setattr("backoffice.kit.views.lists.capped_count", lambda found: 4)
        monkeypatch.setattr("payments.views.movements.MovementListView.page_size", 2)
        browser = rows.browser("viewer")
        assert "Choose an account, a currency or days to see sums." in browser.get(URL).content.decode()
        assert browser.get(URL, {"on_balance": "1"}).context["sums"]

    def test_they_take_one_query(self, accounts: Any, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            movements.sums(Movement.objects.filter(currency="USDT"))

    def test_a_filter_over_relations_does_not_double_rows(self, accounts: Any) -> None:
        reference = rows.reference(accounts[0])
        rows.movement(accounts[0], "2", reference=reference)
        found = movements.sums(Movement.objects.filter(reference__value__startswith=reference.value))
        assert found is not None
        assert found[0]["total"] == Decimal(2)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(m.amount) FROM payments_movement m JOIN payments_reference r ON r.id = m.reference_id"
                " WHERE r.value = %s",
                [reference.value],
            )
            assert cursor.fetchone()[0] == found[0]["total"]


class TestReference:
    def test_it_is_for_people_with_a_role(self, accounts: Any) -> None:
        reference = rows.reference(accounts[0])
        assert rows.browser_of(factories.person()).get(reference.get_absolute_url()).status_code == 403
        assert rows.browser("viewer").get("/references/999999/").status_code == 404
