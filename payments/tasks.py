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


@shared_task(name="payments.submit_bid")
def submit_bid(bid_id: int) -> None:
    from payments.services import bids

    bids.submit(bid_id=bid_id)


@shared_task(name="payments.refresh_bid")
def refresh_bid(bid_id: int) -> None:
    from payments.services import bids

    try:
        bids.refresh(bid_id=bid_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", bid=bid_id, error=type(error).__name__)


@shared_task(name="payments.submit_bid_act")
def submit_bid_act(act_id: int) -> None:
    from payments.services import bid_acts

    bid_acts.submit(act_id=act_id)


@shared_task(name="payments.run_bid_acts")
def run_bid_acts() -> None:
    from payments.services import bid_acts

    bid_acts.run_due()


@shared_task(name="payments.import_bids")
def import_bids(account_id: int) -> None:
    from payments.services import bid_imports

    try:
        bid_imports.run(account_id=account_id)
    except ProviderError as error:
        log.info("import.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.run_bid_imports")
def run_bid_imports() -> None:
    from payments.services import bid_imports

    for account_id in bid_imports.due():
        import_bids.apply_async((account_id,), queue="polling", expires=60)


@shared_task(name="payments.refresh_direction")
def refresh_direction(direction_id: int) -> None:
    from payments.services import directions

    try:
        directions.refresh(direction_id=direction_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", direction=direction_id, error=type(error).__name__)


@shared_task(name="payments.refresh_direction_list")
def refresh_direction_list(account_id: int) -> None:
    from payments.services import directions

    try:
        directions.refresh_list(account_id=account_id, priority="read")
        directions.refresh_due(account_id=account_id)
    except ProviderError as error:
        log.info("refresh.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.poll_directions")
def poll_directions(account_id: int) -> None:
    from payments.services import directions

    try:
        directions.refresh_due(account_id=account_id)
    except ProviderError as error:
        log.info("directions.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.run_directions")
def run_directions() -> None:
    """One message per account whose directions are old, so that a slow exchanger delays no other."""
    from payments.services import directions

    for account_id in directions.due_accounts():
        poll_directions.apply_async((account_id,), queue="polling", expires=60)


@shared_task(name="payments.refresh_partner")
def refresh_partner(account_id: int) -> None:
    from payments.services import partner_programs

    try:
        partner_programs.refresh(account_id=account_id)
    except ProviderError as error:
        log.info("refresh.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.run_partners")
def run_partners() -> None:
    from payments.services import partner_programs

    for account_id in partner_programs.due_accounts():
        refresh_partner.apply_async((account_id,), queue="polling", expires=60)


@shared_task(name="payments.submit_partner_payout")
def submit_partner_payout(partner_payout_id: int) -> None:
    from payments.services import partner

    partner.submit(partner_payout_id=partner_payout_id)


@shared_task(name="payments.refresh_partner_payout")
def refresh_partner_payout(partner_payout_id: int) -> None:
    from payments.services import partner

    try:
        partner.refresh(partner_payout_id=partner_payout_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", payout=partner_payout_id, error=type(error).__name__)


@shared_task(name="payments.submit_batch_payout")
def submit_batch_payout(batch_payout_id: int) -> None:
    from payments.services import batch_payouts

    batch_payouts.submit(batch_payout_id=batch_payout_id)


@shared_task(name="payments.refresh_batch_payout")
def refresh_batch_payout(batch_payout_id: int) -> None:
    from payments.services import batch_payouts

    try:
        batch_payouts.refresh(batch_payout_id=batch_payout_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", batch_payout=batch_payout_id, error=type(error).__name__)


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


@shared_task(name="payments.scan_service")
def scan_service(account_id: int) -> None:
    from payments.services import service_states

    try:
        service_states.refresh(account_id=account_id)
    except ProviderError as error:
        log.info("service.not_answered", account=account_id, error=type(error).__name__)


@shared_task(name="payments.scan_services")
def scan_services() -> None:
    from payments.services import service_states

    for account_id in service_states.due_accounts():
        scan_service.apply_async((account_id,), queue="polling", expires=50)


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
