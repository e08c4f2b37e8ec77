"""Vouchers for the tests of races and crashes: requests, somebody's codes, and the sandbox's ledger of codes.

The ledger is the witness, and so is its log of requests: a code that is sent twice is refused there, but it is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from backoffice.kit import office
from codes.models import Voucher
from codes.services import vouchers
from payments.models import ProviderCall
from payments.providers.base import VoucherRequest
from payments.services import calls
from tests import factories
from tests.races import money

NOTE = "We asked them."
WORTH = Decimal(7)  # of somebody's code
ENDED = {"active", "redeemed", "disabled", "failed", "unknown", "rejected", "canceled"}
DEBITED = ("active", "redeemed", "disabled")


# --- Rows ---
def ask(account: Any, actor: Any, count: int = 1, **changed: Any) -> list[Voucher]:
    """A request of 10 USDT each."""
    return factories.vouchers(account, actor=actor, count=count, **changed)


def approved(account: Any, people: Any, **changed: Any) -> Voucher:
    """One that another person has approved: due to be made."""
    (asked,) = ask(account, people["operator"], **changed)
    return vouchers.approve(actor=people["approver"], voucher=asked)


def outside(box: Any, *, password: str = "") -> str:
    """A code that somebody outside made."""
    fields = {"amount": str(WORTH), "currency": "USDT", "pass": password}
    return str(box.control("bitloga/codes", fields)["code"])


def redeeming(account: Any, people: Any, box: Any) -> Voucher:
    """Somebody's code that an operator has typed: due to be redeemed."""
    return vouchers.redeem(actor=people["operator"], account=account, code=outside(box))


def in_the_panel(account: Any, amount: str = "3") -> str:
    """A code that was made at the provider without us."""
    fields = {"amount": Decimal(amount), "currency": "USDT", "desc": "by hand"}
    return str(calls.client(account).create_code(VoucherRequest(fields=fields)).code)


def submit(row: Voucher) -> str:
    """What a worker does with it; its state afterwards."""
    vouchers.submit(voucher_id=row.pk)
    return money.state(row)


def lease_runs_out(row: Voucher) -> None:
    """The worker that has it has been silent for longer than its claim lasts."""
    Voucher.objects.filter(pk=row.pk).update(claimed_until=Now(), next_check_at=Now())


# --- The provider's side ---
def there(box: Any) -> list[dict[str, Any]]:
    """The codes that accounts made, those of outsiders left out."""
    return [one for one in box.control("bitloga/codes")["codes"] if one["account"]]


def made(box: Any) -> Counter[str]:
    """How many codes were made, by the reference at the head of their description."""
    return Counter(one["desc"][:18] for one in there(box) if one["desc"][:18].isdigit())


def applied(box: Any) -> Counter[str]:
    """How often each code was redeemed by an account."""
    rows = box.control("bitloga/transactions?kind=code_apply")["transactions"]
    return Counter(row["data"]["code"] for row in rows)


def arrived(box: Any, action: str) -> Counter[str]:
    """How often the very same bytes arrived, accepted or not."""
    return Counter(row["body_sha256"] for row in box.control(f"bitloga/requests?action={action}")["requests"])


def left(row: Voucher) -> int:
    """How many attempts were begun that are not proven to have had no effect."""
    attempts = ProviderCall.objects.filter(reference=row.reference, safe=False)
    return attempts.exclude(outcome__in=calls.NO_EFFECT).count()


# --- What must hold ---
def check_promises(box: Any, rows: Iterable[Voucher] | None = None) -> None:
    """V1 and V2 by the witness, then every invariant of our own books. `rows`: all of them have ended."""
    counted, credited = made(box), applied(box)
    for kind, counts in (("made", counted), ("redeemed", credited)):
        twice = {number: times for number, times in counts.items() if times > 1}
        assert not twice, f"V1: {kind} more than once: {twice}"
    known = {digest for (digest,) in Voucher.objects.exclude(code_digest="").values_list("code_digest")}
    for row in Voucher.objects.select_related("reference"):
        number = row.reference.value
        assert left(row) <= 1, f"V1: {number} was sent {left(row)} times"
        if not row.is_issued:
            if row.status == "redeemed" and left(row):
                assert credited[row.code] == 1, f"V1: {number} is redeemed here and was not there"
            if row.status in ("redeeming", "canceled"):
                assert not credited[row.code], f"V1: {number} is {row.status} here and was redeemed there"
        elif not row.found:
            # A code in doubt is the only one that may be there without being ours yet.
            if row.status != "unknown":
                was = row.status in DEBITED
                assert counted[number] == was, f"V1: {number} is {row.status} here, made {counted[number]}"
            if row.status in DEBITED:
                assert row.code_digest in known
    stray = set(counted) - set(Voucher.objects.values_list("reference__value", flat=True))
    assert not stray, f"V2: made, and nobody here asked for it: {stray}"
    broken = {name: part.check() for name, part in office.registry.invariants.items()}
    assert not any(broken.values()), broken
    if rows is not None:
        late = [(row.reference.value, money.state(row)) for row in rows if money.state(row) not in ENDED]
        assert not late, f"no end: {late}"
        unseen = [
            row.reference.value for row in rows if row.status == "unknown" and counted[row.reference.value]
        ]
        assert not unseen, f"made there with our reference, and not found again: {unseen}"


def check_kept(box: Any) -> None:
    """Every code of the provider's list stands here once, and is booked once at most."""
    assert sorted(
        one.code for one in Voucher.objects.filter(direction="issued").exclude(code_digest="")
    ) == sorted(one["code"] for one in there(box))
