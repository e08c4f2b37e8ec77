"""Fixtures of the pages of vouchers: an account of nobody's provider, and people."""

from __future__ import annotations

from typing import Any

import pytest

from codes.models import Voucher
from payments.models import ProviderAccount
from tests import factories
from tests.codes import rows
from tests.payments.rows import HOST


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({HOST})


@pytest.fixture
def main() -> ProviderAccount:
    return rows.account()


@pytest.fixture
def operator() -> Any:
    return factories.person("operator", name="olga")


@pytest.fixture
def asked(main: ProviderAccount, operator: Any) -> Voucher:
    """10 USDT with a password that was made here; nobody has approved it."""
    fields = {
        "_customer_reference": "ACME",
        "_note": "Refund of 1042",
        "desc": "Gift",
        "_make_password": True,
    }
    return factories.vouchers(main, actor=operator, **fields)[0]


@pytest.fixture
def active(asked: Voucher) -> Voucher:
    return rows.made(asked)
