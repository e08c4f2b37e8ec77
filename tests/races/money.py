"""Money out for the tests of races and crashes: accounts that pay, requests, faults, and the sandbox's own ledger.

The ledger is the witness: what it accepted has left, whatever our database says.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from backoffice.kit import office
from codes.models import Voucher
from payments.models import Balance, BatchPayout, Method, ProviderAccount, Tracked, Withdrawal
from payments.services import balances, polling, withdrawals
from tests import factories

FIELDS = {"currency": "USDT", "paysys": "USDTBALANCE", "amount": "10", "purse": "user@example.com"}
#: Where a withdrawal may stand for good, or until a person comes.
ENDED = {"complete", "failed", "unknown"}


#: What the sandbox may do to any answer after it has accepted.
SPOILED: list[dict[str, Any]] = [
    {"mode": "drop_after"},
    {"mode": "drop_after", "reset": True},
    {"mode": "half_body"},
    {"mode": "truncated"},
    {"mode": "garbage_html"},
    {"mode": "empty"},
    {"mode": "null"},
    {"mode": "bom"},
    {"mode": "no_success"},
    {"mode": "no_success", "value": "true"},
    {"mode": "status_500"},
    {"mode": "status_302"},
    {"mode": "body", "text": "[]"},
    {"mode": "oversized"},
]


def volumes(short: int, long: int) -> Any:
    """Parametrizes `runs`: so many in `make test`, so many in `make test-long`."""
    return pytest.mark.parametrize("runs", [short, pytest.param(long, marks=pytest.mark.long)])


# --- Rows ---
def paying_account(box: Any, *, balance: str = "100000", **options: Any) -> ProviderAccount:
    """An account that may pay out USDT, with a known fee of 1 + 1 % and a balance that the sandbox states."""
    made = factories.account(box, money_out=True, rate_limit="500", **options)
    box.control("bitloga/accounts", {"name": made.name, "balances": {"USDT": balance}})
    Method.objects.filter(account=made, code="USDTBALANCE").update(
        for_withdrawal=True, fee_fixed=Decimal(1), fee_rate=Decimal("0.01")
    )
    balances.refresh(account_id=made.pk)
    return made


def ask(account: Any, actor: Any, **changed: Any) -> Withdrawal:
    """A request. Many at once are meant, so the same amount to the same payee is too."""
    return withdrawals.request(
        actor=actor, account=account, fields=FIELDS | {"_confirm_similar": True} | changed
    )


def approved(account: Any, people: Any, **changed: Any) -> Withdrawal:
    """A request that another person has approved: due to be sent."""
    made = ask(account, people["operator"], **changed)
    withdrawals.approve(actor=people["approver"], withdrawal=made)
    made.refresh_from_db()
    return made


def state(row: Tracked) -> str:
    """Its state now."""
    row.refresh_from_db()
    return row.status


def states(rows: Iterable[Tracked]) -> Counter[str]:
    """How many of these (all of one kind) are in which state now."""
    rows = list(rows)
    found = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows])
    return Counter(found.values_list("status", flat=True))


def free() -> Decimal:
    """What the only USDT balance has left."""
    from payments.services import reservations

    found = reservations.available(Balance.objects.get(currency="USDT"))
    assert found is not None
    return found


# --- The provider's side ---
def accepts(box: Any) -> Counter[str]:
    """How often the sandbox accepted a withdrawal, by our reference. This is V1's witness."""
    rows = box.control("bitloga/transactions", {}, method="GET")["transactions"]
    return Counter(row["uniqueid"] for row in rows if row["kind"] == "withdrawal")


def asked(box: Any, action: str) -> int:
    """How many calls of that kind reached the sandbox."""
    return len(box.control(f"bitloga/requests?action={action}")["requests"])


def fault(box: Any, mode: str, *, action: str = "withdraw", count: int = 1, **more: Any) -> None:
    """Let the next calls go wrong."""
    box.control("faults", {"provider": "bitloga", "action": action, "mode": mode, "count": count, **more})


def no_faults(box: Any) -> None:
    """Everything works again."""
    box.control("faults", method="DELETE")


def set_up(box: Any, **values: Any) -> None:
    """Settings of the simulated bitloga."""
    box.control("settings", {"provider": "bitloga", **values})


# --- The other workers ---
def work() -> None:
    """One round of what beat wakes for every kind: the sweep, then the poll."""
    polling.run_stuck(limit=200)
    polling.run_due(limit=200)


def make_due() -> None:
    """The pause until the next question is over."""
    for model in (Withdrawal, Voucher, BatchPayout):
        model.objects.filter(next_check_at__isnull=False).update(next_check_at=Now())


def work_until(done: Callable[[], bool], *, seconds: float) -> float:
    """Let the other workers work until it is so; how many seconds it took. Fails after `seconds`."""
    began = time.monotonic()
    while not done():
        work()
        took = time.monotonic() - began
        if took > seconds:
            told = [
                row
                for model in (Withdrawal, Voucher, BatchPayout)
                for row in model.objects.values_list("reference__value", "status", "last_error")
            ]
            pytest.fail(f"not done after {took:.0f} s: {told}")
        time.sleep(0.02)
    return time.monotonic() - began


# --- What must hold ---
def check_promises(box: Any, rows: Iterable[Withdrawal] | None = None) -> None:
    """V1 and V2 by the witness, then every invariant of our own books. `rows`: all of them have ended."""
    counted = accepts(box)
    ours = {row.reference.value: row for row in Withdrawal.objects.select_related("reference")}
    twice = {number: times for number, times in counted.items() if times > 1}
    assert not twice, f"V1: paid more than once: {twice}"
    stray = set(counted) - set(ours)
    assert not stray, f"V2: paid, and nobody here asked for it: {stray}"
    for number, row in ours.items():
        if row.status == "complete":
            assert counted[number] == 1, f"V1: {number} is complete here and was never accepted there"
        if row.status in ("awaiting_approval", "approved", "rejected", "canceled"):
            assert counted[number] == 0, f"V1: {number} is {row.status} here and was accepted there"
    broken = {name: part.check() for name, part in office.registry.invariants.items()}
    assert not any(broken.values()), broken
    if rows is not None:
        left = [(row.reference.value, state(row)) for row in rows if state(row) not in ENDED]
        assert not left, f"no end: {left}"
