"""History: each filter, sums that equal the database, the file of exactly what is filtered."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from backoffice.kit.exports import ExportColumn, stream_csv
from backoffice.models import AuditEntry, Preference
from payments.models import Movement
from payments.services import daily_sums, methods, movements
from payments.tables.movements import MovementTable
from tests import factories, sheets
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
        ({"period": "today"}, Q()),
        ({"period": "yesterday"}, Q(pk=None)),
        ({"period": "this_month", "currency": "EUR"}, Q(currency="EUR")),
        ({"period": "last_month"}, Q(pk=None)),
        ({"period": "this_year", "since": "2001-01-01", "until": "2001-01-01"}, Q()),
        ({"period": "own", "until": "2001-01-01"}, Q(pk=None)),
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
            assert [line["Kind"] for line in lines] == [row.kind for row in wanted]

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
        page = rows.browser("viewer").get(URL, {"reference": "26"}).content.decode()
        assert "sums are shown for up to 100,000 movements" in page

    def test_daily_sums_answer_whatever_they_know(self, accounts: Any, monkeypatch: Any) -> None:
        asked: list[Any] = []
        monkeypatch.setattr("payments.views.movements.movements.sums", lambda found: asked.append(found))
        browser = rows.browser("viewer")
        for query in ({}, {"account": accounts[0].pk, "kind": "fee", "currency": "EUR", "on_balance": "1"}):
            assert browser.get(URL, query).context["sums"] is not None
            assert browser.get(URL, {**query, "period": "this_month"}).context["sums"] is not None
        assert not asked
        assert browser.get(URL, {"reference": "26"}).context["sums"] is None

    def test_days_of_another_zone_are_summed_from_rows(self, accounts: Any, settings: Any) -> None:
        """Between midnight there and midnight here the days differ: each person gets the own one's."""
        person = factories.person("viewer")
        Preference.objects.create(user=person, time_zone="Pacific/Kiritimati")
        edge = dt.datetime(2026, 3, 31, 10, tzinfo=dt.UTC)  # 2026-04-01 00:00 there
        for number, moment in enumerate((edge - dt.timedelta(microseconds=1), edge)):
            Movement.objects.create(
                key=f"edge:{number}",
                account=accounts[0],
                kind="fee",
                currency="EUR",
                amount=Decimal(-1 - number),
                way="system",
                booked_at=moment,
            )
        query = {"since": "2026-04-01", "until": "2026-04-01"}
        far = rows.browser_of(person).get(URL, query)
        assert [line["went"] for line in far.context["sums"]] == [Decimal(-2)]
        assert "days in Pacific/Kiritimati" in far.content.decode()
        near = rows.browser("viewer").get(URL, query)
        assert near.context["sums"] == []
        query = {"since": "2026-03-31", "until": "2026-03-31"}
        near = rows.browser("viewer").get(URL, query)
        assert [line["went"] for line in near.context["sums"]] == [Decimal(-3)]
        assert "days in UTC" in near.content.decode()

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


