"""The lean table: what cells show, what files hold, what it costs beside django-tables2's own drawing."""

from __future__ import annotations

import datetime as dt
import re
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import django_tables2
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template
from django.test import RequestFactory
from django.utils import timezone

from backoffice.kit import html
from backoffice.kit.exports import cell
from backoffice.kit.tables import (
    BaseTable,
    Column,
    HtmlColumn,
    LinkColumn,
    MoneyColumn,
    StatusColumn,
    WhenColumn,
)
from payments.models import Invoice, ProviderAccount, Reference

AT = dt.datetime(2026, 11, 20, 22, 30, 15, tzinfo=dt.UTC)


class BillTable(BaseTable):
    caption = "Bills"

    number = LinkColumn("Number", accessor="reference__value", css="mono")
    created_at = WhenColumn("Created", orderable=True, initial_sort_descending=True)
    account = Column("Account", accessor="account__name", hide_below="md")
    customer = Column("Customer")
    status = StatusColumn("Status")
    amount = MoneyColumn("Amount", orderable=True)
    fee_payer = Column("Fee")
    mark = HtmlColumn("")

    class Meta:
        model = Invoice
        fields = ()

    def render_mark(self, record: Invoice) -> str:
        return f"<{record.customer}>"

    def row_class(self, record: Invoice) -> str:
        return "row-warn" if record.status == "unknown" else ""


def bill(number: int = 1, **values: Any) -> Invoice:
    account = ProviderAccount(name="Main", provider="bitloga")
    return Invoice(
        **{
            "pk": number,
            "reference": Reference(pk=number, value=f"{number:018}", account=account),
            "account": account,
            "status": "paid",
            "amount": Decimal("1250.5"),
            "currency": "USDT",
            "customer": "Ada <b>",
            "created_at": AT,
            **values,
        }
    )


def drawn(table: Any, query: str = "") -> str:
    request = RequestFactory().get(f"/bills/{query}")
    request.user = AnonymousUser()
    return get_template("partials/table.html").render({"table": table, "request": request}, request)


def cells(table: BaseTable) -> list[str]:
    return re.findall("<td[^>]*>(.*?)</td>", table.body, re.DOTALL)


class TestCells:
    def test_each_column_draws_its_own_kind(self) -> None:
        with timezone.override("Asia/Tokyo"):
            number, created, account, customer, status, amount, fee, mark = cells(BillTable([bill()]))
        assert number == f'<a class="" href="/invoices/1/">{1:018}</a>'
        assert ">2026-11-21 07:30<" in created
        assert (account, customer, fee, mark) == ("Main", "Ada &lt;b&gt;", "payer", "&lt;Ada &lt;b&gt;&gt;")
        assert status == '<span class="pill pill-ok">Paid</span>'
        assert amount == html.money(Decimal("1250.5"), "USDT")

    def test_the_page_escapes_what_is_not_html(self) -> None:
        page = drawn(BillTable([bill()]))
        assert "Ada &lt;b&gt;" in page
        assert "<b>" not in page

    def test_what_is_empty_is_a_dash(self) -> None:
        row = cells(BillTable([bill(customer="", amount=None)]))
        assert row[3] == html.EMPTY
        assert row[5] == html.EMPTY

    def test_rows_are_marked_and_cells_named_for_phones(self) -> None:
        page = drawn(BillTable([bill(status="unknown")]))
        assert '<tr class="row-warn">' in page
        assert '<td class="d-none d-md-table-cell" data-label="Account">Main</td>' in page
        assert '<span class="pill pill-warn">Unknown</span>' in page

    def test_dicts_can_be_rows(self) -> None:
        class Sums(BaseTable):
            currency = Column("Currency")
            total = MoneyColumn("Sum", currency="currency")

            def render_total(self, value: Decimal, record: dict[str, Any]) -> str:
                return html.money(value, record["currency"])

        assert cells(Sums([{"currency": "EUR", "total": Decimal(2)}])) == [
            "EUR",
            html.money(Decimal(2), "EUR"),
        ]

    def test_a_render_method_that_asks_for_a_bound_row_is_refused(self) -> None:
        class Old(BillTable):
            def render_customer(self, bound_row: Any) -> str:
                return ""

        with pytest.raises(ImproperlyConfigured, match=r"Old\.customer"):
            cells(Old([bill()]))

    def test_a_misspelled_column_is_not_hidden(self) -> None:
        class Wrong(BaseTable):
            custommer = Column("Customer")

            class Meta:
                model = Invoice
                fields = ()

        with pytest.raises(AttributeError):
            cells(Wrong([bill()]))


