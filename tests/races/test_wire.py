"""Broken lines between us and the provider: what never left is sent later, what may have left is only asked about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from payments.models import AccountHealth, Movement, ProviderAccount, ProviderCall, Reservation, Withdrawal
from payments.providers.errors import ProviderError
from payments.services import withdrawals
from tests.payments.providers.bitloga.facts import ERRORS, message
from tests.races import money
from tests.races.proxy import Proxy, breaking, nobody_there

pytestmark = pytest.mark.django_db(transaction=True)


def attempts(row: Withdrawal) -> list[str]:
    """How each call that would move money ended."""
    calls = ProviderCall.objects.filter(reference=row.reference, safe=False).order_by("id")
    return list(calls.values_list("outcome", flat=True))


def lead_through(account: ProviderAccount, address: str, settings: Any) -> None:
    """From now on the account is spoken to under this scheme://host:port."""
    rest = account.base_url.split("/", 3)[3]
    account.base_url = f"{address}/{rest}"
    ProviderAccount.objects.filter(pk=account.pk).update(base_url=account.base_url)
    settings.PROVIDER_INTERNAL_HOSTS |= {address.split("//")[1]}


class TestNothingLeft:
    """A08: refused, no such name, no TLS: all of it before the first byte."""

    def check(self, row: Withdrawal, box: Any) -> None:
        for _again in range(3):
            withdrawals.submit(withdrawal_id=row.pk)
        assert money.state(row) == "approved"
        assert attempts(row) == ["Unavailable"] * 3
        assert not money.accepts(box)
        assert Reservation.objects.filter(ended_at=None).count() == 1

    def test_refused_and_sent_later_under_the_same_reference(
        self, paying: Any, people: Any, gullible: Any
    ) -> None:
        row = money.approved(paying, people)
        gullible.pause()
        try:
            self.check(row, gullible)
        finally:
            gullible.resume()
        money.work_until(lambda: money.state(row) == "complete", seconds=5)
        assert money.accepts(gullible) == {row.reference.value: 1}
        money.check_promises(gullible, [row])

    def test_a_name_that_nobody_has(self, paying: Any, people: Any, box: Any, settings: Any) -> None:
        lead_through(paying, f"http://nobody.invalid:{box.port}", settings)
        self.check(money.approved(paying, people), box)

    def test_a_peer_that_does_not_speak_tls(self, paying: Any, people: Any, box: Any, settings: Any) -> None:
        lead_through(paying, f"https://127.0.0.1:{box.port}", settings)
        self.check(money.approved(paying, people), box)

    def test_a_peer_that_hangs_up_before_the_first_byte(
        self, paying: Any, people: Any, box: Any, settings: Any
    ) -> None:
        with breaking(box.port) as proxy:
            lead_through(paying, f"http://127.0.0.1:{proxy.port}", settings)
            row = money.approved(paying, people)
            with nobody_there(proxy):
                self.check(row, box)


