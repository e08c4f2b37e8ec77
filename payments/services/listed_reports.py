"""What providers say who only list: checks of money, orders placed, masked cards, other numbers. Deals floor.

Tells differences and facts; moves nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import Deposit, ExceptionItem, InvoicePayment, ProviderAccount, Reference, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.providers.wallets import Aml, Conversion, Incoming, ListedWithdrawalReport

from . import callback_tokens, exceptions

Row = TypeVar("Row", Deposit, InvoicePayment)
Arrived = TypeVar("Arrived", bound=Incoming)
Kind = ExceptionItem.Kind
#: In which an order is told, in the provider's own words.
ORDER = ("side", "amount", "symbol", "price", "state")
_RANK = {"confirmed": 0, "rejected": 1, "pending": 2}


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


# --- What is listed against what is kept ---
def paired(rows: Sequence[Row], reports: Iterable[Arrived]) -> list[tuple[Row | None, Arrived]]:
    """Rows that are alike, each with its report; reports without a row are new.

    The transaction tells them apart once it is known. Then those that ended first belong together: a confirmed report
    and a row that is confirmed already, so that nothing is counted twice.
    """
    left = sorted(rows, key=lambda row: (_RANK.get(row.status, 2), row.ordinal))
    told = sorted(reports, key=lambda report: (_RANK.get(report.status or "", 2), report.ordinal))
    found: list[tuple[Row | None, Arrived]] = []
    for is_its in (_same, _both_without, _one_without):
        for report in list(told):
            row = next((row for row in left if is_its(row.txid, report.transaction_id[:200])), None)
            if row is not None:
                left.remove(row)
                told.remove(report)
                found.append((row, report))
    return found + [(None, report) for report in told]


def _same(ours: str, theirs: str) -> bool:
    return bool(ours) and ours == theirs


def _both_without(ours: str, theirs: str) -> bool:
    return not ours and not theirs


def _one_without(ours: str, theirs: str) -> bool:
    return not ours or not theirs


def aml_title(aml: Aml) -> str:
    """A failed check of the money in one line."""
    risk = f" ({aml.risk[:80]})" if aml.risk else ""
    return _("The provider's AML check does not let it pass%s.") % risk


def order_text(order: Conversion) -> str:
    """An order of the provider's in one line, in its own words."""
    told = order_told(order).get("order", {})
    return " ".join(part for name in ORDER if (part := told.get(name, "")))[:160]


def tell_order(
    *, account: ProviderAccount, reference: Reference, order: dict[str, str], way: str, names: Iterable[str]
) -> None:
    """The provider placed an order of its own: a person is told what to do, once per word that it uses for its state.

    Nothing is booked: no document says which of those words are final, or of which currency its numbers are. `names`:
    the currencies whose balances may have changed.
    """
    prefix = f"{reference.value}:order:"
    key = f"{prefix}{order.get('state', '')[:20]}"
    known = ExceptionItem.objects.filter(key__startswith=f"{Kind.AMBIGUOUS}:{prefix}")
    if known.filter(key=f"{Kind.AMBIGUOUS}:{key}").exists():
        return
    for item in known.filter(status=ExceptionItem.Status.OPEN):
        note = _("The provider has a newer word for this order.")
        exceptions.end(
            kind=Kind.AMBIGUOUS, key=item.key.removeprefix(f"{Kind.AMBIGUOUS}:"), note=note, way=way
        )
    words = " ".join(part for name in ORDER if (part := order.get(name, "")))
    exceptions.open_item(
        kind=Kind.AMBIGUOUS,
        key=key,
        title=_(
            "The provider placed an order (%(order)s) that is booked nowhere here. Compare %(balances)s with its own page; "
            "where they differ, an admin enters the balance anew."
        )
        % {"order": words[:100] or _("its history does not tell which"), "balances": " + ".join(names)},
        account=account,
        reference=reference,
        way=way,
        **{f"order_{name}": value for name, value in order.items()},
    )


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
    if report.callback_url and not callback_tokens.is_own_callback_url(
        withdrawal.reference, report.callback_url
    ):
        found.append(_("It names another callback address than ours."))
    return found
