"""The models of payments. Rows, constraints and state tables; no rule and no write lives here."""

from .accounts import AccountHealth, Currency, Method, ProviderAccount
from .approvals import Approval
from .balances import Balance, BalanceSnapshot
from .callback_tokens import CallbackToken
from .daily_sums import BooksZone, DailySum, MonthlySum, UnfoldedMovement
from .destinations import OwnDestination
from .exceptions import ExceptionItem
from .freezes import Freeze
from .invoices import Invoice
from .movements import Movement
from .references import Reference, Tracked
from .reservations import Reservation
from .traffic import Callback, ProviderCall
from .withdrawals import Withdrawal

__all__ = [
    "AccountHealth",
    "Approval",
    "Balance",
    "BalanceSnapshot",
    "BooksZone",
    "Callback",
    "CallbackToken",
    "Currency",
    "DailySum",
    "ExceptionItem",
    "Freeze",
    "Invoice",
    "Method",
    "MonthlySum",
    "Movement",
    "OwnDestination",
    "ProviderAccount",
    "ProviderCall",
    "Reference",
    "Reservation",
    "Tracked",
    "UnfoldedMovement",
    "Withdrawal",
]
