"""What providers say who only list: checks of money, orders placed, masked cards, other numbers. Deals floor.

Tells differences and facts; moves nothing.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import Withdrawal
from payments.providers.base import WithdrawalReport
from payments.providers.wallets import Aml, Conversion, ListedWithdrawalReport

from . import accounts


def told(*, aml: Aml, order: Conversion | None) -> dict[str, Any]:
    """What a report says besides, as it is kept: texts only."""
    found: dict[str, Any] = {}
    if aml.success is not None or aml.risk or aml.url:
        found["aml"] = {"success": aml.success, "risk": aml.risk[:200], "url": aml.url[:2000]}
    return found | order_told(order)


def order_told(order: Conversion | None) -> dict[str, Any]:
    """An order of the provider's, as it is kept; nothing where there is none."""
    if order is None or not (order.symbol or order.amount):
        return {}
    return {
        "order": {
            "symbol": order.symbol[:40],
            "amount": "" if order.amount is None else money.plain(order.amount),
            "price": "" if order.price is None else money.plain(order.price),
            "side": order.side[:20],
            "state": order.state[:40],
        }
    }


def aml_title(aml: Aml) -> str:
    """A failed check of the money in one line."""
    risk = f" ({aml.risk[:80]})" if aml.risk else ""
    return _("The provider's AML check does not let it pass%s.") % risk


def order_text(order: Conversion) -> str:
    """An order of the provider's in one line, in its own words."""
    amount = "" if order.amount is None else money.plain(order.amount)
    price = "" if order.price is None else money.plain(order.price)
    return f"{order.side} {amount} {order.symbol} {price} {order.state}".strip()[:160]


def same_purse(report: WithdrawalReport, withdrawal: Withdrawal) -> bool:
    """A card may come back masked: then the digits that are there must be ours."""
    if not withdrawal.is_card or not set("*xX\u2022") & set(report.purse):
        return (
            report.purse.replace(" ", "") == withdrawal.purse
            if withdrawal.is_card
            else report.purse == withdrawal.purse
        )
    theirs = report.purse.replace(" ", "").replace("-", "")
    first, last = _digits_at_start(theirs), _digits_at_start(theirs[::-1])[::-1]
    return (
        len(first) + len(last) >= 4 and withdrawal.purse.startswith(first) and withdrawal.purse.endswith(last)
    )


def _digits_at_start(text: str) -> str:
    return "".join(itertools.takewhile(str.isdigit, text))


def differences(withdrawal: Withdrawal, report: ListedWithdrawalReport) -> list[str]:
    """Where a listed report is not what was approved, beyond what every report tells. As sentences."""
    found = []
    if report.provider_id and withdrawal.provider_id and report.provider_id[:64] != withdrawal.provider_id:
        found.append(_("It has another number at the provider: %s.") % report.provider_id[:64])
    if report.fee_payer and withdrawal.fee_payer and report.fee_payer != withdrawal.fee_payer:
        found.append(_("The fee is taken from another side than approved: %s.") % report.fee_payer)
    order = report.auto_buy
    if order is not None and (order.symbol or order.amount) and not withdrawal.fields.get("auto_buy_ticker"):
        found.append(_("An order was placed that nobody asked for: %s.") % order_text(order))
    if report.callback_url and not accounts.is_own_callback_url(withdrawal.reference, report.callback_url):
        found.append(_("It names another callback address than ours."))
    return found
