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
from payments.providers.premium_exchanger import bids as provider_bids
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
        found, is_whole = bids._scan(client, bid)
        assert is_whole
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
        assert bids._scan(client, bid) == ([], True)
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


@pytest.mark.django_db(transaction=True)
def test_whatever_the_zone_of_their_clock_nothing_is_missed_and_nothing_doubled(
    exchanger: Any, people: Any
) -> None:
    """H04: 60 bids around the edges of the windows, at exchangers whose clocks are up to 14 hours off: 60 of 60."""
    since = timezone.now() - dt.timedelta(days=70)
    edges = [since + number * bid_imports.WINDOW for number in range(3)]
    hours = (-26, -13, -1, 0, 1, 13, 26)
    moments = [edge + dt.timedelta(hours=hour, seconds=1) for edge in edges for hour in hours]
    moments = [one for one in moments if since <= one < timezone.now()]
    moments += [since + dt.timedelta(hours=26.3 * number) for number in range(60 - len(moments))]
    for moment in moments:
        exchanger.elsewhere(time=int(moment.timestamp()), api_id="")
    for zone in (-12, 14):
        exchanger.zone = zone
        account = exchangers.account(exchanger, name=f"zone {zone}")
        bid_imports.start(actor=people["operator"], account=account, since=since)
        for _twice in range(2):
            bid_imports.run(account_id=account.pk)
        numbers = list(Bid.objects.filter(account=account).values_list("provider_id", flat=True))
        assert sorted(numbers) == sorted(exchanger.bids)
        assert len(numbers) == 60


@pytest.mark.django_db(transaction=True)
def test_the_flag_of_success_decides_nothing(exchanger: Any, people: Any) -> None:
    """C05: both polarities of exchange_success with each of 16 statuses: 32 of 32 follow the status."""
    words = ["auto", *provider_bids.STATES, *sorted(provider_bids.NEED_PERSON), "verify_docs"]
    assert len(words) == 16
    ours = {word: provider_bids.STATES.get(word) for word in words}
    for word in words:
        exchanger.elsewhere(status=word, id=f"7{words.index(word):02}", api_id="")
    followed = 0
    for name, said in (("as documented", 0), ("as copies do", 1)):
        exchanger.flag = {"success": said}
        account = exchangers.account(exchanger, name=name)
        since = timezone.now() - dt.timedelta(days=1)
        bid_imports.start(actor=people["operator"], account=account, since=since)
        bid_imports.run(account_id=account.pk)
        there = {bid.provider_status: bid.status for bid in Bid.objects.filter(account=account)}
        # A word that we do not know, or that a person must look at, is there and in doubt; a hidden one is no bid yet.
        expected = {word: status or "unknown" for word, status in ours.items() if word != "auto"}
        assert there == expected
        followed += len(words)
    assert followed == 32


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
