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


@job
def click(actor: int, path: str, data: dict[str, str]) -> tuple[int, str]:
    """The same in a web process: a form that a browser sends. Gives the answer's status and where it leads."""
    from django.test import Client

    browser = Client(HTTP_HOST="localhost")
    browser.force_login(_person(actor))
    answer = browser.post(path, data)
    return answer.status_code, answer.headers.get("Location", "")


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
def press_bid(account: int, actor: int, token: str) -> int:
    """Press the form of a bid."""
    from payments.models import ProviderAccount
    from payments.services import bids
    from tests.payments import exchanger

    where = ProviderAccount.objects.get(pk=account)
    made = bids.create(
        actor=_person(actor), account=where, fields=dict(exchanger.FIELDS), form_token=UUID(token)
    )
    return int(made.pk)


@job
def approve_payout(row: int, actor: int) -> None:
    from payments.models import PartnerPayout
    from payments.services import partner

    partner.approve(actor=_person(actor), payout=PartnerPayout.objects.get(pk=row))


@job
def submit_payout(row: int) -> None:
    from payments.services import partner

    partner.submit(partner_payout_id=row)


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
def plant_batches(base_url: str, api_key: str, secret_key: str, rows: int) -> dict[str, Any]:
    """The same of batch payouts, each with a delay of its own: that is how the sandbox's ledger tells them apart."""
    from payments.services import accounts
    from tests import factories
    from tests.payments import batches
    from tests.races import batch_rows

    mark = time.time_ns()
    account = accounts.create(
        actor=None,
        provider="coinjoin",
        name=f"private {mark}",
        base_url=base_url,
        credentials={"api_key": api_key, "secret_key": secret_key},
        money_out=True,
        rate_limit="500",
    )
    account = batches.switched(account, True)
    operator, approver = (factories.person(role, name=f"{role}{mark}") for role in ("operator", "approver"))
    made = [batches.ask(account, operator, **batch_rows.typed()) for _number in range(rows)]
    return {"approver": approver.pk, "rows": [one.pk for one in made], "delays": [one.delay for one in made]}


@job
def stand(rows: list[int], kind: str) -> dict[str, Any]:
    """Where rows of a kind stand, and every promise that is broken."""
    from backoffice.kit import office

    found = _kind(kind).model._base_manager.filter(pk__in=rows).values_list("pk", "status")
    broken = [line for part in office.registry.invariants.values() for line in part.check()]
    return {"states": {str(pk): status for pk, status in found}, "broken": broken}


@job
def heal(rows: list[int], kind: str) -> None:
    """One round of what the workers do by themselves: the sweep takes up what stands still, then each is asked about."""
    from payments.providers.errors import ProviderError
    from payments.services import polling

    time.sleep(0.5)
    polling.run_stuck(limit=50)
    for row in rows:
        with contextlib.suppress(ProviderError):
            _kind(kind).look(row)


@job
def plant_listed(base_url: str, rows: int) -> list[tuple[str, int]]:
    """An account at a provider that only lists, and so many of each of its money calls that wait for a worker."""
    from types import SimpleNamespace

    from tests import factories
    from tests.crash.listed import WAYS
    from tests.payments import desk_rows

    factories.number_from(time.time_ns())  # earlier jobs of this forge made people, too
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


@job
def plant_bids(addresses: list[str], bids: int) -> dict[str, list[int]]:
    """So many bids at the first of these exchangers, and at each other one a partner payout that was approved."""
    from types import SimpleNamespace

    from payments.models import Bid, OwnDestination, PartnerPayout
    from payments.services import partner, partner_programs
    from tests import factories
    from tests.payments import exchanger

    factories.number_from(time.time_ns())  # earlier runs made people, too
    for model in (Bid, PartnerPayout):  # and rows at exchangers that are gone: nobody asks about them
        model.objects.update(next_check_at=None)
    first, *others = addresses
    account = exchanger.account(SimpleNamespace(base_url=first), name=f"bids {time.time_ns()}")
    exchanger.direction(account)
    if not OwnDestination.objects.exists():
        exchanger.book(account)
    made = [exchanger.asked(account).pk for _number in range(bids)]
    payouts = []
    for address in others:
        there = SimpleNamespace(base_url=address)
        paying = exchanger.account(there, name=f"payout {time.time_ns()}", money_out=True)
        partner_programs.refresh(account_id=paying.pk)
        fields = {"method_id": "5", "account": exchanger.ADDRESS, "_confirm_account": True}
        asked = partner.request_payout(actor=factories.person("operator"), account=paying, fields=fields)
        payouts.append(partner.approve(actor=factories.person("approver"), payout=asked).pk)
    return {"bids": made, "payouts": payouts}


@job
def heal_bids(bids: list[int], payouts: list[int], seconds: float) -> dict[str, Any]:
    """Sweep and poll as the workers do, until each has ended or was looked for more than once; where they stand then."""
    from backoffice.kit import office
    from payments.models import Bid, PartnerPayout
    from payments.services import polling

    rows = ((Bid, bids, "creating"), (PartnerPayout, payouts, "approved"))
    until = time.monotonic() + seconds
    for model, ids, _first in rows:
        model.objects.filter(pk__in=ids).update(claimed_until=Now())
    while time.monotonic() < until:
        for model, ids, _first in rows:
            model.objects.filter(pk__in=ids, next_check_at__isnull=False).update(next_check_at=Now())
        polling.run_stuck(limit=50)
        polling.run_due(limit=50)
        left = [
            model.objects.filter(pk__in=ids, status__in=[first, "sending"]).exists()
            or model.objects.filter(pk__in=ids, status="unknown", check_failures__lt=4).exists()
            for model, ids, first in rows
        ]
        if not any(left):
            break
        time.sleep(0.05)
    return {
        "bids": [Bid.objects.get(pk=pk).status for pk in bids],
        "payouts": [PartnerPayout.objects.get(pk=pk).status for pk in payouts],
        "references": [Bid.objects.get(pk=pk).reference.value for pk in bids],
        "broken": [line for part in office.registry.invariants.values() for line in part.check()],
    }
