"""The money calls of a provider that only lists: how each is asked for, sent, looked for, and counted by the witness."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any
from uuid import UUID

from payments.models import Invoice, Wallet, Withdrawal
from payments.services import invoices, wallets, withdrawals
from tests.payments import desk_rows


class Way:
    """One money call. `good`: where a row stands when all went well; `path`: the call at the desk."""

    name: str
    model: type[Any]
    path: str
    good: str

    def press(self, *, actor: Any, account: Any, token: UUID) -> Any:
        """A person presses the form."""
        raise NotImplementedError

    def due(self, account: Any, people: Any) -> Any:
        """One that waits for a worker."""
        return self.press(actor=people["operator"], account=account, token=uuid.uuid4())

    def submit(self, pk: int) -> None:
        raise NotImplementedError

    def look(self, pk: int) -> None:
        raise NotImplementedError

    def made(self, desk: Any) -> Counter[str]:
        """How often the desk made it, by the callback address, which is each row's own."""
        return Counter(body["callback_url"] for path, body in desk.bodies if path == self.path)

    def is_over(self, row: Any) -> bool:
        """Whether no machine can do more for it."""
        return row.status == self.good or (row.status == "unknown" and row.misses >= 3)


class Withdraw(Way):
    name, model, path, good = "listed_withdrawal", Withdrawal, "withdraw/create", "complete"

    def press(self, *, actor: Any, account: Any, token: UUID) -> Withdrawal:
        fields = {"ticker": "USDT", "network": "tron", "amount": "10", "address": desk_rows.PAYEE}
        fields |= {"_confirm_similar": "on"}
        return withdrawals.request(actor=actor, account=account, fields=fields, form_token=token)

    def due(self, account: Any, people: Any) -> Withdrawal:
        return desk_rows.approved(account, people)

    def submit(self, pk: int) -> None:
        withdrawals.submit(withdrawal_id=pk)

    def look(self, pk: int) -> None:
        withdrawals.refresh(withdrawal_id=pk)


class Bill(Way):
    name, model, path, good = "fiat_invoice", Invoice, "invoice/create", "open"

    def press(self, *, actor: Any, account: Any, token: UUID) -> Invoice:
        fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": "8.8.4.4"}
        return invoices.create(actor=actor, account=account, fields=fields, form_token=token)

    def submit(self, pk: int) -> None:
        invoices.submit(invoice_id=pk)

    def look(self, pk: int) -> None:
        invoices.refresh(invoice_id=pk)


class Address(Way):
    name, model, path, good = "wallet", Wallet, "wallet/create", "active"

    def press(self, *, actor: Any, account: Any, token: UUID) -> Wallet:
        fields = {"ticker": "USDT", "network": "tron"}
        return wallets.create(actor=actor, account=account, fields=fields, form_token=token)

    def submit(self, pk: int) -> None:
        wallets.submit(wallet_id=pk)

    def look(self, pk: int) -> None:
        wallets.refresh(wallet_id=pk)


WAYS: dict[str, Way] = {way.name: way for way in (Withdraw(), Bill(), Address())}
