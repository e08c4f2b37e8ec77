"""The history of bids: the exchanger's words as we saw them, and the past as it tells it, each line once. Facts floor.

Moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from payments.models import Bid, BidStatus
from payments.providers.bids import BidStatusChange


def note_word(bid: Bid, word: str, status: str | None) -> None:
    """One line of history as we saw it, when the word is another than the last."""
    if not word:
        return
    last = bid.history.filter(is_told=False).order_by("-pk").values_list("provider_status", flat=True).first()
    if last != word[:64]:
        BidStatus.objects.create(bid=bid, provider_status=word[:64], status=status or "")


def note_history(*, bid_id: int, history: Iterable[BidStatusChange]) -> None:
    """Keep what the exchanger tells about the past of a bid, each line once."""
    note_histories({bid_id: history})


def note_histories(histories: Mapping[int, Iterable[BidStatusChange]]) -> None:
    """The same for several bids, by id."""
    BidStatus.objects.bulk_create(
        [
            BidStatus(
                bid_id=bid_id,
                provider_status=one.provider_status[:64],
                status=one.status or "",
                time_text=one.time_text,
                date_text=one.date_text,
                is_told=True,
            )
            for bid_id, history in histories.items()
            for one in history
        ],
        ignore_conflicts=True,
    )
