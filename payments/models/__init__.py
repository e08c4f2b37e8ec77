"""The models of payments. Rows, constraints and state tables; no rule and no write lives here."""

from .accounts import AccountHealth, Currency, Method, ProviderAccount
from .approvals import Approval
from .balances import KNOWN, Balance, BalanceSnapshot
from .callback_tokens import CallbackToken
from .daily_sums import BooksZone, DailySum, UnfoldedMovement
from .destinations import OwnDestination
from .exceptions import ExceptionItem
from .freezes import Freeze
from .invoices import Invoice
from .movements import Movement
from .payers import InvoicePayment, PayerLink
from .references import Reference, Tracked
from .reservations import Reservation
from .traffic import Callback, ProviderCall
from .wallets import Deposit, Wallet
from .withdrawals import Withdrawal

__all__ = [
    "KNOWN",
    "AccountHealth",
    "Approval",
    "Balance",
    "BalanceSnapshot",
    "BooksZone",
    "Callback",
    "CallbackToken",
    "Currency",
    "DailySum",
    "Deposit",
    "ExceptionItem",
    "Freeze",
    "Invoice",
    "InvoicePayment",
    "Method",
    "Movement",
    "OwnDestination",
    "PayerLink",
    "ProviderAccount",
    "ProviderCall",
    "Reference",
    "Reservation",
    "Tracked",
    "UnfoldedMovement",
    "Wallet",
    "Withdrawal",
]