class TestHeads:
    def test_without_sorting_no_head_is_a_link(self) -> None:
        page = drawn(BillTable([bill()]))
        assert "aria-sort" not in page
        assert "sort=" not in page

    def test_the_sorted_column_says_so_and_turns_around(self) -> None:
        heads = {head.label: head for head in BillTable([], sorted_by="-created_at").heads()}
        assert (heads["Created"].sorted, heads["Created"].sort) == ("descending", "created_at")
        assert (heads["Amount"].sorted, heads["Amount"].sort) == ("", "amount")
        assert heads["Customer"].sort == ""
        heads = {head.label: head for head in BillTable([], sorted_by="amount").heads()}
        assert (heads["Amount"].sorted, heads["Amount"].sort) == ("ascending", "-amount")
        assert heads["Created"].sort == "-created_at"

    def test_links_keep_the_filters_and_leave_the_page(self) -> None:
        asked = RequestFactory().get("/bills/?status=paid&after=x&customer=%22%3E%3Cb%3E")
        page = drawn(BillTable([bill()], sorted_by="-created_at", request=asked))
        assert 'href="?status=paid&amp;customer=%22%3E%3Cb%3E&amp;sort=amount"' in page
        assert 'aria-sort="descending"' in page


class TestFiles:
    def test_a_file_has_raw_values_and_a_column_per_currency(self) -> None:
        with timezone.override("Asia/Tokyo"):
            columns = BillTable([]).export_columns()
            assert [column.header for column in columns] == [
                *("Number", "Created (Asia/Tokyo)", "Account", "Customer", "Status"),
                *("Amount", "Amount: currency", "Fee"),
            ]
            texts = [cell(column.value(bill()), timezone.get_current_timezone()) for column in columns]
        assert texts == [
            *(f"{1:018}", "2026-11-21T07:30:15+09:00", "Main", "Ada <b>", "paid"),
            *("1250.5", "USDT", "payer"),
        ]

    def test_a_table_may_say_what_a_file_holds(self) -> None:
        class Own(BillTable):
            def export_customer(self, value: str, record: Invoice) -> str:
                return f"{value}/{record.status}"

            def export_mark(self, record: Invoice) -> str:
                return record.currency

        values = {column.header: column.value(bill()) for column in Own([]).export_columns()}
        assert values["Customer"] == "Ada <b>/paid"
        assert values[""] == "USDT"

    def test_a_column_may_stay_out(self) -> None:
        class Short(BillTable):
            customer = Column("Customer", exclude_from_export=True)

        assert "Customer" not in [column.header for column in Short([]).export_columns()]


class TestCost:
    def test_fifty_rows_take_at_most_half_of_the_default_drawing(self) -> None:
        class Default(django_tables2.Table):
            number = django_tables2.Column(
                linkify=lambda record: record.get_absolute_url(), accessor="reference__value"
            )

            class Meta:
                model = Invoice
                fields = (
                    *("number", "created_at", "account__name", "customer"),
                    *("status", "amount", "fee_payer", "currency"),
                )

        class Lean(BillTable):
            currency = Column("Currency")

            class Meta:
                model = Invoice
                fields = ()
                exclude = ("mark",)

        rows = [bill(number) for number in range(1, 51)]
        request = RequestFactory().get("/bills/")
        request.user = AnonymousUser()

        def default() -> str:
            page = get_template("django_tables2/bootstrap5.html")
            return page.render({"table": Default(rows), "request": request}, request)

        def lean() -> str:
            return drawn(Lean(rows, sorted_by="-created_at"))

        assert default().count("<td") == lean().count("<td") == 400
        spent: dict[Callable[[], str], list[float]] = {default: [], lean: []}
        for _ in range(7):
            for draw, seconds in spent.items():
                began = time.process_time()
                draw()
                seconds.append(time.process_time() - began)
        assert statistics.median(spent[lean]) <= 0.5 * statistics.median(spent[default])


class TestChosen:
    def heads(self, **options: Any) -> list[str]:
        return [str(head.label) for head in BillTable([bill()], **options).heads()]

    def test_columns_are_shown_in_the_chosen_order(self) -> None:
        assert self.heads(chosen=["status", "number", "nonsense", "status"]) == ["Status", "Number"]
        assert len(self.heads(chosen=["nonsense"])) == len(self.heads()) == 8

    def test_who_chose_a_column_sees_it_on_every_screen(self) -> None:
        assert "d-none" in drawn(BillTable([bill()]))
        assert "d-none" not in drawn(BillTable([bill()], chosen=["account"]))
        assert "d-none" in drawn(BillTable([bill()]))  # the class itself is not changed

    def test_what_is_never_on_the_page_cannot_be_chosen(self) -> None:
        class Hidden(BillTable):
            extra = Column("Only in files", css="d-none", accessor="customer")

        assert "extra" not in Hidden.choosable()
        assert list(BillTable.choosable())[:3] == ["number", "created_at", "account"]

    def test_a_tick_stands_first_and_in_no_file(self) -> None:
        table = BillTable([bill(1), bill(2)], pick=lambda record: "tick" if record.pk == 1 else "")
        assert cells(table)[0] == "tick"
        assert self.heads(pick=str)[0] == "Choose"
        assert "Choose" not in [column.header for column in table.export_columns()]
