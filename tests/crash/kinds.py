"""What may be killed on its way, one class each: how it is pressed, approved and sent, who witnesses it, how it must end.

The test and the forked process both use them; `KINDS` is by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from codes import tasks as code_tasks
from codes.models import Voucher
from codes.services import voucher_decisions, vouchers
from payments import tasks
from payments.models import BatchPayout, Tracked, Withdrawal
from payments.services import batch_decisions, batch_payouts, withdrawal_decisions, withdrawals
from tests import factories
from tests.races import batch_rows, money, voucher_rows

POINTS = [f"F{number}" for number in range(11)]


class Kind:
    """`good`: where one stands when all went well. `doubtful`: the points after which no machine can tell."""

    name: str
    model: type[Tracked]
    approves = True
    good: str
    doubtful: tuple[str, ...]

    def typed(self, box: Any) -> dict[str, Any]:
        """What the person types, beside the usual."""
        return {}

    def press(self, *, actor: Any, account: Any, token: UUID, typed: dict[str, Any]) -> Any:
        raise NotImplementedError

    def approve(self, actor: Any, row: Any) -> None:
        raise NotImplementedError

    def due(self, account: Any, people: Any, box: Any) -> Any:
        """One that waits for a worker."""
        raise NotImplementedError

    def submit(self, pk: int) -> None:
        raise NotImplementedError

    def task(self, pk: int) -> None:
        """The same by the worker's task."""
        raise NotImplementedError

    def look(self, pk: int) -> None:
        raise NotImplementedError

    def accepts(self, box: Any) -> Counter[str]:
        """How often the provider accepted it, by our reference."""
        raise NotImplementedError

    def check(self, box: Any, rows: Iterable[Any] | None = None) -> None:
        """Everything that must hold."""
        raise NotImplementedError

    def people_decide(self, box: Any, rows: list[Any]) -> None:
        """Whatever is left in doubt is ended by people, as the rules of this kind allow."""
        raise NotImplementedError

    def ends(self, good: str) -> dict[str, str]:
        """Where each stands before people decide, by the point of its death."""
        return dict.fromkeys(POINTS, good) | dict.fromkeys(self.doubtful, "unknown")


class WithdrawalKind(Kind):
    """People may send the same reference again."""

    name, model, good, doubtful = "withdrawal", Withdrawal, "complete", ("F3", "F4", "F5")

    def press(self, *, actor: Any, account: Any, token: UUID, typed: dict[str, Any]) -> Withdrawal:
        fields = money.FIELDS | {"_confirm_similar": True} | typed
        return withdrawals.request(actor=actor, account=account, fields=fields, form_token=token)

    def approve(self, actor: Any, row: Any) -> None:
        withdrawals.approve(actor=actor, withdrawal=row)

    def due(self, account: Any, people: Any, box: Any) -> Withdrawal:
        return money.approved(account, people)

    def submit(self, pk: int) -> None:
        withdrawals.submit(withdrawal_id=pk)

    def task(self, pk: int) -> None:
        tasks.submit_withdrawal(pk)

    def look(self, pk: int) -> None:
        withdrawals.refresh(withdrawal_id=pk)

    def accepts(self, box: Any) -> Counter[str]:
        return money.accepts(box)

    def check(self, box: Any, rows: Iterable[Any] | None = None) -> None:
        money.check_promises(box, rows)

    def people_decide(self, box: Any, rows: list[Any]) -> None:
        first, second = factories.person("approver"), factories.person("approver")
        for row in rows:
            money.work()
            withdrawal_decisions.resend(actor=first, withdrawal=row, note="The provider does not know it.")
            withdrawal_decisions.confirm(actor=second, withdrawal=row)
        money.work_until(lambda: all(money.state(row) in ("complete", "failed") for row in rows), seconds=30)