class TestEverySumIsTheSame:
    """The page, the CSV, the XLSX and SQL agree to the last unit, whatever is filtered and in whatever zone."""

    DIGITS = {"JPY": 0, "EUR": 2, "USDT": 6, "BTC": 8, "ETH": 18}

    @pytest.fixture
    def many(self, accounts: Any) -> None:
        methods.ensure_currencies(list(self.DIGITS))
        dice = random.Random(20261121)
        begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        made = []
        for number in range(400):
            currency = dice.choice(list(self.DIGITS))
            places = self.DIGITS[currency]
            amount = Decimal(dice.randrange(1, 10 ** dice.randrange(1, 16 + places))).scaleb(-places)
            made.append(
                Movement(
                    key=f"many:{number}",
                    account=dice.choice(accounts),
                    currency=currency,
                    kind=dice.choice(Movement.Kind.values),
                    amount=amount * dice.choice((1, -1)),
                    on_balance=dice.random() < 0.7,
                    way="system",
                    label=dice.choice(("=1", "a,b", "")),
                    booked_at=begin
                    + dt.timedelta(seconds=dice.randrange(120 * 86400), microseconds=dice.randrange(10**6)),
                )
            )
        Movement.objects.bulk_create(made)

    def sql(self, kept: Q) -> dict[Any, Any]:
        lines = (
            Movement.objects.filter(kept)
            .order_by()
            .values("currency", "on_balance")
            .annotate(s=Sum("amount"))
        )
        return {(line["currency"], line["on_balance"]): line["s"] for line in lines}

    def of_file(self, lines: list[dict[str, str]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for line in lines:
            key = (line["Amount: currency"], line["Balance"] == "on balance")
            found[key] = found.get(key, 0) + Decimal(line["Amount"])
        return found

    @pytest.mark.parametrize("zone", ("", "America/St_Johns"))
    @pytest.mark.parametrize("folded", (False, True))
    def test_to_the_last_unit(self, zone: str, folded: bool, many: Any, accounts: Any) -> None:
        if folded:
            daily_sums.fold()
        person = factories.person("finance")
        if zone:
            Preference.objects.create(user=person, time_zone=zone)
        browser = rows.browser_of(person)
        offset = dt.timedelta(hours=3.5) if zone else dt.timedelta()
        february = dt.datetime(2026, 2, 1, tzinfo=dt.UTC) + offset
        day = dt.datetime(2026, 2, 15, tzinfo=dt.UTC) + offset
        for query, kept in (
            ({}, Q()),
            ({"currency": "ETH"}, Q(currency="ETH")),
            ({"account": str(accounts[1].pk), "kind": "fee"}, Q(account=accounts[1], kind="fee")),
            (
                {"since": "2026-02-01", "until": "2026-02-14", "on_balance": "1"},
                Q(booked_at__gte=february, booked_at__lt=day, on_balance=True),
            ),
            ({"until": "2026-02-14"}, Q(booked_at__lt=day)),
        ):
            wanted = self.sql(kept)
            assert wanted
            shown = browser.get(URL, query).context["sums"]
            assert {(line["currency"], line["on_balance"]): line["total"] for line in shown} == wanted, query
            for line in shown:
                for name in ("count", "came", "went", "total"):
                    assert sum(kind[name] for kind in line["kinds"]) == line[name]
            by_kind = browser.get(URL, query | {"by_kind": "1"})
            assert b'name="by_kind" value="1" form="filters"' in by_kind.content  # kept while one filters on
            table = list(by_kind.context["sum_table"].data)
            assert table == [kind for line in shown for kind in line["kinds"]], query
            answer = b"".join(browser.get(URL, {**query, "export": "csv"})).decode()
            assert self.of_file(list(csv.DictReader(io.StringIO(answer)))) == wanted, query
            answer = b"".join(browser.get(URL, {**query, "export": "xlsx"}))
            assert self.of_file(sheets.read(answer).texts()) == wanted, query

    @pytest.mark.parametrize("zone", ("UTC", "Asia/Kathmandu", "America/St_Johns"))
    def test_what_postgresql_writes_is_what_python_would(self, zone: str, many: Any, accounts: Any) -> None:
        for number, label in enumerate(
            ("=1", "+1", "-1", "-1.5", "-1e5", "@a", "＝x", "\tq", "a\nb\r", '"', "-", "x,y")
        ):
            rows.movement(
                accounts[0], "1", label=label, reference=rows.reference(accounts[0]) if number else None
            )
        table = MovementTable(())
        with timezone.override(zone):
            columns = table.export_columns()
            assert all(column.copied is not None for column in columns)
            queryset = Movement.objects.select_related("account", "reference").order_by("-booked_at", "-id")
            bare = [ExportColumn(column.header, column.value) for column in columns]
            quick, plain = (
                list(csv.reader(io.StringIO(b"".join(made.streaming_content).decode(), newline="")))
                for made in (
                    stream_csv(name="a", columns=columns, rows=queryset),
                    stream_csv(name="a", columns=bare, rows=queryset),
                )
            )
        assert len(plain) == Movement.objects.count() + 1
        assert quick == plain
        assert f"Booked ({zone})" in quick[0]
        with connection.cursor() as cursor:
            cursor.execute("SHOW TimeZone")
            assert cursor.fetchone() == ("UTC",)


class TestFiles:
    def test_references_are_texts_and_amounts_numbers_where_exact(self, accounts: Any) -> None:
        reference = rows.reference(accounts[0])
        rows.movement(accounts[0], "12.5", reference=reference, label='=HYPERLINK("http://x")')
        answer = rows.browser("finance").get(URL, {"reference": reference.value, "export": "xlsx"})
        assert answer["Content-Type"].startswith("application/vnd.openxmlformats")
        sheet = sheets.read(b"".join(answer))
        assert sheet.kinds("Reference") == ["s"]
        assert sheet.kinds("Amount") == sheet.kinds("Booked (UTC)") == ["n"]
        (line,) = sheet.texts()
        assert (line["Reference"], line["Amount"]) == (reference.value, "12.5")
        assert line["What"].startswith("'=HYPERLINK")
        answer = rows.browser("finance").get(URL, {"export": "xlsx"})
        assert set(sheets.read(b"".join(answer)).kinds("Amount")) == {
            "n",
            "s",
        }  # 10.000000000000000001 is no double

    @pytest.mark.parametrize("form", ("csv", "xlsx"))
    @pytest.mark.parametrize("role", ("viewer", "operator", "admin"))
    def test_they_are_for_approvers_and_finance(self, form: str, role: str, accounts: Any) -> None:
        assert rows.browser(role).get(URL, {"export": form}).status_code == 403
        assert not AuditEntry.objects.filter(verb="export.made").exists()

    @pytest.mark.parametrize("form", ("csv", "xlsx"))
    def test_the_audit_trail_tells_who_took_what(self, form: str, accounts: Any) -> None:
        person = factories.person("finance")
        b"".join(rows.browser_of(person).get(URL, {"export": form, "currency": "EUR"}))
        told = AuditEntry.objects.get(verb="export.made")
        assert told.actor == person
        assert told.facts == {
            "list": "movement",
            "format": form,
            "filters": {"currency": "EUR"},
            "rows": 2,
            "zone": "UTC",
        }

    def test_more_than_a_sheet_holds_is_refused_with_the_way_out(
        self, accounts: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr("backoffice.kit.spreadsheets.MAX_ROWS", 5)
        answer = rows.browser("finance").get(URL, {"export": "xlsx", "on_balance": "1"})
        assert sheets.read(b"".join(answer)).texts()
        answer = rows.browser("finance").get(URL, {"export": "xlsx"}, follow=True)
        assert answer.redirect_chain == [(f"{URL}", 302)]
        assert "A spreadsheet holds 5 rows." in answer.content.decode()


class TestReference:
    def test_it_is_for_people_with_a_role(self, accounts: Any) -> None:
        reference = rows.reference(accounts[0])
        assert rows.browser_of(factories.person()).get(reference.get_absolute_url()).status_code == 403
        assert rows.browser("viewer").get("/references/999999/").status_code == 404
