"""The models of payments. Rows, constraints and state tables; no rule and no write lives here."""

from .accounts import AccountHealth, Currency, Method, ProviderAccount
from .approvals import Approval
from .balances import KNOWN, Balance, BalanceSnapshot
from .batch_payouts import BatchPayout, BatchRow
from .bids import Bid, BidAct, BidImport, BidStatus
from .callback_tokens import CallbackToken
from .daily_sums import BooksZone, DailySum, MonthlySum, UnfoldedMovement
from .destinations import OwnDestination
from .directions import Direction, DirectionList
from .exceptions import ExceptionItem
from .freezes import Freeze
from .invoices import Invoice
from .movements import Movement
from .partner import PartnerExchange, PartnerPayout, PartnerProgram
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
    "BatchPayout",
    "BatchRow",
    "Bid",
    "BidAct",
    "BidImport",
    "BidStatus",
    "BooksZone",
    "Callback",
    "CallbackToken",
    "Currency",
    "DailySum",
    "Deposit",
    "Direction",
    "DirectionList",
    "ExceptionItem",
    "Freeze",
    "Invoice",
    "InvoicePayment",
    "Method",
    "MonthlySum",
    "Movement",
    "OwnDestination",
    "PartnerExchange",
    "PartnerPayout",
    "PartnerProgram",
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
