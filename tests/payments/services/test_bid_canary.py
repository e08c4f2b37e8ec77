"""A bid's hash, with which anybody could cancel or complete it, stands in nothing that a bid's life leaves behind.

Only the bid itself has it, encrypted like the links that people open. Searched are all tables as text, the broker and
the log.
"""

from __future__ import annotations

import base64
import logging
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client

from backoffice.tasks import index_object
from payments.models import Bid, Callback, ProviderCall
from payments.providers.errors import ProviderError
from payments.services import bid_acts, bid_decisions, bid_imports, bids, callback_tokens, callbacks
from tests.crash.test_voucher_canary import broker, clean_broker, database, listening
from tests.payments import exchanger as exchangers

__all__ = ["clean_broker"]
pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "qZ7canaryKx"


def leaks(*texts: tuple[str, str]) -> list[str]:
    """Where any handle of this exchanger stands, also in base64."""
    needles = (CANARY, base64.b64encode(CANARY.encode()).decode()[:-4])
    return [
        f"{place}: {text[:300]}"
        for place, text in (*database(), *broker(), *texts)
        if any(needle in text for needle in needles)
    ]


def test_nothing_of_it_stands_anywhere(
    exchanger: Any,
    transactional_db: None,
    people: Any,
    clean_broker: None,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    exchanger.hash = CANARY + "{}"
    account = exchangers.account(exchanger)
    exchangers.direction(account)
    exchangers.book(account)
    row, info = exchanger._row, exchanger._info
    exchanger._row = lambda bid, sent: row(bid, sent) | {"hash": bid["hash"]}

    def linked(bid: dict[str, Any]) -> dict[str, Any]:
        link = f"https://exchanger.example/go/{bid['hash']}"
        acts = {"type": "link", "cancel": link, "pay": link, "instruction": f"<p>See {link}</p>"}
        return info(bid) | {"api_actions": acts}

    words: list[str] = []
    with listening() as log:
        # Made, lost and found, held, asked about, with links that repeat it.
        bid = exchangers.made(account)
        exchanger._info = linked
        exchanger.fail("create_bid", "drop_after")
        lost = exchangers.asked(account)
        bids.submit(bid_id=lost.pk)
        bids.refresh(bid_id=lost.pk)
        lost.refresh_from_db()
        exchanger._info = info
        for one in (bid, lost):
            exchanger.word(one.provider_id, "verify")
            bids.refresh(bid_id=one.pk)
            exchanger.bids[one.provider_id]["hash"] = CANARY + "other"
            bids.refresh(bid_id=one.pk)  # held: another handle
            exchanger.bids[one.provider_id]["hash"] = Bid.objects.get(pk=one.pk).handle
        # Acted upon: taken, refused with an echo, broken.
        for act, answer in (
            (bid_acts.cancel, {"error": 1, "error_text": "<b>CANARY</b> is closed", "data": []}),
            (bid_acts.pay, "garbage_after"),
            (bid_acts.complete, ""),
        ):
            row_ = exchangers.made(account)
            if isinstance(answer, dict):
                handle = exchanger.bids[row_.provider_id]["hash"]
                answer |= {"error_text": f"<b>{handle}</b> is closed", "error_fields": {"x": handle}}
            exchanger.fail(f"{act.__name__}_bid", answer)
            more = {"note": "It arrived."} if act is bid_acts.complete else {}
            made = act(actor=people["operator"], bid=row_, **more)
            if more:
                bid_decisions.confirm(actor=people["approver"], bid=row_)
            bid_acts.submit(act_id=made.pk)
            with suppress(ProviderError):
                bids.refresh(bid_id=row_.pk)
        exchanger._info = linked
        bids.refresh(bid_id=lost.pk)
        exchanger._info = info
        # Told by a callback, and by the list when bids made elsewhere are read, also in a line that nobody can read.
        exchanger.elsewhere()
        exchanger.elsewhere(amount_get="?")
        bid_imports.start(actor=people["operator"], account=account, since=bid.created_at)
        bid_imports.run(account_id=account.pk)
        body = f"bid_id={bid.provider_id}&hash={CANARY}501&url=https://exchanger.example/hst_{CANARY}501/"
        address = callback_tokens.object_callback_url(bid.reference).removeprefix(settings.PUBLIC_URL)
        Client().post(address, body, content_type="application/x-www-form-urlencoded")
        for pk in callbacks.claim(5):
            callbacks.process(callback_id=pk)
        # A worker falls over with the answer in its hands.
        settings.FAILPOINTS = True
        monkeypatch.setenv("BACKOFFICE_FAILPOINT", "F9=raise")
        fallen = exchangers.asked(account)
        try:
            bids.submit(bid_id=fallen.pk)
        except Exception:
            logging.getLogger("celery.app.trace").exception("Task failed", extra={"row": fallen})
        monkeypatch.setenv("BACKOFFICE_FAILPOINT", "")
        for one in Bid.objects.all():
            index_object("bid", one.pk)
            words.append(f"{one!r} {one} {bids.search_text(one)}")
        logged = log.getvalue()
    assert "provider.call" in logged and "Traceback" in logged
    kept = ProviderCall.objects.exclude(response="")
    assert {"create_bid", "bid_info", "get_exchanges", "cancel_bid", "pay_bid", "success_bid"} <= set(
        kept.values_list("operation", flat=True)
    )
    assert Callback.objects.get().status == "done"
    told = [("log", line) for line in logged.splitlines()] + [("words", text) for text in words]
    assert leaks(*told) == []
    # The links still work, and the search can find.
    lost.refresh_from_db()
    assert lost.pay_url == lost.cancel_url == f"https://exchanger.example/go/{lost.handle}"
    assert CANARY in lost.handle and CANARY in Bid.objects.get(pk=bid.pk).page_url
    assert Bid.objects.filter(pk=lost.pk).update(purpose=lost.pay_url)
    assert [place.split(":")[0] for place in leaks()] == ["table payments_bid"]
