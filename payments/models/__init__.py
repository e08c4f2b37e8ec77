"""The models of payments. Rows, constraints and state tables; no rule and no write lives here."""

from .accounts import AccountHealth, Currency, Method, ProviderAccount
from .balances import Balance, BalanceSnapshot
from .callback_tokens import CallbackToken
from .destinations import OwnDestination
from .exceptions import ExceptionItem
from .invoices import Invoice
from .movements import Movement
from .references import Reference, Tracked
from .traffic import Callback, ProviderCall

__all__ = [
    "AccountHealth",
    "Balance",
    "BalanceSnapshot",
    "Callback",
    "CallbackToken",
    "Currency",
    "ExceptionItem",
    "Invoice",
    "Method",
    "Movement",
    "OwnDestination",
    "ProviderAccount",
    "ProviderCall",
    "Reference",
    "Tracked",
]
