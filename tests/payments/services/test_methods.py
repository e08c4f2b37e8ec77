"""Currencies: how many decimals an amount is shown with."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from backoffice.kit import html
from payments.models import Currency
from payments.services import methods
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    methods._forget_places()
    yield
    methods._forget_places()


class TestPlaces:
    @pytest.mark.parametrize(
        ("code", "digits", "is_fiat", "shown"),
        [
            ("JPY", 0, True, "1,500"),
            ("EUR", 2, True, "1,500.00"),
            ("KWD", 3, True, "1,500.000"),
            ("BTC", 8, False, "1,500.00000000"),
            ("ETH", 18, False, "1,500.00000000"),
            ("USDT", 6, False, "1,500.00"),
            ("POINTS", 0, False, "1,500"),
        ],
    )
    def test_they_follow_the_currency(self, code: str, digits: int, is_fiat: bool, shown: str) -> None:
        Currency.objects.create(code=code, title=code, digits=digits, is_fiat=is_fiat)
        assert html.amount_text(Decimal(1500), code) == shown

    def test_a_code_that_nobody_knows_has_two_and_no_digit_is_ever_cut(self) -> None:
        Currency.objects.create(code="JPY", title="Yen", digits=0, is_fiat=True)
        assert html.amount_text(Decimal("1"), "XYZ") == "1.00"
        assert html.amount_text(Decimal("1.000000000000000001"), "XYZ") == "1.000000000000000001"
        assert html.amount_text(Decimal("1.5"), "JPY") == "1.5"

    def test_the_table_is_read_once(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            for code in ("BTC", "EUR", "BTC", "XYZ"):
                methods.places(code)

    def test_a_change_counts_at_once(self, django_capture_on_commit_callbacks: Any) -> None:
        currency = Currency.objects.create(code="ISK", title="Krona", digits=2, is_fiat=True)
        assert methods.places("ISK") == 2
        currency.digits = 0
        with django_capture_on_commit_callbacks(execute=True):
            methods.save_currency(actor=factories.person("admin"), currency=currency)
        assert methods.places("ISK") == 0
