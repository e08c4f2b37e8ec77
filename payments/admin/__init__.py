"""Accounts, keys, payment methods and currencies in Django's admin. Every write goes through a service.

Keys are write-only: a stored one is never sent to the browser, nor is a typed one sent back. No money here.
"""

from __future__ import annotations

from . import payment_methods as payment_methods
from . import provider_accounts as provider_accounts
