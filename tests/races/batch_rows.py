"""Batch payouts for the tests of races and crashes, and the sandbox's ledger of orders.

The provider takes no reference of ours: each batch here has a delay of its own, by which the witness knows it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from backoffice.kit import office
from payments.models import BatchPayout
from tests.payments import batches

_delays = itertools.count(1)


def typed() -> dict[str, Any]:
    """What nobody else types."""
    return {"delay": str(next(_delays)), "payouts": batches.ROWS}


def approved(account: Any, people: Any) -> BatchPayout:
    """One that another person has approved: due to be created."""
    return batches.approved(account, people, **typed())


def accepts(box: Any) -> Counter[str]:
    """How often the sandbox accepted an order, by our reference; under its delay where nobody here asked for it."""
    ours = dict(BatchPayout.objects.values_list("delay", "reference__value"))
    rows = box.control("coinjoin/transactions", {}, method="GET")["transactions"]
    return Counter(ours.get(int(row["delay"]), f"delay {row['delay']}") for row in rows)


def check_promises(box: Any, rows: Iterable[BatchPayout] | None = None) -> None:
    """V1 and V2 by the witness, then every invariant of our own books."""
    counted = accepts(box)
    twice = {number: times for number, times in counted.items() if times > 1}
    assert not twice, f"V1: created more than once: {twice}"
    stray = {number for number in counted if number.startswith("delay")}
    assert not stray, f"V2: created, and nobody here asked for it: {stray}"
    for row in BatchPayout.objects.filter(status="awaiting_deposit").select_related("reference"):
        assert counted[row.reference.value] == 1, (
            f"V1: {row} waits for a deposit and was never accepted there"
        )
    broken = {name: part.check() for name, part in office.registry.invariants.items()}
    assert not any(broken.values()), broken
