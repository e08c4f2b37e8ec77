"""What is available of a balance, and holding parts of it back for open money-out. Facts floor.

The Balance row is the lock: whoever reserves holds it until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit import html
from payments.models import KNOWN, Balance, Movement, ProviderAccount, Reference, Reservation


def reserved(balance: Balance) -> Decimal:
    """The sum of open reservations, in the balance's currency."""
    found = Reservation.objects.filter(balance=balance, ended_at__isnull=True)
    return found.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def available(balance: Balance) -> Decimal | None:
    """Stated - debits booked after that statement's request began - open reservations. None: never stated.

    Credits booked after the statement count only from the next one on. Of a computed balance: opening + all movements -
    open reservations; None until an admin has entered an opening.
    """
    if balance.is_computed:
        if balance.opened_at is None:
            return None
        moved = Movement.objects.filter(account=balance.account, currency=balance.currency, on_balance=True)
        return (
            balance.opening
            + (moved.aggregate(total=Sum("amount"))["total"] or Decimal(0))
            - reserved(balance)
        )
    if balance.stated is None or balance.asked_at is None:
        return None
    debits = Movement.objects.filter(
        account=balance.account,
        currency=balance.currency,
        on_balance=True,
        amount__lt=0,
        booked_at__gte=balance.asked_at,
    ).aggregate(total=Sum("amount"))["total"] or Decimal(0)
    return balance.stated + debits - reserved(balance)


@dataclass(frozen=True)
class Funds:
    """One balance: what the provider stated (or we computed), what is held back for others, what is left."""

    balance: Balance
    reserved: Decimal
    available: Decimal

    @property
    def currency(self) -> str:
        return self.balance.currency

    @property
    def known(self) -> Decimal:
        """As stated, or computed."""
        return (
            self.available + self.reserved if self.balance.is_computed else self.balance.stated or Decimal(0)
        )


def funds(account: ProviderAccount) -> dict[str, Funds]:
    """The known balances of an account, by currency."""
    found = {}
    for balance in account.balances.filter(KNOWN).order_by("currency"):
        free = available(balance)
        if free is not None:
            found[balance.currency] = Funds(balance, reserved(balance), free)
    return found


@dataclass(frozen=True)
class Cover:
    """What a balance can bear: available now, and when this is reserved as well."""

    balance: Balance | None
    available: Decimal | None
    after: Decimal | None

    @property
    def is_short(self) -> bool:
        return self.after is None or self.after < 0


def cover(*, account: ProviderAccount, currency: str, amount: Decimal) -> Cover:
    """Available before and after reserving `amount`, which holds nothing back yet."""
    balance = Balance.objects.filter(account=account, currency=currency).first()
    free = available(balance) if balance is not None else None
    return Cover(balance, free, None if free is None else free - amount)


def reserve(*, account: ProviderAccount, currency: str, amount: Decimal, reference: Reference) -> Reservation:
    """Hold `amount` back. Inside the caller's transaction. Raises ValidationError if not enough is available."""
    # Only the balance's own row: the account's stays free for the calls that are written down meanwhile.
    rows = Balance.objects.select_for_update(of=("self",)).filter(account=account, currency=currency)
    balance = rows.first()
    free = available(balance) if balance is not None else None
    if balance is None or free is None:
        if balance is not None and balance.is_computed:
            raise ValidationError(_("An admin must enter the opening balance in %s first.") % currency)
        raise ValidationError(_("No balance in %s is known for this account yet.") % currency)
    if amount > free:
        raise ValidationError(
            _("Only %(free)s %(currency)s are available, %(amount)s would be reserved.")
            % {
                "free": html.amount_text(free, places=0),
                "amount": html.amount_text(amount, places=0),
                "currency": currency,
            }
        )
    return Reservation.objects.create(reference=reference, balance=balance, amount=amount)


def reserve_all(*, account: ProviderAccount, amounts: Mapping[str, Decimal], reference: Reference) -> None:
    """The same for several balances of an account, by currency.

    In the order of the codes, so that two who need the same balances never wait for one another.
    """
    for currency in sorted(amounts):
        reserve(account=account, currency=currency, amount=amounts[currency], reference=reference)


def end(*, reference: Reference) -> None:
    """Let go of what was held back, in the transaction that books the debit or ends the intent.

    Under the balance's lock, too: whoever reserves meanwhile sees the reservation or the debit, never neither.
    """
    held = Reservation.objects.filter(reference=reference, ended_at__isnull=True)
    list(Balance.objects.select_for_update(of=("self",)).filter(pk__in=held.values("balance")).order_by("pk"))
    held.update(ended_at=timezone.now())
