"""The models of codes. Rows, constraints and state tables; no rule and no write lives here."""

from .listings import VoucherListing
from .vouchers import Voucher

__all__ = ["Voucher", "VoucherListing"]
