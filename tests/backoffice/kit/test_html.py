"""Small pieces of HTML: exact amounts, times in two zones, and nothing from outside that is not escaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from backoffice.kit import html
from tests.every import every
from tests.source import PRODUCT, modules

NASTY = "<script>alert(1)</script>\"'&"
amounts = st.decimals(min_value=-(10**17), max_value=10**17, places=18, allow_nan=False)


@pytest.fixture
def yen() -> Iterator[None]:
    before = html._places
    html.places_by(lambda currency: {"JPY": 0, "BTC": 8}.get(currency, 2))
    yield
    html.places_by(before)


class TestAmountText:
    @every(
        ("amount", "text"),
        [
            ("0", "0.00"),
            ("1234567.5", "1,234,567.50"),
            ("-1000", "-1,000.00"),
            ("-999.999", "-999.999"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("1E+6", "1,000,000.00"),
            ("12.5000", "12.50"),
        ],
    )
    def test_is_grouped_padded_and_never_cut(self, amount: str, text: str) -> None:
        assert html.amount_text(Decimal(amount)) == text

    @given(amounts)
    def test_is_exact(self, amount: Decimal) -> None:
        assert Decimal(html.amount_text(amount).replace(",", "")) == amount

    def test_follows_the_language(self) -> None:
        with translation.override("de"):
            assert html.amount_text(Decimal("-1234567.5")) == "-1.234.567,50"

    @pytest.mark.usefixtures("yen")
    def test_pads_to_the_currencys_decimals(self) -> None:
        shown = [html.amount_text(Decimal("1.5"), c) for c in ("JPY", "BTC", "EUR")]
        assert shown == ["1.5", "1.50000000", "1.50"]
        assert html.amount_text(Decimal(5), "JPY") == "5"


class TestPieces:
    def test_money_has_its_currency_behind_it(self) -> None:
        assert html.money(Decimal("12.5"), "EUR") == (
            '<span class="money">12.50 <span class="currency">EUR</span></span>'
        )
        assert html.money(None, "EUR") == html.EMPTY

    def test_signed_money_shows_what_came_in(self) -> None:
        assert "money-in" in html.money(Decimal(1), "EUR", signed=True)
        assert ">+1.00 " in html.money(Decimal(1), "EUR", signed=True)
        assert "money-in" not in html.money(Decimal(-1), "EUR", signed=True)
        assert "+" not in html.money(Decimal(0), "EUR", signed=True)

    def test_a_time_is_shown_in_the_persons_zone_and_said_in_utc(self) -> None:
        moment = dt.datetime(2026, 7, 1, 22, 30, 5, tzinfo=dt.UTC)
        with timezone.override("Asia/Tokyo"):
            title = "2026-07-01 22:30:05 UTC"
            assert html.when(moment) == (
                f'<time datetime="2026-07-01T22:30:05Z" title="{title}">2026-07-02 07:30</time>'
            )
            assert ">2026-07-02 07:30:05<" in html.when(moment, seconds=True)
        assert html.when(None) == html.EMPTY

    def test_an_unknown_tone_is_muted(self) -> None:
        assert html.pill("x", "loud") == '<span class="pill pill-muted">x</span>'

    @every(
        "piece",
        [
            html.pill(NASTY, "ok"),
            html.pill("x", f'ok" {NASTY}'),
            html.link("/x/", NASTY, NASTY),
            html.outside_link(f"https://example.org/{NASTY}"),
            html.outside_link(f"javascript:{NASTY}"),
            html.outside_link("https://example.org/", NASTY),
            html.copy_button(NASTY, NASTY),
            html.copyable(NASTY, NASTY),
            html.qr(NASTY, NASTY),
            html.class_attr(NASTY),
            html.fact(NASTY, "x"),
            html.panel(NASTY, "x", note=NASTY, css=NASTY),
            html.folded_facts(NASTY, [(NASTY, NASTY)]),
        ],
    )
    def test_what_comes_from_outside_is_escaped(self, piece: str) -> None:
        assert "<script" not in piece
        assert "\"'&" not in piece

    def test_a_currency_from_outside_is_escaped(self) -> None:
        assert "<script" not in html.money(Decimal(1), NASTY)

    def test_only_web_addresses_become_links(self) -> None:
        assert "<a" not in html.outside_link("javascript:alert(1)")
        assert "<a" not in html.outside_link("//example.org")
        assert 'rel="noopener noreferrer"' in html.outside_link("https://example.org/")

    def test_a_qr_code_needs_no_style(self) -> None:
        code = html.qr("bitcoin:abc?amount=0.5", "Pay")
        assert "style" not in code
        assert 'role="img" aria-label="Pay"' in code

    def test_an_empty_fact_is_a_dash(self) -> None:
        assert html.fact("Amount", "  \n ") == f"<div><dt>Amount</dt><dd>{html.EMPTY}</dd></div>"


def test_text_is_marked_safe_in_one_module_only() -> None:
    """Elsewhere HTML is joined by format_html, which escapes."""
    others = [
        module.name
        for module in modules(*PRODUCT)
        if module.name != "backoffice.kit.html"
        and ("mark_safe" in module.text or "SafeString(" in module.text)
    ]
    assert others == []
