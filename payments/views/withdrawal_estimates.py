"""What a withdrawal would cost and reserve, before it is requested: shown beside the form while it is filled in.

The figures come from the services that later decide by them. Reads; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from payments.models import KNOWN, Method, ProviderAccount
from payments.providers import offering
from payments.providers.base import Withdrawals
from payments.services import balances, methods, withdrawal_fields
from payments.services.reservations import Funds


def paying_accounts() -> tuple[list[ProviderAccount], list[tuple[ProviderAccount, str]]]:
    """The accounts that can pay out now, and the others with the reason why not."""
    able: list[ProviderAccount] = []
    unable: list[tuple[ProviderAccount, str]] = []
    found = ProviderAccount.objects.filter(provider__in=offering(Withdrawals)).select_related("health")
    for account in found.order_by("name"):
        if why := why_not(account):
            unable.append((account, why))
        else:
            able.append(account)
    return able, unable


def why_not(account: ProviderAccount) -> str:
    """Why nothing can be requested from this account now, as a sentence; "" if it can."""
    if refusal := withdrawal_fields.may_pay_out(account):
        return refusal
    if not account.methods.filter(enabled=True, for_withdrawal=True).exists():
        return _("No payment system of this account is set up for withdrawals.")
    if not account.balances.filter(KNOWN).exists():
        if balances.is_computed(account):
            return _("No opening balance of this account was entered yet. An admin must do that.")
        return _("No balance of this account is known yet.")
    return ""


# --- What it would cost ---
@dataclass(frozen=True)
class Estimate:
    """What the form says about the cost now. None: not known, or not typed yet.

    `problem`: what is wrong with what was typed. `most`: what is reserved, and the most that may be debited;
    `is_typed`: it is the person's own figure. `after`: what is then left of the balance.
    """

    amount: Decimal | None = None
    currency: str = ""
    fee: Decimal | None = None
    debit: Decimal | None = None
    margin: Decimal | None = None
    most: Decimal | None = None
    is_typed: bool = False
    funds: Funds | None = None
    problem: str = ""
    # Where the provider lists its fees: the currency of the fee, and who pays it.
    fee_currency: str = ""
    is_fee_stated: bool = False
    fee_from_amount: bool = False
    is_fee_apart: bool = False

    @property
    def after(self) -> Decimal | None:
        return None if self.funds is None or self.most is None else self.funds.available - self.most

    @property
    def is_short(self) -> bool:
        """An approval would be refused now."""
        return self.after is not None and self.after < 0


def cost_unknown(method: Method, balance_currency: str) -> str:
    """Why the most that may be debited must be typed, as a sentence; "" if the cost can be estimated."""
    if withdrawal_fields.estimated(method, Decimal(1), balance_currency) is not None:
        return ""
    if balance_currency != method.currency:
        return _(
            "The payee gets %(theirs)s, the balance is in %(ours)s. At what rate the provider converts is not "
            "known here, so type the most that may be debited."
        ) % {"theirs": method.currency, "ours": balance_currency}
    return _(
        "What the provider takes for %(code)s is not known here: an admin has not entered its fee. Type the "
        "most that may be debited."
    ) % {"code": method.code}


def estimate(
    account: ProviderAccount, method: Method | None, known: Mapping[str, Funds], typed: Mapping[str, Any]
) -> Estimate:
    """The cost of what is typed so far, under the provider's parameter names."""
    chosen = known.get(str(typed.get("currency") or ""))
    if method is None:
        return Estimate(funds=chosen)
    said: dict[str, Any] = {"currency": method.currency, "funds": chosen}
    amount, problem = methods.read_typed(typed, "amount", method.currency)
    if amount is not None:
        said["amount"] = amount
        try:
            methods.check_limits(method, amount)
        except ValidationError as error:
            problem = " ".join(error.messages)
    if chosen is None:
        return Estimate(**said, problem=problem)
    if amount is not None:
        payer = withdrawal_fields.PAYERS.get(str(typed.get("fee_payer") or "1"), "")
        stated = method.stated_at is not None
        said["debit"] = withdrawal_fields.estimated(
            method, amount, chosen.currency, payer=payer if stated else ""
        )
        if stated:
            fee, code = methods.fee(method, amount)
            said |= {
                "fee": fee,
                "fee_currency": code,
                "is_fee_stated": True,
                "fee_from_amount": payer == "amount",
                "is_fee_apart": code != chosen.currency,
            }
    most, wrong = methods.read_typed(typed, "_max_debit", chosen.currency)
    if said.get("debit") is not None and "fee" not in said:
        said |= {"fee": said["debit"] - amount, "fee_currency": chosen.currency}
    if most is not None:
        said |= {"most": most, "is_typed": True}
    elif said.get("debit") is not None:
        said["most"] = withdrawal_fields.with_margin(account, said["debit"], chosen.currency)
        said["margin"] = said["most"] - said["debit"]
    return Estimate(**said, problem=problem or wrong)
