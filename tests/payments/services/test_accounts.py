"""Accounts: their keys, their addresses, the connection test, the breaker."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from backoffice.models import AuditEntry
from payments.models import AccountHealth, CallbackToken, ExceptionItem, ProviderAccount
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Unavailable
from payments.services import accounts, balances, callback_tokens, calls
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "canary-5ecret-0f-the-account"


def fault(box: Any, mode: str, *, action: str = "*", count: int = 1, **more: Any) -> None:
    box.control("faults", {"provider": "bitloga", "action": action, "mode": mode, "count": count, **more})


class TestCreate:
    def test_only_an_admin_may(self, box: Any, people: Any) -> None:
        for role in ("viewer", "operator", "approver", "finance"):
            with pytest.raises(PermissionDenied):
                factories.account(box, actor=people[role])
        assert factories.account(box, actor=people["admin"]).money_out is False

    def test_methods_and_callback_address_come_with_it(self, account: Any) -> None:
        codes = set(account.methods.values_list("code", flat=True))
        assert codes == {"BTC", "LTC", "USDTTRC20", "USDTERC20", "RUBBALANCE", "USDTBALANCE"}
        assert callback_tokens.callback_url(account).startswith("http")

    @pytest.mark.parametrize(
        "url",
        [
            "http://bitloga.com/api/v1/",
            "https://127.0.0.1/",
            "https://user:pw@bitloga.com/",
            "ftp://x/",
            "https://[::1]/",
            "nonsense",
        ],
    )
    def test_a_bad_address_is_named_at_its_field(self, people: Any, url: str) -> None:
        with pytest.raises(ValidationError) as caught:
            accounts.create(
                actor=people["admin"],
                provider="bitloga",
                name="x",
                base_url=url,
                credentials={"api_key": "a", "api_secret": "b"},
            )
        assert "base_url" in caught.value.error_dict

    def test_missing_and_unknown_keys_are_named(self, box: Any, people: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            accounts.create(
                actor=people["admin"],
                provider="bitloga",
                name="x",
                base_url=box.base_url(),
                credentials={"api_key": "with space ", "other": "1"},
            )
        assert set(caught.value.error_dict) == {"api_key", "api_secret", "other"}

    def test_the_secret_stands_nowhere_in_the_database(self, box: Any) -> None:
        accounts.create(
            actor=None,
            provider="bitloga",
            name="canary",
            base_url=box.base_url(),
            credentials={"api_key": "public", "api_secret": CANARY},
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{CANARY}%"])
                assert cursor.fetchone()[0] == 0, table


class TestChange:
    def test_another_host_clears_the_keys_and_tells_everybody(
        self, account: Any, people: Any, settings: Any
    ) -> None:
        settings.PROVIDER_INTERNAL_HOSTS |= {"127.0.0.1:1"}
        accounts.change(actor=people["admin"], account=account, base_url="http://127.0.0.1:1/api/")
        account.refresh_from_db()
        assert account.credentials == ""
        assert ExceptionItem.objects.get().kind == "account_moved"
        assert AuditEntry.objects.filter(verb="account.moved").exists()

    def test_another_path_keeps_them(self, account: Any, people: Any) -> None:
        accounts.change(actor=people["admin"], account=account, base_url=account.base_url + "v2/")
        account.refresh_from_db()
        assert account.keys["api_secret"]

    def test_an_unchanged_save_writes_no_audit(self, account: Any, people: Any) -> None:
        admin, before = people["admin"], AuditEntry.objects.count()
        accounts.change(actor=admin, account=account, name=account.name)
        assert AuditEntry.objects.count() == before

    def test_a_renewed_callback_address_retires_the_old_one(self, account: Any, people: Any) -> None:
        old = callback_tokens.callback_url(account)
        callback_tokens.renew_token(actor=people["admin"], account=account)
        assert callback_tokens.callback_url(account) != old
        assert CallbackToken.objects.filter(retired_at__isnull=False).count() == 1


class TestProbe:
    def test_it_tells_balances_and_clock(self, account: Any, people: Any) -> None:
        report = accounts.probe(actor=people["admin"], account=account)
        assert report.ok
        assert report.balances
        assert report.clock_skew_ms is not None and abs(report.clock_skew_ms) < 2000

    def test_wrong_keys_are_said(self, account: Any, people: Any) -> None:
        accounts.change(
            actor=people["admin"], account=account, credentials={"api_key": "no", "api_secret": "no"}
        )
        account.refresh_from_db()
        with pytest.raises(Denied):
            accounts.probe(actor=people["admin"], account=account)
        assert account.health.state == "denied"
        assert ExceptionItem.objects.get().kind == "denied"


class TestBreaker:
    def test_five_failures_open_it_and_one_probe_closes_it(
        self, account: Any, box: Any, settings: Any
    ) -> None:
        settings.BREAKER_PROBE_SECONDS = 600
        fault(box, "status_500", count=0)
        for _time in range(5):
            with pytest.raises(ProviderError):
                balances.refresh(account_id=account.pk)
        asked = len(box.control("bitloga/requests")["requests"])
        with pytest.raises(Unavailable):
            balances.refresh(account_id=account.pk)
        assert len(box.control("bitloga/requests")["requests"]) == asked
        health = AccountHealth.objects.get()
        assert health.state == "down"
        for _time in range(3):
            with pytest.raises(Unavailable):
                balances.refresh(account_id=account.pk)
        # What our own gate refuses does not push the probe further away.
        assert AccountHealth.objects.get().probe_at == health.probe_at
        box.control("faults", method="DELETE")
        AccountHealth.objects.update(probe_at=AccountHealth.objects.get().since)
        balances.refresh(account_id=account.pk)
        assert AccountHealth.objects.get().state == "ok"

    def test_one_account_that_is_down_does_not_stop_another(self, account: Any, box: Any) -> None:
        other = factories.account(box, rate_limit="500")
        AccountHealth.objects.filter(account=account).update(
            state="down", probe_at=other.created_at.replace(year=2999)
        )
        with pytest.raises(Unavailable):
            balances.refresh(account_id=account.pk)
        assert balances.refresh(account_id=other.pk)


class TestRateLimit:
    def test_more_calls_than_allowed_wait_or_are_refused(
        self, account: Any, people: Any, monkeypatch: Any
    ) -> None:
        ProviderAccount.objects.update(rate_limit=2)
        monkeypatch.setitem(calls.PATIENCE_SECONDS, "poll", 0.05)
        outcomes = []
        began = time.monotonic()
        for _time in range(6):
            try:
                balances.refresh(account_id=account.pk)
                outcomes.append("ok")
            except ProviderError as error:
                outcomes.append(type(error).__name__)
        assert outcomes.count("ok") <= 2 * (1 + int(time.monotonic() - began))
        assert "RateLimited" in outcomes

    def test_nothing_is_sent_while_the_broker_is_down(self, account: Any, box: Any, settings: Any) -> None:
        settings.REDIS_URL = "unix:///nowhere/at.all"
        calls._redis.cache_clear()
        calls._bucket.cache_clear()
        try:
            with pytest.raises(Unavailable):
                balances.refresh(account_id=account.pk)
        finally:
            calls._redis.cache_clear()
            calls._bucket.cache_clear()
        assert not box.control("bitloga/requests")["requests"]


class TestNetworkInTransaction:
    def test_no_provider_is_called_while_a_transaction_is_open(self, account: Any, box: Any) -> None:
        from django.db import transaction

        with pytest.raises(calls.NetworkInTransaction), transaction.atomic():
            balances.refresh(account_id=account.pk)
        assert not box.control("bitloga/requests")["requests"]


class TestGarbage:
    @pytest.mark.parametrize(
        "mode",
        [
            "garbage_html",
            "empty",
            "truncated",
            "null",
            "bom",
            "latin1",
            "no_success",
            "oversized",
            "status_302",
        ],
    )
    def test_it_is_shown_and_nothing_is_kept(self, account: Any, box: Any, mode: str) -> None:
        fault(box, mode, count=0)
        with pytest.raises((OutcomeUnknown, ProviderError)):
            balances.refresh(account_id=account.pk)
        health = AccountHealth.objects.get()
        assert health.state == "failing"
        assert health.last_error
