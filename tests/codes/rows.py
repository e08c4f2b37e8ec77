"""Vouchers that pages show, brought to their states by the services, without a provider."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from codes.models import Voucher
from codes.services import creation, redemptions, voucher_reports, voucher_states, vouchers
from payments.models import ProviderAccount
from payments.providers.base import VoucherReport
from tests import factories
from tests.payments import rows

CODE, PASSWORD = "k9wq-x3vn-7pzt-m2rd", "canary-Sesame-4711"


def account(name: str = "Main", **options: Any) -> ProviderAccount:
    """An account that may make and redeem, with 1,000 USDT and 500 EUR."""
    made = rows.account(name, money_out=True, **options)
    rows.balance(made, "USDT", "1000")
    rows.balance(made, "EUR", "500")
    return made


def fresh(voucher: Voucher) -> Voucher:
    return Voucher.objects.select_related("reference", "account", "created_by").get(pk=voucher.pk)


def sending(voucher: Voucher, *, actor: Any = None) -> Voucher:
    """Approved (with all of its request), and a worker has begun to make it."""
    if voucher.status == Voucher.Status.AWAITING_APPROVAL:
        vouchers.approve(actor=actor or factories.person("approver"), voucher=voucher)
    with transaction.atomic():
        locked = voucher_states.lock(voucher.pk)
        voucher_states.move(locked, "creating", way="system", sent_at=timezone.now())
    return fresh(voucher)


def made(voucher: Voucher, code: str = CODE) -> Voucher:
    """The provider has made it."""
    row = sending(voucher)
    report = VoucherReport(code, row.amount, row.currency, "active", raw={})
    voucher_reports.made(voucher_id=row.pk, report=report, way="reply")
    return fresh(row)


def _attempted(row: Voucher, operation: str, minutes: float) -> Voucher:
    at = timezone.now() - dt.timedelta(minutes=minutes)
    rows.call(
        row.account,
        reference=row.reference,
        operation=operation,
        safe=False,
        outcome="OutcomeUnknown",
        started_at=at,
        finished_at=at,
    )
    voucher_states.doubt(
        voucher_id=row.pk, fence=row.fence, status=row.status, error="The line was cut.", way="reply"
    )
    return fresh(row)


def making_in_doubt(voucher: Voucher, *, minutes: float = 30, actor: Any = None) -> Voucher:
    """Its attempt so long ago ended in nothing."""
    return _attempted(sending(voucher, actor=actor), creation.OPERATION, minutes)


def redeeming(account: ProviderAccount, *, actor: Any = None, **typed: Any) -> Voucher:
    """A code that a worker is about to send."""
    given = {"code": CODE, "password": PASSWORD, **typed}
    return fresh(vouchers.redeem(actor=actor or factories.person("operator"), account=account, **given))


def redeeming_in_doubt(
    account: ProviderAccount, *, minutes: float = 30, came: str = "10", **more: Any
) -> Voucher:
    """Sent so long ago without an answer; `came`: what our balance then showed that nothing explains."""
    row = _attempted(redeeming(account, **more), redemptions.OPERATION, minutes)
    Voucher.objects.filter(pk=row.pk).update(
        balances_before={"EUR": "500", "USDT": "1000"},
        balances_before_at=timezone.now() - dt.timedelta(minutes=minutes, seconds=1),
        balances_after={"EUR": "500", "USDT": str(Decimal(1000) + Decimal(came))},
        balances_after_at=timezone.now(),
    )
    looked(row)
    return fresh(row)


def looked(voucher: Voucher) -> None:
    """The provider was asked just now, and answered."""
    now = timezone.now()
    rows.call(
        voucher.account, reference=voucher.reference, operation="balances", started_at=now, finished_at=now
    )


def not_listed(voucher: Voucher) -> Voucher:
    """The provider's list was read just now and does not show it."""
    looked(voucher)
    voucher_reports.not_there(voucher_id=voucher.pk, asked_at=timezone.now())
    return fresh(voucher)
