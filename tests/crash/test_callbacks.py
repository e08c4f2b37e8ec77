"""D13: a worker is killed when it has taken a callback, or between its effect and its mark. It counts once."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import Client

from backoffice.kit import money as numbers
from payments.models import Callback, Invoice, Movement
from payments.services import callback_tokens, callbacks
from tests import factories
from tests.crash.harness import Forge
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)


def paid(account: Any, box: Any) -> Invoice:
    """An invoice that the payer has paid, and whose callback has arrived."""
    invoice = factories.open_invoice(account)
    box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
    body = numbers.dumps(
        {
            "to": invoice.method,
            "amount": invoice.expected,
            "purse": "",
            "type": "Invoice",
            "status": "Payed",
            "invoiceid": 5,
            "uniqueid": invoice.reference.value,
        }
    )
    signature = hmac.new(account.keys["api_secret"].encode(), body, hashlib.sha512).hexdigest()
    path = callback_tokens.callback_url(account).removeprefix(settings.PUBLIC_URL)
    answer = Client().post(path, body, content_type="application/json", headers={"X-SIGNATURE": signature})
    assert answer.status_code == 200
    return invoice


class TestKilled:
    @pytest.mark.parametrize("place", ["claimed", "applied"])
    @money.volumes(10, 100)
    def test_it_is_processed_once(
        self, forge: Forge, box: Any, transactional_db: None, place: str, runs: int
    ) -> None:
        account = factories.account(box, rate_limit="500")
        for _run in range(runs):
            paid(account, box)
        for _run in range(runs):
            assert forge.run("callback", place=place, settings={"CLAIM_SECONDS": 2}).killed
        assert not Callback.objects.exclude(status="working").exists()
        assert Movement.objects.count() == (0 if place == "claimed" else runs)
        while Callback.objects.filter(next_try_at__gt=Now()).exists():
            time.sleep(0.05)
        for callback_id in callbacks.claim(runs):
            callbacks.process(callback_id=callback_id)
        assert set(Callback.objects.values_list("status", flat=True)) == {"done"}
        assert set(Invoice.objects.values_list("status", flat=True)) == {"paid"}
        assert Movement.objects.count() == runs