class CreateKind(Kind):
    """A new code: found again by our reference, or closed; never made a second time."""

    name, model, good, doubtful = "create", Voucher, "active", ("F3", "F4", "F5")

    def press(self, *, actor: Any, account: Any, token: UUID, typed: dict[str, Any]) -> Voucher:
        fields = {"currency": "USDT", "amount": "10", "_make_password": True}
        (made,) = vouchers.request(actor=actor, account=account, fields=fields, form_token=token)
        return made

    def approve(self, actor: Any, row: Any) -> None:
        vouchers.approve(actor=actor, voucher=row)

    def due(self, account: Any, people: Any, box: Any) -> Voucher:
        return voucher_rows.approved(account, people)

    def submit(self, pk: int) -> None:
        vouchers.submit(voucher_id=pk)

    def task(self, pk: int) -> None:
        code_tasks.submit_voucher(pk)

    def look(self, pk: int) -> None:
        vouchers.refresh(voucher_id=pk)

    def accepts(self, box: Any) -> Counter[str]:
        return voucher_rows.made(box)

    def check(self, box: Any, rows: Iterable[Any] | None = None) -> None:
        voucher_rows.check_promises(box, rows)

    def people_decide(self, box: Any, rows: list[Any]) -> None:
        first, second = factories.person("approver"), factories.person("approver")
        for row in rows:
            vouchers.refresh(voucher_id=row.pk)
            voucher_decisions.resolve(actor=first, voucher=row, outcome="failed", note=voucher_rows.NOTE)
            voucher_decisions.confirm(actor=second, voucher=row)


class RedeemKind(CreateKind):
    """Somebody's code: nobody but people can tell what became of it, once an attempt is on record."""

    name, approves, good = "redeem", False, "redeemed"
    doubtful = ("F3", "F4", "F5", "F6", "F7", "F8", "F9")

    def typed(self, box: Any) -> dict[str, Any]:
        return {"code": voucher_rows.outside(box)}

    def press(self, *, actor: Any, account: Any, token: UUID, typed: dict[str, Any]) -> Voucher:
        return vouchers.redeem(actor=actor, account=account, form_token=token, **typed)

    def due(self, account: Any, people: Any, box: Any) -> Voucher:
        return voucher_rows.redeeming(account, people, box)

    def accepts(self, box: Any) -> Counter[str]:
        counted = voucher_rows.applied(box)
        rows = Voucher.objects.filter(direction="received").select_related("reference")
        return Counter({row.reference.value: counted[row.code] for row in rows})

    def people_decide(self, box: Any, rows: list[Any]) -> None:
        credited = self.accepts(box)
        gone = [row for row in rows if not credited[row.reference.value]]
        first = factories.person("approver")
        for row in rows:
            if row not in gone:
                vouchers.refresh(voucher_id=row.pk)
                voucher_decisions.resolve(
                    actor=first,
                    voucher=row,
                    outcome="redeemed",
                    note=voucher_rows.NOTE,
                    amount=voucher_rows.WORTH,
                    currency="USDT",
                )
        super().people_decide(box, gone)


class BatchKind(Kind):
    """An order of a batch: found again by what it pays, or closed by people; never made a second time."""

    name, model, good, doubtful = "batch", BatchPayout, "awaiting_deposit", ("F3", "F4", "F5")

    def typed(self, box: Any) -> dict[str, Any]:
        return batch_rows.typed()

    def press(self, *, actor: Any, account: Any, token: UUID, typed: dict[str, Any]) -> BatchPayout:
        fields = {"_confirm_similar": True} | typed
        return batch_payouts.request(actor=actor, account=account, fields=fields, form_token=token)

    def approve(self, actor: Any, row: Any) -> None:
        batch_payouts.approve(actor=actor, batch_payout=row)

    def due(self, account: Any, people: Any, box: Any) -> BatchPayout:
        return batch_rows.approved(account, people)

    def submit(self, pk: int) -> None:
        batch_payouts.submit(batch_payout_id=pk)

    def task(self, pk: int) -> None:
        tasks.submit_batch_payout(pk)

    def look(self, pk: int) -> None:
        batch_payouts.refresh(batch_payout_id=pk)

    def accepts(self, box: Any) -> Counter[str]:
        return batch_rows.accepts(box)

    def check(self, box: Any, rows: Iterable[Any] | None = None) -> None:
        batch_rows.check_promises(box, rows)

    def people_decide(self, box: Any, rows: list[Any]) -> None:
        outsider = factories.person("approver")
        for row in rows:
            self.look(row.pk)
            batch_decisions.resolve(actor=outsider, batch_payout=row, outcome="failed", note="None there.")


KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (WithdrawalKind(), CreateKind(), RedeemKind(), BatchKind())
}
