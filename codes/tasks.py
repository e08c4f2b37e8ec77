"""What workers do for vouchers: load an id, call a service. Holds no rule; a failed task is found again by the sweep."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.core.cache import cache

from payments.providers.errors import ProviderError

log = structlog.get_logger(__name__)


@shared_task(name="codes.submit_voucher")
def submit_voucher(voucher_id: int) -> None:
    from codes.services import vouchers

    vouchers.submit(voucher_id=voucher_id)


@shared_task(name="codes.refresh_voucher")
def refresh_voucher(voucher_id: int) -> None:
    from codes.services import vouchers

    try:
        vouchers.refresh(voucher_id=voucher_id, priority="read")
    except ProviderError as error:
        log.info("refresh.not_answered", voucher=voucher_id, error=type(error).__name__)


@shared_task(name="codes.sync_accounts")
def sync_accounts() -> None:
    """One message per account whose list is old, so that a slow account delays no other."""
    from codes.services import listings

    for account_id in listings.stale_accounts():
        sync_account.apply_async((account_id,), expires=30)


@shared_task(name="codes.sync_account")
def sync_account(account_id: int) -> None:
    from codes.services import listings

    # One reader per account at a time; the lock is only thrift, every line is applied under its row's lock.
    if cache.add(f"codes:{account_id}", 1, timeout=120):
        try:
            listings.sync(account_id=account_id)
        except ProviderError as error:
            log.info("codes.not_answered", account=account_id, error=type(error).__name__)
        finally:
            cache.delete(f"codes:{account_id}")
