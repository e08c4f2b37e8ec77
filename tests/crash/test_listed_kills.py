"""A01 for withdraw/create, invoice/create and wallet/create at a provider that only lists: kill -9 on the way, and nothing
is made twice.

Each run forks a process that dies at its failpoint; this process plays the other workers. The tests' own bitexbit stands
outside of both and takes a repeated reference again and again: it is the witness.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from payments.models import Invoice, Wallet, Withdrawal
from payments.services import calls, polling
from payments.services import invoices as billing
from payments.services import wallets as receiving
from payments.services import withdrawals as paying_out
from tests.crash import harness
from tests.crash.kinds import POINTS
from tests.payments import desk as desks
from tests.payments import desk_rows
from tests.payments.conftest import desk, running_desk

__all__ = ["desk", "running_desk"]
pytestmark = pytest.mark.django_db(transaction=True)
#: After these a request was begun and never arrived: nobody but people can end it.
DOUBTFUL = ("F3", "F4", "F5")
SOME = ["F3", "F6", "F8", "F9"]


class Way:
    """One money call: how it is asked for, sent, and counted by the witness."""

    model: type[Any]
    path: str
    kind: str
    good: str
    fields: dict[str, Any]

    def due(self, account: Any, people: Any) -> Any:
        """One that waits for a worker."""
        raise NotImplementedError

    def made(self, desk: desks.Desk) -> Counter[str]:
        """How often the desk made it, by the callback address, which is each row's own."""
        return Counter(body["callback_url"] for path, body in desk.bodies if path == self.path)


class Withdraw(Way):
    model, path, kind, good = Withdrawal, "withdraw/create", "listed_withdrawal", "complete"

    def due(self, account: Any, people: Any) -> Any:
        return desk_rows.approved(account, people)


class Bill(Way):
    model, path, kind, good = Invoice, "invoice/create", "fiat_invoice", "open"
    fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": "8.8.4.4"}

    def due(self, account: Any, people: Any) -> Any:
        return billing.create(
            actor=people["operator"], account=account, fields=self.fields, form_token=uuid.uuid4()
        )


class Address(Way):
    model, path, kind, good = Wallet, "wallet/create", "wallet", "active"
    fields = {"ticker": "USDT", "network": "tron"}

    def due(self, account: Any, people: Any) -> Any:
        return receiving.create(
            actor=people["operator"], account=account, fields=self.fields, form_token=uuid.uuid4()
        )


WAYS = {way.kind: way for way in (Withdraw(), Bill(), Address())}
SUBMIT = {
    "listed_withdrawal": lambda pk: paying_out.submit(withdrawal_id=pk),
    "fiat_invoice": lambda pk: billing.submit(invoice_id=pk),
    "wallet": lambda pk: receiving.submit(wallet_id=pk),
}


@pytest.fixture(scope="session")
def forge(running_desk: desks.Desk, crash_logs: Path, django_db_setup: None) -> Iterator[harness.Forge]:
    env = harness.environment(
        database=harness.test_database_url(),
        broker=os.environ["REDIS_URL"],
        sandbox_port=running_desk.port,
        SCAN_GAP_SECONDS="0",
        REQUEST_LIFETIME_SECONDS="0",
    )
    with harness.forging(env, crash_logs / "listed.log") as forge:
        yield forge


@pytest.fixture
def there(desk: desks.Desk, transactional_db: None) -> Any:
    desk.status = 30
    return desk_rows.account(desk, opening="100000")


def heal(way: Way, rows: dict[str, Any], *, seconds: float = 60) -> None:
    """The other workers: leases run out, sweeps and polls come, until nothing changes any more."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        way.model.objects.filter(next_check_at__isnull=False).update(next_check_at=Now())
        polling.run_stuck(limit=100)
        polling.run_due(limit=100)
        for row in rows.values():
            row.refresh_from_db()
        if all(
            row.status == way.good or (row.status == "unknown" and row.misses >= 3) for row in rows.values()
        ):
            return
        time.sleep(0.1)
    pytest.fail(str({point: (row.status, row.last_error) for point, row in rows.items()}))


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("listed_withdrawal", SOME),
        *((kind, ["F3", "F6"]) for kind in ("fiat_invoice", "wallet")),
        *(pytest.param(kind, POINTS[2:], marks=pytest.mark.long) for kind in WAYS),
    ],
)
def test_killed_on_the_way_it_is_made_once(
    kind: str, points: list[str], forge: harness.Forge, desk: desks.Desk, there: Any, people: Any
) -> None:
    way = WAYS[kind]
    rows = {}
    for point in points:
        row = way.due(there, people)
        assert forge.run("submit_listed", at=f"{point}=kill", row=row.pk, kind=kind).killed, point
        rows[point] = row
        way.model.objects.filter(pk=row.pk).update(next_check_at=None)
    way.model.objects.update(next_check_at=Now())
    heal(way, rows)
    ends = {point: row.status for point, row in rows.items()}
    assert ends == {point: "unknown" if point in DOUBTFUL else way.good for point in points}
    for row in rows.values():  # whoever wakes up late sends nothing
        SUBMIT[kind](row.pk)
    made = way.made(desk)
    assert set(made.values()) == {1}
    assert len(made) == len([point for point in points if point not in DOUBTFUL])


def test_with_the_attempt_forgotten_it_is_paid_twice(
    forge: harness.Forge,
    desk: desks.Desk,
    there: Any,
    people: Any,
    monkeypatch: pytest.MonkeyPatch,
    control: None,
) -> None:
    """The harness sees it when the one thing is missing that keeps the finder from sending again."""
    row = desk_rows.approved(there, people)
    assert forge.run("submit_listed", at="F6=kill", row=row.pk, kind="listed_withdrawal").killed
    monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
    until = time.monotonic() + 30
    while desk.sent()[row.reference.value] < 2:
        assert time.monotonic() < until
        Withdrawal.objects.update(next_check_at=Now())
        polling.run_stuck(limit=10)
        time.sleep(0.1)
