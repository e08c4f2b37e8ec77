"""The client and the sandbox, each written from the document alone, understand each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import InvoiceRequest, WithdrawalRequest
from payments.providers.bitexbit.client import Bitexbit
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited, Refused, Unavailable
from payments.providers.http import Transport
from payments.providers.wallets import WalletRequest
from sandbox import server
from tests.payments.providers.bitexbit.facts import case

TRON = "TR4d6N2HoC3Annqt2JK6HhQWuNARMNx5pW"
REFERENCE = "261120101530123456"
CALLBACK = "http://127.0.0.1:9/callbacks/bitexbit/token-7/"


@pytest.fixture(scope="module")
def module_box() -> Iterator[server.Box]:
    with server.running() as box:
        yield box


@pytest.fixture
def box(module_box: server.Box) -> server.Box:
    module_box.control("reset", {"accounts": True})
    return module_box


@pytest.fixture
def client(box: server.Box) -> Bitexbit:
    keys = box.account(provider="bitexbit")
    return Bitexbit(
        base_url=keys["base_url"],
        credentials={"api_key": keys["api_key"], "api_secret": keys["api_secret"]},
        transport=Transport(internal_hosts=frozenset({f"127.0.0.1:{box.port}"}), read_pauses=()),
        account_key=f"sandbox-{box.port}",
    )


def settings(box: server.Box, **changed: Any) -> None:
    box.control("settings", {"provider": "bitexbit", **changed})


def withdraw(client: Bitexbit, **changed: Any) -> Any:
    given = {"ticker": "USDT", "network": "tron", "address": TRON, "amount": Decimal(22), **changed}
    return client.withdraw(WithdrawalRequest(REFERENCE, given, CALLBACK))


def invoice(client: Bitexbit, **changed: Any) -> Any:
    given = {"ticker": "UAH", "network": "wiretransfer", "amount": Decimal(300), "client_ip": "203.0.113.7"}
    return client.create_invoice(InvoiceRequest(REFERENCE, given | changed, CALLBACK))


def wallet(client: Bitexbit, **changed: Any) -> Any:
    return client.create_wallet(WalletRequest({"ticker": "USDT", "network": "tron", **changed}, CALLBACK))


def accepted(box: server.Box, kind: str) -> int:
    return int(box.control(f"bitexbit/transactions?kind={kind}")["count"])


class TestRounds:
    def test_check_and_methods(self, client: Bitexbit) -> None:
        report = client.check()
        assert report.ok
        assert abs(report.clock_skew_ms or 0) < 1500
        methods = {method.code: method for method in client.payment_methods()}
        assert methods["UAH:wiretransfer"].is_fiat
        assert methods["USDT:ethereum"].withdrawal.fee_currency == "ETH"
        assert not methods["EUR:sepa"].deposit.enabled

    def test_a_wallet_and_its_deposit(self, client: Bitexbit, box: server.Box) -> None:
        settings(box, deposit_seconds=60)
        made = wallet(client, convert_ticker="ETH", convert_percent="-0.5", convert_limit=Decimal(10))
        (listed,) = client.wallets()
        assert listed == made
        assert listed.callback_url == CALLBACK
        assert listed.conversion.percent == Decimal("-0.5")
        box.control(f"bitexbit/wallets/{made.provider_id}/deposit", {"amount": "50", "aml_risk": "12.5"})
        (pending,) = client.scan_deposits()
        assert (pending.status, pending.gross, pending.aml.risk) == ("pending", 50, "12.5")
        box.control("clock", {"advance": 61})
        (confirmed,) = client.scan_deposits(ticker="USDT", address=made.address)
        assert (confirmed.status, confirmed.wallet_id) == ("confirmed", made.provider_id)
        assert confirmed.identity == pending.identity

    def test_an_invoice_and_its_payment(self, client: Bitexbit, box: server.Box) -> None:
        made = invoice(client)
        assert made.payment_url.startswith(box.url)
        (listed,) = client.scan_invoices()
        assert (listed.provider_id, listed.callback_url, listed.amount) == (made.provider_id, CALLBACK, 300)
        assert client.scan_invoice_payments() == []
        box.control(f"bitexbit/invoices/{made.provider_id}/pay", {})
        (paid,) = client.scan_invoice_payments()
        assert (paid.status, paid.amount, paid.fee, paid.gross) == ("confirmed", 292, 8, 300)

    @pytest.mark.parametrize("style", ["document", "text", "number"])
    def test_a_withdrawal_through_all_statuses(self, client: Bitexbit, box: server.Box, style: str) -> None:
        settings(box, withdraw_path=[], status_style=style)
        made = withdraw(client, auto_buy_ticker="ETH", auto_buy_percent=Decimal(2), fee_payer="2")
        assert (made.status, made.fee_payer, made.auto_buy.symbol) == ("pending", "amount", "ETH_USDT")
        for verb, status in (
            *(("confirm", "pending"), ("verify", "pending"), ("moderate", "pending")),
            *(("approve", "pending"), ("suspend", "pending"), ("done", "complete")),
            *(("refuse", "failed"), ("cancel", "failed"), ("odd", None)),
        ):
            box.control(f"bitexbit/withdrawals/{REFERENCE}/{verb}", {"status": "99"})
            assert client.find_withdrawal(REFERENCE).status == status

    def test_the_undocumented_zero(self, client: Bitexbit, box: server.Box) -> None:
        settings(box, withdraw_first="0", withdraw_path=[])
        assert (withdraw(client).status, withdraw(client).provider_status) == (None, "0")

    def test_a_card(self, client: Bitexbit) -> None:
        made = withdraw(
            client,
            ticker="UAH",
            network="wiretransfer",
            amount=Decimal(200),
            address="",
            card="4111111111111111",
        )
        assert made.purse == "4111111111111111"


class TestRefusals:
    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"amount": Decimal(1)}, "amount"),
            ({"address": "x"}, "address"),
            ({"network": "bitcoin"}, "network"),
            ({"auto_buy_ticker": "XRP", "auto_buy_percent": "1"}, "auto_buy_ticker"),
        ],
    )
    def test_at_their_field(self, client: Bitexbit, changed: Any, field: str) -> None:
        with pytest.raises(Refused) as refused:
            withdraw(client, **changed)
        assert list(refused.value.fields) == [field]

    def test_a_used_reference_where_they_are_refused(self, client: Bitexbit, box: server.Box) -> None:
        settings(box, dedup=True)
        withdraw(client)
        with pytest.raises(Refused) as refused:
            withdraw(client)
        assert refused.value.reason == "exists"
        assert client.find_withdrawal(REFERENCE).provider_id

    def test_no_access_too_fast_and_down(self, client: Bitexbit, box: server.Box) -> None:
        withdraw(client)
        box.control("bitexbit/accounts", {"name": "demo", "access": False})
        with pytest.raises(Denied):
            withdraw(client)
        box.control("bitexbit/accounts", {"name": "demo", "access": True})
        settings(box, rate_limit=0, retry_after=7)
        with pytest.raises(RateLimited) as limited:
            withdraw(client)
        assert limited.value.retry_after == 7
        assert accepted(box, "withdrawal") == 1


class TestClock:
    @pytest.mark.parametrize("ahead", [5, 3600])
    def test_a_clock_that_is_off_stops_what_moves(
        self, client: Bitexbit, box: server.Box, ahead: int
    ) -> None:
        settings(box, date_offset_seconds=ahead)
        for move in (withdraw, invoice, wallet):
            with pytest.raises((Unavailable, Denied)) as refused:
                move(client)
            assert "seconds apart" in refused.value.staff % refused.value.params
        with pytest.raises(Denied):
            client.check()
        assert box.control("bitexbit/transactions")["count"] == 0


class TestDoubt:
    """What was accepted although the answer was lost is found, once; nothing is sent again."""

    MODES = (
        "drop_after",
        "garbage_html",
        "empty",
        "truncated",
        "null",
        "status_500",
        "half_body",
        "oversized",
    )

    @pytest.mark.parametrize(
        ("move", "action", "find"),
        [
            (withdraw, "withdraw/create", lambda client: [client.find_withdrawal(REFERENCE)]),
            (invoice, "invoice/create", lambda client: client.scan_invoices()),
            (wallet, "wallet/create", lambda client: client.wallets()),
        ],
    )
    def test_accepted_and_lost(
        self,
        client: Bitexbit,
        box: server.Box,
        move: Callable[[Bitexbit], Any],
        action: str,
        find: Callable[[Bitexbit], Any],
    ) -> None:
        kind = action.partition("/")[0].replace("draw", "drawal")
        for mode in self.MODES:
            with case(mode):
                box.control("reset", {})
                client.check()
                box.control("faults", {"provider": "bitexbit", "action": action, "mode": mode})
                with pytest.raises(OutcomeUnknown):
                    move(client)
                (found,) = find(client)
                assert found.callback_url == CALLBACK
                arrived = box.control(f"bitexbit/requests?action={action}")["count"]
                rows = box.control(f"bitexbit/transactions?kind={kind}")
                assert (arrived, rows["count"], rows["transactions"][0]["accepts"]) == (1, 1, 1)

    @pytest.mark.parametrize("move", [withdraw, invoice, wallet])
    def test_lost_on_the_way(
        self, client: Bitexbit, box: server.Box, move: Callable[[Bitexbit], Any]
    ) -> None:
        client.check()
        box.control("faults", {"provider": "bitexbit", "mode": "drop_before"})
        with pytest.raises(OutcomeUnknown):
            move(client)
        assert box.control("bitexbit/transactions")["count"] == 0
        with pytest.raises(Refused) as refused:
            client.find_withdrawal(REFERENCE)
        assert refused.value.reason == "not_found"


class TestImport:
    @pytest.mark.parametrize(("past_the_end", "count"), [("404", 220), ("empty", 110)])
    def test_lists_that_grow_while_they_are_read(
        self, client: Bitexbit, box: server.Box, past_the_end: str, count: int
    ) -> None:
        settings(box, deposit_seconds=0, past_the_end=past_the_end)
        made = wallet(client)
        box.control(f"bitexbit/wallets/{made.provider_id}/deposit", {"count": count, "amount": "5"})
        box.control("bitexbit/withdrawals/elsewhere", {"count": count})
        before = {
            row["uniqueid"] for row in box.control("bitexbit/transactions?kind=deposit")["transactions"]
        }
        settings(box, arrivals_per_page=7)
        found = [row.transaction_id for row in client.scan_deposits()]
        assert len(found) == len(set(found))
        assert before <= set(found)
        numbers = [row.provider_id for row in client.scan_withdrawals()]
        assert len(numbers) == len(set(numbers)) >= count
        assert {str(number) for number in range(1, count + 1)} <= set(numbers)

    def test_a_window(self, client: Bitexbit, box: server.Box) -> None:
        box.control("bitexbit/withdrawals/elsewhere", {"count": 250})
        box.control("clock", {"advance": 3600})
        withdraw(client)
        (listed,) = client.withdrawal_page(limit=1).rows
        since: datetime = listed.created_at - timedelta(minutes=1)
        assert [row.reference for row in client.scan_withdrawals(since)] == [REFERENCE]
        assert client.find_withdrawal(REFERENCE, since=since).provider_id == "251"
