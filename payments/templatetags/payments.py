"""Template tags of payments: clocks, switches, states of accounts. Each draws; none decides."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from payments.models import Balance, ProviderAccount
from payments.tables import pieces

register = template.Library()


@register.simple_tag
def account_state(account: ProviderAccount) -> SafeString:
    """Whether the provider answers, as a pill."""
    return pieces.account_state(account)


@register.simple_tag
def statement(balance: Balance) -> SafeString:
    """How old a stated balance is."""
    return pieces.statement(balance)


@register.filter
def clock(skew_ms: int | None) -> str:
    """Our clock against the provider's, in words."""
    return pieces.clock(skew_ms)


@register.simple_tag
def switch(on: bool) -> SafeString:
    """On or off, as a pill."""
    return pieces.switch(on)
