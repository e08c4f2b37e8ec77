"""Fixtures of codes: those of payments, and an account that may make vouchers."""

from __future__ import annotations

from typing import Any

import pytest

from payments.models import ProviderAccount
from payments.services import balances
from tests.payments.conftest import (  # noqa: F401 (fixtures are found by their names here)
    account,
    box,
    invariants,
    no_network_in_a_transaction,
    people,
    running_box,
)


@pytest.fixture
def issuing(account: Any) -> ProviderAccount:  # noqa: F811
    """An account that may pay out, with balances."""
    ProviderAccount.objects.filter(pk=account.pk).update(money_out=True)
    balances.refresh(account_id=account.pk)
    account.refresh_from_db()
    return account
