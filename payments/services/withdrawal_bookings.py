"""The movements of a withdrawal: its debit and fee when the provider has it, their reversal when it failed. Deals floor.

The only writer of these movements; the doors of its state call it in their transaction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop

from backoffice.kit import wake
from payments.models import Movement, Withdrawal

from . import balances, batch_deposits, movements, reservations, withdrawal_fields


def book_computed(withdrawal: Withdrawal, *, way: str, actor: Any = None) -> None:
    """Nobody states the debit: amount and the fee of the payment method, as it was when this was approved."""
    without, debit, fee = withdrawal_fields.parts(withdrawal)
    withdrawal.amount_from, withdrawal.debit = without, debit
    withdrawal.save(update_fields=["amount_from", "debit"])
    label = (
        gettext_noop("computed")
        if withdrawal.fee_quoted is not None
        else gettext_noop("computed, fee not known")
    )
    for currency in sorted({withdrawal.balance_currency, withdrawal.fee_currency} - {""}):
        balances.computed(account=withdrawal.account, currency=currency)
    book(
        withdrawal,
        amount=without,
        fee=fee,
        fee_currency=withdrawal.fee_currency,
        way=way,
        label=label,
        actor=actor,
    )


def book(
    withdrawal: Withdrawal,
    *,
    amount: Decimal,
    fee: Decimal,
    way: str,
    label: str,
    fee_currency: str = "",
    actor: Any = None,
) -> None:
    """Write the debit and its fee (positive; the fee in the balance's currency unless said otherwise), and end the
    reservation.
    """
    common: dict[str, Any] = {
        "account": withdrawal.account,
        "currency": withdrawal.balance_currency,
        "reference": withdrawal.reference,
        "way": way,
        "label": label,
        "actor": actor,
        "tag": batch_deposits.tag_of(withdrawal),
    }
    number = withdrawal.reference.value
    movements.book(key=f"withdrawal:{number}", kind=Movement.Kind.WITHDRAWAL, amount=-amount, **common)
    if fee:
        common["currency"] = fee_currency or withdrawal.balance_currency
        movements.book(key=f"withdrawal-fee:{number}", kind=Movement.Kind.FEE, amount=-fee, **common)
    reservations.end(reference=withdrawal.reference)
    wake.later("payments.refresh_balance", withdrawal.account_id)


def take_back(withdrawal: Withdrawal, *, way: str, actor: Any = None) -> None:
    """Write a reversal of each booked movement, once."""
    for movement in Movement.objects.filter(
        reference=withdrawal.reference, kind__in=[Movement.Kind.WITHDRAWAL, Movement.Kind.FEE]
    ):
        movements.book(
            key=f"reversal:{movement.pk}",
            account=withdrawal.account,
            kind=Movement.Kind.REVERSAL,
            currency=movement.currency,
            amount=-movement.amount,
            way=way,
            reference=withdrawal.reference,
            corrects=movement,
            actor=actor,
            tag=movement.tag,
        )
