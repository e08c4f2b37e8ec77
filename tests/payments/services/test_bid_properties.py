"""C06, C11, H04: whatever an exchanger's list holds, only exactly our reference is taken, and no window leaves a gap."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.models import Bid, BidImport
from payments.providers.base import Field
from payments.providers.bids import BidRow, Page
from payments.services import bid_fields, bid_imports, bids, directions
from tests.payments import exchanger as exchangers

OURS = "261121101530123456"
NEAR = st.sampled_from(
    ["", " ", OURS, OURS[:-1], OURS + "0", f" {OURS}", f"0{OURS}", OURS[::-1], "501", "null", OURS[:9]]
)


def row(number: int, reference: str) -> BidRow:
    return BidRow(
        str(number),
        reference,
        "new",
        "new",
        False,
        "Sberbank",
        "Tether",
        "RUB",
        "USDT",
        Decimal(1),
        Decimal(1),
    )


class TestScan:
    """The exchanger's filter by reference may leave out everything or answer with somebody else's lines."""

    @settings(max_examples=1000, deadline=None)
    @given(filtered=st.lists(NEAR, max_size=6), pages=st.lists(st.lists(NEAR, max_size=8), max_size=4))
    def test_takes_only_lines_of_exactly_our_reference(
        self, filtered: list[str], pages: list[list[str]]
    ) -> None:
        client = SimpleNamespace(
            bids=lambda **_asked: Page(tuple(row(number, text) for number, text in enumerate(filtered))),
            scan_bids=lambda **_asked: iter(
                [Page(tuple(row(100 + number, text) for number, text in enumerate(page))) for page in pages]
            ),
        )
        bid: Any = SimpleNamespace(
            reference=SimpleNamespace(value=OURS), sent_at=None, created_at=timezone.now()
        )
        found = list(bids._scan(client, bid))
        assert all(one.reference == OURS for one in found)
        there = OURS in filtered or any(OURS in page for page in pages)
        assert bool(found) is there

    def test_looks_a_day_around_the_world_on_both_sides(self) -> None:
        asked: list[dict[str, Any]] = []

        def listed(**window: Any) -> Page[BidRow]:
            asked.append(window)
            return Page(())

        client = SimpleNamespace(bids=listed, scan_bids=lambda **window: iter([listed(**window)]))
        sent = timezone.now() - dt.timedelta(hours=3)
        bid: Any = SimpleNamespace(reference=SimpleNamespace(value=OURS), sent_at=sent, created_at=sent)
        assert not list(bids._scan(client, bid))
        for window in asked:
            assert window["since"] <= (sent - dt.timedelta(hours=26)).timestamp()
            assert window["until"] >= (timezone.now() + dt.timedelta(hours=25, minutes=59)).timestamp()


@pytest.mark.django_db(transaction=True)
def test_windows_of_an_import_leave_no_gap(exchanger: Any, people: Any) -> None:
    account = exchangers.account(exchanger)
    since = timezone.now() - dt.timedelta(days=200)
    bid_imports.start(actor=people["operator"], account=account, since=since)
    bid_imports.run(account_id=account.pk)
    windows = sorted(
        {
            (int(sent["start_time"]), int(sent["end_time"]))
            for name, sent in exchanger.asked
            if name == "get_exchanges"
        }
    )
    zones = 26 * 3600
    assert windows[0][0] <= since.timestamp() - zones + 1
    assert windows[-1][1] >= timezone.now().timestamp() + zones - 120
    for (_begin, end), (begin, _end) in itertools.pairwise(windows):
        assert begin <= end - 2 * zones + 2  # a time that is off by a day either way is in one of the two
    assert BidImport.objects.get().cursor >= since
    assert not Bid.objects.exists()


class TestStoredForm:
    """What a direction's form is kept as comes back as it was, whatever the exchanger calls its fields."""

    WORDS = st.text(
        alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=20
    )

    @settings(max_examples=300, deadline=None)
    @given(
        label=WORDS,
        help=WORDS,
        required=st.booleans(),
        calculates=st.booleans(),
        choices=st.lists(st.tuples(WORDS, WORDS), max_size=4),
    )
    def test_round_trip_and_no_wrong_default(
        self, label: str, help: str, required: bool, calculates: bool, choices: list[tuple[str, str]]
    ) -> None:
        import dataclasses

        from backoffice.kit import money

        field = Field(
            "cf12", label, "choice" if choices else "text", required, tuple(choices), help=help,
            calculates=calculates,
        )  # fmt: skip
        kept = money.loads(money.dumps({"direction": [dataclasses.asdict(field)]}))
        assert directions.form_of(kept)["direction"] == (field,)
        assert (bid_fields._problem(field, None) != "") is required