class TestCut:
    """A09: the line is cut after n bytes, in either direction. From the first byte on it is only asked about."""

    @pytest.fixture
    def proxy(self, gullible: Any, paying: Any, settings: Any) -> Iterator[Proxy]:
        with breaking(gullible.port) as proxy:
            lead_through(paying, f"http://127.0.0.1:{proxy.port}", settings)
            yield proxy

    @staticmethod
    def measured(paying: Any, people: Any, proxy: Proxy) -> int:
        """How long a whole request is, with its headers."""
        row = money.approved(paying, people)
        withdrawals.submit(withdrawal_id=row.pk)
        assert money.state(row) == "complete"
        return proxy.seen

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_request_after_n_bytes(
        self, paying: Any, people: Any, gullible: Any, proxy: Proxy, every: bool
    ) -> None:
        whole = self.measured(paying, people, proxy)
        places = range(1, whole + 1)
        if not every:
            chosen = random.Random(9).sample(range(3, whole - 1), 18)
            places = sorted({1, 2, whole - 1, whole, *chosen})
        for cut in places:
            row = money.approved(paying, people)
            proxy.up = cut
            withdrawals.submit(withdrawal_id=row.pk)
            proxy.whole()
            assert money.state(row) == "unknown", f"cut after {cut} of {whole} bytes"
            assert attempts(row) == ["OutcomeUnknown"]
            for _again in range(2):
                with suppress(ProviderError):
                    withdrawals.refresh(withdrawal_id=row.pk)
            accepted = money.accepts(gullible)[row.reference.value]
            assert (money.state(row), accepted) in (("unknown", 0), ("complete", 1)), (
                f"cut after {cut} of {whole} bytes"
            )
            assert attempts(row) == ["OutcomeUnknown"]  # asked about, never sent again
            if cut == whole:
                assert accepted == 1
        money.check_promises(gullible)

    @pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_the_answer_after_n_bytes_heals_by_asking(
        self, paying: Any, people: Any, gullible: Any, proxy: Proxy, every: bool
    ) -> None:
        rows = []
        for cut in range(1, 700, 1 if every else 35):
            row = money.approved(paying, people)
            proxy.down = cut
            withdrawals.submit(withdrawal_id=row.pk)
            proxy.whole()
            assert money.state(row) in ("unknown", "complete")  # complete: the answer is shorter than the cut
            rows.append(row)
        money.make_due()
        money.work_until(lambda: money.states(rows)["complete"] == len(rows), seconds=10 + len(rows) / 2)
        assert all(len(attempts(row)) == 1 for row in rows)
        assert money.asked(gullible, "details") >= 10
        money.check_promises(gullible, rows)


#: Words of other calls' look-ups: said to a withdrawal they refuse nothing.
ELSEWHERE = {"Transaction is not found", "Code is not exist", "Code is not active", "Codes not found"}


def expected(error: dict[str, Any]) -> str:
    """Where the document's table leads a withdrawal that was answered with this text."""
    if error["text"] in ELSEWHERE or error["reason"] == "exists" or error["class"] == "OutcomeUnknown":
        return "unknown"
    return {"Refused": "failed", "Denied": "approved"}[error["class"]]


class TestWords:
    """A10: every documented text, and texts near them, as the answer to a withdrawal."""

    @staticmethod
    def answered(row: Withdrawal, box: Any, text: str, **more: Any) -> str:
        money.fault(box, "message", text=text, **more)
        AccountHealth.objects.update(state="new")  # what "denied" locks an admin would open again
        withdrawals.submit(withdrawal_id=row.pk)
        return money.state(row)

    def test_each_text_leads_where_the_table_says(self, paying: Any, people: Any, box: Any) -> None:
        assert len(ERRORS) >= 40
        wrong = {}
        for error in ERRORS:
            row = money.approved(paying, people)
            found = self.answered(row, box, message(error))
            if found != expected(error):
                wrong[error["text"]] = f"{found}, the table says {expected(error)}"
            held = Reservation.objects.filter(reference=row.reference, ended_at=None).exists()
            assert held == (found != "failed"), error["text"]
            if found == "approved":
                withdrawals.cancel(actor=people["operator"], withdrawal=row)
        assert not wrong
        assert not money.accepts(box)
        assert not Movement.objects.exists()
        AccountHealth.objects.update(state="new")

    @money.volumes(20, 120)
    def test_a_text_near_one_proves_nothing_and_is_asked_about(
        self, paying: Any, people: Any, gullible: Any, runs: int
    ) -> None:
        chance = random.Random(10)
        texts: set[str] = set()
        while len(texts) < runs:
            text = message(chance.choice(ERRORS))
            place = chance.randrange(len(text))
            near = [
                text[:place] + text[place + 1 :],
                text[:place] + "x" + text[place:],
                f"{text}.",
                f"Error: {text}",
            ]
            mutated = chance.choice(near)
            if not mutated.lower().startswith(("payment error: ", "for this currency m")):
                texts.add(mutated)
        rows = []
        for number, text in enumerate(sorted(texts)):
            row = money.approved(paying, people)
            # Every other one was accepted all the same.
            assert self.answered(row, gullible, text, accept=number % 2 == 0) == "unknown", text
            rows.append(row)
        money.make_due()
        money.work()
        assert money.states(rows) == {"complete": (runs + 1) // 2, "unknown": runs // 2}
        assert all(len(attempts(row)) == 1 for row in rows)
        money.check_promises(gullible, rows)
