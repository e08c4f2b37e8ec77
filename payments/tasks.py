"""What workers do: load an id, call a service. Holds no rule; a failed task is found again by the sweep."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import connections

from payments.providers.errors import ProviderError

log = structlog.get_logger(__name__)
INBOX_CHUNK = 100
INBOX_SECONDS = 20.0


@shared_task(name="payments.submit_invoice")
def submit_invoice(invoice_id: int) -> None:
    from payments.services import invoices

    invoices.submit(invoice_id=invoice_id)


@shared_task(name="payments.refresh_invoice")
def refresh_invoice(invoice_id: int) -> None:
    from payments.services import invoices

    try:
        invoices.refresh(invoice_id=invoice_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", invoice=invoice_id, error=type(error).__name__)


@shared_task(name="payments.submit_withdrawal")
def submit_withdrawal(withdrawal_id: int) -> None:
    from payments.services import withdrawals

    withdrawals.submit(withdrawal_id=withdrawal_id)


@shared_task(name="payments.refresh_withdrawal")
def refresh_withdrawal(withdrawal_id: int) -> None:
    from payments.services import withdrawals

    try:
        withdrawals.refresh(withdrawal_id=withdrawal_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", withdrawal=withdrawal_id, error=type(error).__name__)


@shared_task(name="payments.submit_wallet")
def submit_wallet(wallet_id: int) -> None:
    from payments.services import wallets

    wallets.submit(wallet_id=wallet_id)


@shared_task(name="payments.refresh_wallet")
def refresh_wallet(wallet_id: int) -> None:
    from payments.services import wallets

    try:
        wallets.refresh(wallet_id=wallet_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", wallet=wallet_id, error=type(error).__name__)


@shared_task(name="payments.scan_accounts")
def scan_accounts() -> None:
    """One message per account that receives money, so that a slow account delays no other."""
    from payments.services import deposits

    for account_id in deposits.accounts_to_scan():
        scan_deposits.apply_async((account_id,), queue="polling", expires=25)


@shared_task(name="payments.scan_deposits")
def scan_deposits(account_id: int) -> None:
    from backoffice.audit import Way
    from payments.services import deposits, invoice_payments

    # One reader per account at a time; the lock is only thrift.
    if not cache.add(f"deposits:{account_id}", 1, timeout=60):
        return
    try:
        deposits.scan(account_id=account_id)
        invoice_payments.read_payments(account_id=account_id, way=Way.POLL, priority="poll")
    except ProviderError as error:
        log.info("deposits.not_answered", account=account_id, error=type(error).__name__)
    finally:
        cache.delete(f"deposits:{account_id}")


@shared_task(name="payments.refresh_reference")
def refresh_reference(value: str) -> None:
    from payments.services import polling

    try:
        polling.refresh_reference(value=value)
    except ProviderError as error:
        log.info("refresh.not_answered", reference=value, error=type(error).__name__)


@shared_task(name="payments.process_callbacks")
def process_callbacks() -> None:
    """Empty the inbox, with a pool of threads, for at most 20 seconds; the next beat goes on."""
    from payments.services import callbacks

    def one(callback_id: int) -> None:
        try:
            callbacks.process(callback_id=callback_id)
        finally:
            connections.close_all()

    until = time.monotonic() + INBOX_SECONDS
    while time.monotonic() < until and (ids := callbacks.claim(INBOX_CHUNK)):
        with ThreadPoolExecutor(max_workers=min(settings.POLL_THREADS, len(ids))) as pool:
            list(pool.map(one, ids))


@shared_task(name="payments.run_stuck")
def run_stuck() -> None:
    from payments.services import polling

    polling.run_stuck(limit=200)


@shared_task(name="payments.poll_due")
def poll_due() -> None:
    """One message per account that has something due, so that a slow account delays no other."""
    from payments.services import polling

    for account_id in polling.accounts_due():
        poll_account.delay(account_id)


@shared_task(name="payments.poll_account", expires=30)
def poll_account(account_id: int) -> None:
    from payments.services import polling

    # One poller per account at a time; the lock is only thrift, rows are leased anyway.
    if cache.add(f"poll:{account_id}", 1, timeout=60):
        try:
            polling.run_due(limit=200, account_id=account_id, seconds=20)
        finally:
            cache.delete(f"poll:{account_id}")


@shared_task(name="payments.refresh_balance")
def refresh_balance(account_id: int) -> None:
    from payments.services import balances

    try:
        balances.refresh(account_id=account_id)
    except ProviderError as error:
        log.info("balance.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.refresh_balances")
def refresh_balances() -> None:
    from payments.services import balances

    for account_id in balances.stale_accounts():
        refresh_balance.apply_async((account_id,), queue="polling", expires=30)


@shared_task(name="payments.refresh_methods")
def refresh_methods(account_id: int) -> None:
    from payments.services import stated_methods

    try:
        stated_methods.refresh(account_id=account_id)
    except ProviderError as error:
        log.info("methods.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.refresh_all_methods")
def refresh_all_methods() -> None:
    from payments.services import stated_methods

    for account_id in stated_methods.stale_accounts():
        refresh_methods.apply_async((account_id,), queue="polling", expires=50)


@shared_task(name="payments.expire")
def expire() -> None:
    from payments.services import polling

    polling.expire()


@shared_task(name="payments.fold_daily_sums")
def fold_daily_sums() -> None:
    from payments.services import daily_sums

    daily_sums.fold()


@shared_task(name="payments.prune_traffic")
def prune_traffic() -> None:
    from payments.services import callbacks, calls

    callbacks.prune()
    calls.prune()
