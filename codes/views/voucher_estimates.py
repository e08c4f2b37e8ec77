"""What vouchers would take from a balance, before they are requested: shown beside the form while it is filled in.

The figures come from the services that later decide by them. Reads; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from codes.services import voucher_fields
from payments.models import ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers
from payments.services import methods
from payments.services.reservations import Funds


def able(
    why_not: Callable[[ProviderAccount], str],
) -> tuple[list[ProviderAccount], list[tuple[ProviderAccount, str]]]:
    """The accounts at providers with vouchers for which nothing stands against it, and the others with the reason."""
    found = ProviderAccount.objects.filter(provider__in=offering(Vouchers)).select_related("health")
    judged = [(account, why_not(account)) for account in found.order_by("name")]
    return [one for one, why in judged if not why], [(one, why) for one, why in judged if why]


def why_not_issue(account: ProviderAccount) -> str:
    """Why no voucher can be requested from this account now, as a sentence; "" if one can."""
    if refusal := voucher_fields.may_issue(account):
        return refusal
    if not account.balances.filter(stated__isnull=False).exists():
        return _("No balance of this account is known yet.")
    return ""


@dataclass(frozen=True)
class Estimate:
    """What the form says now. None: not typed yet, or not to be read.

    `problem`: what is wrong with what was typed. `is_free`: it would need no second person.
    """

    amount: Decimal | None = None
    count: int | None = None
    funds: Funds | None = None
    is_free: bool = False
    problem: str = ""

    @property
    def total(self) -> Decimal | None:
        return None if self.amount is None or self.count is None else self.amount * self.count

    @property
    def after(self) -> Decimal | None:
        return None if self.funds is None or self.total is None else self.funds.available - self.total

    @property
    def is_short(self) -> bool:
        """An approval would be refused now."""
        return self.after is not None and self.after < 0


def estimate(account: ProviderAccount, known: Mapping[str, Funds], typed: Mapping[str, Any]) -> Estimate:
    """What is typed so far would take, under the provider's parameter names and `count`."""
    chosen = known.get(str(typed.get("currency") or ""))
    if chosen is None:
        return Estimate()
    amount, problem = methods.read_typed(typed, "amount", chosen.currency)
    text = str(typed.get("count") or "").strip()
    count = int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else 0
    if text and not 1 <= count <= voucher_fields.MOST:
        problem = problem or _("Between 1 and %(most)s vouchers can be requested at once.") % {
            "most": voucher_fields.MOST
        }
    found = Estimate(amount=amount, count=count or None, funds=chosen, problem=problem)
    if found.total is None or problem:
        return found
    free = voucher_fields.is_free(account=account, currency=chosen.currency, total=found.total)
    return Estimate(amount=amount, count=count, funds=chosen, is_free=free)
