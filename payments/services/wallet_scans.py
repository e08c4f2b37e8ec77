"""Looking for wallets in doubt, in the provider's list: ours is the one with our own callback address. Deals floor."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from payments.models import ExceptionItem, Wallet
from payments.providers.errors import ProviderError
from payments.providers.wallets import BadRow, WalletReport

from . import bad_rows, callback_tokens, calls, exceptions, wallet_reports
from .failpoints import hit

MARGIN = dt.timedelta(hours=1)


def look(wallet: Wallet, *, way: str, priority: str) -> Wallet:
    """Read the newest of the list and adopt what is ours. Raises ProviderError when it cannot be read."""
    asked_at = timezone.now()
    try:
        client = calls.client(wallet.account, reference=wallet.reference, priority=priority)
        hit("F12")
        bad: list[BadRow] = []
        listed = client.wallets(wallet.created_at - MARGIN, bad=bad)
    except ProviderError as error:
        wallet_reports.not_answered(wallet_id=wallet.pk, error=error, asked_at=asked_at)
        raise
    bad_rows.tell(wallet.account, bad, "wallets")
    ours = [one for one in listed if callback_tokens.is_own_callback_url(wallet.reference, one.callback_url)]
    if len(ours) == 1:
        return wallet_reports.apply(wallet_id=wallet.pk, report=ours[0], way=way, asked_at=asked_at)
    if ours:
        _unclear(wallet, ours, way, _("The provider's list shows several wallets with our callback address."))
    elif alike := [one for one in listed if not one.callback_url and _could_be(wallet, one)]:
        _unclear(wallet, alike, way, _("The provider's list shows wallets that could be this one."))
    wallet_reports.missed(wallet_id=wallet.pk, asked_at=asked_at, is_whole=not bad)
    wallet.refresh_from_db()
    return wallet


def _could_be(wallet: Wallet, report: WalletReport) -> bool:
    known = Wallet.objects.filter(account=wallet.account, provider_id=report.provider_id[:64]).exists()
    return not known and (report.ticker, report.network) == (wallet.currency, wallet.network)


@transaction.atomic
def _unclear(wallet: Wallet, found: list[WalletReport], way: str, title: str) -> None:
    exceptions.open_item(
        kind=ExceptionItem.Kind.AMBIGUOUS,
        key=f"{wallet.reference.value}:wallet",
        title=title,
        account=wallet.account,
        reference=wallet.reference,
        way=way,
        numbers=", ".join(one.provider_id for one in found[:10]),
    )
