"""Payment methods that a provider lists itself: limits, fees and what is open, kept with their age. Facts floor.

Whether a method is used at all and what its tag is called stay an admin's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_UP, Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from payments.models import Currency, ExceptionItem, Method, ProviderAccount
from payments.providers import PROVIDERS, offering
from payments.providers.errors import NotSupported
from payments.providers.wallets import BadRow, PaymentMethod, PaymentMethods

from . import bad_rows, calls, exceptions, methods

REFRESH_EVERY = dt.timedelta(minutes=15)
#: Networks that tell their customers apart by a tag, and the provider's name for it. An admin may say otherwise.
TAGGED = {
    **dict.fromkeys(("xrp", "ripple"), "destination_tag"),
    **dict.fromkeys(("xlm", "stellar", "eos", "atom", "cosmos", "hbar", "hedera", "bep2"), "memo"),
}
#: Networks where a tag may be needed, depending on the payee.
MAY_TAG = {"ton": "memo", "xmr": "payment_id", "monero": "payment_id"}
STATED = (
    *("for_invoice", "for_withdrawal", "for_wallet", "is_fiat", "is_card", "min_amount", "max_amount"),
    *("fee_fixed", "fee_rate", "fee_currency", "min_deposit", "max_deposit"),
    *("deposit_fee_fixed", "deposit_fee_rate"),
)
_LONGEST_CODE, _LONGEST_TICKER = 64, 16


def states_methods(account: ProviderAccount) -> bool:
    """Whether the provider lists its payment methods itself."""
    return issubclass(PROVIDERS[account.provider], PaymentMethods)


def refresh(*, account_id: int, priority: str = "poll") -> list[Method]:
    """Ask for the list and keep it. Raises ProviderError as it is; what was known stays then."""
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority=priority)
    if not isinstance(client, PaymentMethods):
        raise NotSupported("payment methods")
    asked_at = timezone.now()
    bad: list[BadRow] = []
    found = client.payment_methods(bad=bad)
    bad_rows.tell(account, bad, "payment-methods")
    return keep(account=account, found=found, asked_at=asked_at)


@guarded("payments.manage_method")
def ask_now(*, actor: Any, account: ProviderAccount) -> None:
    """Let a worker read the list now."""
    with transaction.atomic():
        audit.record(actor, "method.refreshed", account)
    wake.later("payments.refresh_methods", account.pk)


@transaction.atomic
def keep(*, account: ProviderAccount, found: Iterable[PaymentMethod], asked_at: dt.datetime) -> list[Method]:
    """Store one answer. What is not listed any more is closed; an older answer never overwrites a newer one."""
    ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
    known = {method.code: method for method in account.methods.all()}
    kept: dict[str, Method] = {}
    for one in found:
        if (why := _unusable(one)) or one.code in kept:
            _bad(account, one, why or _("it stands there twice"))
            continue
        method = known.get(one.code) or _new(account, one)
        kept[one.code] = method
        if method.stated_at is None or method.stated_at < asked_at:
            _apply(method, _values(one), asked_at)
    for code, method in known.items():
        if code not in kept and method.stated_at is not None and method.stated_at < asked_at:
            _apply(method, {"for_invoice": False, "for_withdrawal": False, "for_wallet": False})
    return list(kept.values())


def _unusable(one: PaymentMethod) -> str:
    if len(one.code) > _LONGEST_CODE or len(one.ticker) > _LONGEST_TICKER:
        return _("its name is too long")
    parts = [
        number
        for terms in (one.deposit, one.withdrawal)
        for number in (terms.smallest, terms.largest, terms.fee_fixed, terms.fee_rate)
    ]
    if any(number is not None and number < 0 for number in parts):
        return _("it has a limit or fee below zero")
    if any(terms.fee_rate is not None and terms.fee_rate > 1 for terms in (one.deposit, one.withdrawal)):
        return _("its fee rate makes no sense")
    return ""


def _bad(account: ProviderAccount, one: PaymentMethod, why: str) -> None:
    exceptions.open_item(
        kind=ExceptionItem.Kind.BAD_ROW,
        key=f"{account.pk}:payment-methods:{one.code[:60]}",
        title=_("%(account)s: the payment method %(code)s cannot be used: %(why)s.")
        % {"account": account, "code": one.code[:80], "why": why},
        account=account,
    )


def _new(account: ProviderAccount, one: PaymentMethod) -> Method:
    network = one.network.lower()
    Currency.objects.get_or_create(code=one.ticker, defaults=_currency(one))
    return Method(
        account=account,
        code=one.code,
        title=one.network,
        currency=one.ticker,
        network=one.network,
        internal_balance=True,  # whatever comes in comes to our balance there
        needs_purse=False,
        needs_tag=network in TAGGED and not one.is_fiat,
        tag_name="" if one.is_fiat else TAGGED.get(network) or MAY_TAG.get(network, ""),
    )


def _currency(one: PaymentMethod) -> dict[str, Any]:
    if one.ticker in methods.KNOWN_CURRENCIES:
        title, digits, is_fiat = methods.KNOWN_CURRENCIES[one.ticker]
        return {"title": title, "digits": digits, "is_fiat": is_fiat}
    return {
        "title": one.ticker,
        "digits": 2 if one.is_fiat else methods.DEFAULT_DIGITS,
        "is_fiat": one.is_fiat,
    }


def _values(one: PaymentMethod) -> dict[str, Any]:
    """What an answer says of a method, in our columns."""
    fee_currency = one.withdrawal.fee_currency
    return {
        "for_invoice": one.is_fiat and one.deposit.enabled,
        "for_wallet": not one.is_fiat and one.deposit.enabled,
        "for_withdrawal": one.withdrawal.enabled,
        "is_fiat": one.is_fiat,
        "is_card": one.is_fiat,
        "min_amount": one.withdrawal.smallest,
        # A largest of zero can only mean that there is none.
        "max_amount": one.withdrawal.largest or None,
        "fee_fixed": one.withdrawal.fee_fixed,
        "fee_rate": _rate(one.withdrawal.fee_rate),
        "fee_currency": "" if fee_currency == one.ticker else fee_currency[:_LONGEST_TICKER],
        "min_deposit": one.deposit.smallest,
        "max_deposit": one.deposit.largest or None,
        "deposit_fee_fixed": one.deposit.fee_fixed,
        "deposit_fee_rate": _rate(one.deposit.fee_rate),
    }


def _rate(rate: Decimal | None) -> Decimal | None:
    """To the six digits that are kept, away from zero: never less than was said."""
    return None if rate is None else rate.quantize(Decimal("0.000001"), rounding=ROUND_UP)


def _apply(method: Method, values: dict[str, Any], asked_at: dt.datetime | None = None) -> None:
    """Write what has changed, and tell it in the audit trail."""
    is_new = method.pk is None
    changed = {
        name: [_plain(getattr(method, name)), _plain(value)]
        for name, value in values.items()
        if getattr(method, name) != value
    }
    for name, value in values.items():
        setattr(method, name, value)
    if asked_at is not None:
        method.stated_at = asked_at
    method.save()
    if is_new or changed:
        audit.record(
            None,
            "method.added" if is_new else "method.changed",
            method.account,
            way=audit.Way.POLL,
            method=method.code,
            changed={} if is_new else changed,
        )


def _plain(value: Any) -> str:
    return money.plain(value) if isinstance(value, Decimal) else str(value)


# --- The clock ---
def stale_accounts() -> list[int]:
    """Active accounts whose provider lists its methods, and whose list is older than REFRESH_EVERY."""
    recent = Method.objects.filter(stated_at__gt=timezone.now() - REFRESH_EVERY).values("account_id")
    return list(
        ProviderAccount.objects.filter(is_active=True, provider__in=offering(PaymentMethods))
        .exclude(pk__in=recent)
        .exclude(credentials="")
        .values_list("pk", flat=True)
    )
