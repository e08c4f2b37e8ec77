"""What a forked process does: one step of a worker or of a person, named by the test that ordered it.

Each job takes and gives plain values. Failpoints kill, stop or break it on the way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models.functions import Now

JOBS: dict[str, Callable[..., Any]] = {}


def job(function: Callable[..., Any]) -> Callable[..., Any]:
    JOBS[function.__name__] = function
    return function


def _person(pk: int) -> Any:
    return get_user_model().objects.get(pk=pk)


def _kind(name: str) -> Any:
    from tests.crash.kinds import KINDS

    return KINDS[name]


# --- People ---
@job
def request(
    account: int, actor: int, token: str, kind: str = "withdrawal", typed: dict[str, Any] | None = None
) -> int:
    """Press the form."""
    from payments.models import ProviderAccount

    where = ProviderAccount.objects.get(pk=account)
    made = _kind(kind).press(actor=_person(actor), account=where, token=UUID(token), typed=typed or {})
    return int(made.pk)


@job
def approve(actor: int, rows: list[int], kind: str = "withdrawal") -> None:
    found = _kind(kind)
    for pk in rows:
        found.approve(_person(actor), found.model._base_manager.get(pk=pk))


# --- Workers ---
@job
def submit(row: int, kind: str = "withdrawal") -> None:
    _kind(kind).submit(row)


@job
def submit_listed(row: int, kind: str) -> None:
    """The same at a provider that only lists."""
    from tests.crash.listed import WAYS

    WAYS[kind].submit(row)


@job
def press_listed(kind: str, account: int, actor: int, token: str) -> int:
    """Press the form of such a provider."""
    from payments.models import ProviderAccount
    from tests.crash.listed import WAYS

    where = ProviderAccount.objects.get(pk=account)
    return int(WAYS[kind].press(actor=_person(actor), account=where, token=UUID(token)).pk)


@job
def task(row: int, kind: str = "withdrawal") -> None:
    _kind(kind).task(row)


@job
def sweep() -> None:
    from payments.services import polling

    polling.run_stuck(limit=50)


@job
def poll() -> None:
    from payments.services import polling

    polling.run_due(limit=50)


@job
def look(row: int, kind: str = "withdrawal") -> None:
    _kind(kind).look(row)


@job
def submit_bid(row: int) -> None:
    from payments.services import bids

    bids.submit(bid_id=row)


@job
def submit_act(row: int) -> None:
    from payments.services import bid_acts

    bid_acts.submit(act_id=row)


@job
def submit_unfenced(row: int) -> None:
    """For a control: nobody looks at claim and approval before the bytes leave."""
    from payments.services import approvals, schedule, withdrawals

    schedule.holds = lambda *_arguments, **_conditions: True  # type: ignore[assignment]
    real = approvals.why_not
    asked = iter([real])
    approvals.why_not = lambda **bound: next(asked, lambda **_bound: "")(**bound)  # type: ignore[assignment]
    withdrawals.submit(withdrawal_id=row)


@job
def callback(place: str) -> None:
    """Take a callback from the inbox and die: before it is processed, or between its effect and its mark."""
    from payments.services import callbacks

    def die(*_arguments: Any, **_named: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    taken = callbacks.claim(1)
    if place == "claimed":
        die()
    callbacks._done = die
    for pk in taken:
        callbacks.process(callback_id=pk)


# --- A whole system of its own ---
@job
def migrate() -> None:
    call_command("migrate", verbosity=0)


@job
def plant(base_url: str, api_key: str, api_secret: str, rows: int) -> dict[str, Any]:
    """An account that pays out, two people, and requests that wait for approval."""
    from decimal import Decimal

    from payments.models import Method
    from payments.services import accounts, balances
    from tests import factories
    from tests.races import money

    mark = time.time_ns()
    account = accounts.create(
        actor=None,
        provider="bitloga",
        name=f"private {mark}",
        base_url=base_url,
        credentials={"api_key": api_key, "api_secret": api_secret},
        money_out=True,
        rate_limit="500",
    )
    Method.objects.filter(account=account, code="USDTBALANCE").update(
        for_withdrawal=True, fee_fixed=Decimal(1), fee_rate=Decimal("0.01")
    )
    balances.refresh(account_id=account.pk)
    operator, approver = (factories.person(role, name=f"{role}{mark}") for role in ("operator", "approver"))
    made = [money.ask(account, operator).pk for _number in range(rows)]
    return {"approver": approver.pk, "rows": made}


@job
def plant_listed(base_url: str, rows: int) -> list[tuple[str, int]]:
    """An account at a provider that only lists, and so many of each of its money calls that wait for a worker."""
    from types import SimpleNamespace

    from tests import factories
    from tests.crash.listed import WAYS
    from tests.payments import desk_rows

    account = desk_rows.account(SimpleNamespace(base_url=base_url), opening="100000")
    people = {role: factories.person(role) for role in ("operator", "approver")}
    return [(name, way.due(account, people).pk) for name, way in WAYS.items() for _number in range(rows)]


@job
def work_listed(rows: list[tuple[str, int]], seconds: float) -> dict[str, list[str]]:
    """Sweep and poll until no machine can do more for them; how they stand then."""
    from payments.services import polling
    from tests.crash.listed import WAYS

    until = time.monotonic() + seconds
    found: list[Any] = []
    while time.monotonic() < until:
        with contextlib.suppress(OperationalError):
            for way in WAYS.values():
                way.model.objects.filter(next_check_at__isnull=False).update(next_check_at=Now())
            polling.run_stuck(limit=50)
            polling.run_due(limit=50)
            found = [(WAYS[name], WAYS[name].model.objects.get(pk=pk)) for name, pk in rows]
            if all(way.is_over(row) for way, row in found):
                break
        connection.close()
        time.sleep(0.05)
    return {way.name: [row.status for each, row in found if each is way] for way in WAYS.values()}


@job
def work(rows: list[int], seconds: float) -> None:
    """Sweep and poll as the workers do, until all of these have ended, or the provider has said more than once that it
    does not know them. A database or a broker that is away for a while is waited for.
    """
    from payments.models import Withdrawal
    from payments.services import polling

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OperationalError):
            polling.run_stuck(limit=50)
            polling.run_due(limit=50)
            left = Withdrawal.objects.filter(pk__in=rows).exclude(status__in=["complete", "failed"])
            if not left.exclude(status="unknown", check_failures__gte=4).exists():
                return
        connection.close()
        time.sleep(0.05)


@job
def make_due(rows: list[int]) -> None:
    """The pauses are over."""
    from payments.models import Withdrawal

    Withdrawal.objects.filter(pk__in=rows, next_check_at__isnull=False).update(next_check_at=Now())


@job
def report(rows: list[int]) -> dict[str, Any]:
    """Where these stand, by reference, and every promise that is broken."""
    from backoffice.kit import office
    from payments.models import Withdrawal

    found = Withdrawal.objects.filter(pk__in=rows).values_list("reference__value", "status", "last_error")
    broken = [line for part in office.registry.invariants.values() for line in part.check()]
    return {
        "states": {value: status for value, status, _error in found},
        "errors": sorted({error for _value, _status, error in found if error}),
        "broken": broken,
    }
