"""The demo month: played on the sandbox through the services, and compared with it row by row."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice import demo
from codes.models import Voucher
from payments.models import Invoice, Movement, ProviderAccount, Withdrawal
from tests import factories
from tests.payments.conftest import box, running_box

__all__ = ["box", "running_box"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def home(settings: Any, tmp_path: Path, box: Any) -> Path:
    settings.DEBUG = True
    settings.HOME = tmp_path
    return tmp_path


class TestMonth:
    def test_it_is_plausible_agrees_with_the_sandbox_and_is_planted_once(
        self,
        home: Path,
        box: Any,
        capsys: Any,
    ) -> None:
        call_command("demo")
        assert "every row as the sandbox tells it" in capsys.readouterr().out
        assert Invoice.objects.count() > 50
        assert Withdrawal.objects.count() > 15
        assert Voucher.objects.count() > 20
        kinds = Counter(Movement.objects.values_list("kind", flat=True))
        assert set(kinds) >= {"invoice", "withdrawal", "fee", "reversal", "voucher", "redemption"}
        oldest = Movement.objects.order_by("booked_at").values_list("booked_at", flat=True)[0]
        assert timezone.now() - oldest > dt.timedelta(days=25)
        assert not Movement.objects.filter(booked_at__gt=timezone.now()).exists()
        assert Withdrawal.objects.filter(status="awaiting_approval").exists()
        # The sandbox's own ledger tells the same about each, and its clock stands where it stood.
        told = box.control("bitloga/transactions?kind=withdrawal")["transactions"]
        theirs = {row["uniqueid"]: row["status"] for row in told}
        words = {"complete": "Complete", "failed": "Error"}
        for row in Withdrawal.objects.select_related("reference").filter(status__in=words):
            assert theirs[row.reference.value] == words[row.status]
        stands = dt.datetime.fromisoformat(box.control("clock")["now"])
        assert abs(stands - timezone.now()) < dt.timedelta(seconds=2)
        before = Invoice.objects.count()
        call_command("demo")
        assert Invoice.objects.count() == before
        # A control: what the sandbox tells otherwise is seen.
        Voucher.objects.filter(status="active").update(status="disabled")
        assert demo.check()

    def test_it_refuses_when_an_account_is_not_the_sandbox_s(
        self,
        home: Path,
        box: Any,
        settings: Any,
    ) -> None:
        made = factories.account(box)
        ProviderAccount.objects.filter(pk=made.pk).update(base_url="https://example.com/api/v1/")
        with pytest.raises(CommandError, match="sandbox only"):
            call_command("demo")
        assert not Invoice.objects.exists()

    def test_it_refuses_outside_of_development(self, settings: Any) -> None:
        settings.DEBUG = False
        with pytest.raises(CommandError, match="DEBUG is off"):
            call_command("demo")


class TestClock:
    def test_it_stands_where_it_is_put_and_goes_back(self) -> None:
        moment = timezone.now() - dt.timedelta(days=9)
        with demo.standing_at(moment):
            assert dt.timedelta() <= timezone.now() - moment < dt.timedelta(seconds=5)
        assert timezone.now() - moment > dt.timedelta(days=8)
