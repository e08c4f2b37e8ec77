"""The client against the simulated exchanger: two readers of one document understand each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import Raw
from payments.providers.bids import BidRequest, QuoteRequest
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.http import Transport
from payments.providers.partner import PartnerPayoutRequest
from payments.providers.premium_exchanger.client import PremiumExchanger
from sandbox import server

PROVIDER = "premium_exchanger"
REFERENCE = "261120101530123456"
FIELDS: dict[str, Any] = {
    "direction_id": "10",
    "calc_amount": Decimal("9240"),
    "calc_action": "1",
    "account1": "4000123456789017",
    "cfgive8": "ANN LEE",
    "account2": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "cf6": "ann@example.com",
    "cf12": "2",
}


@pytest.fixture(scope="module")
def module_box() -> Iterator[server.Box]:
    with server.running() as box:
        yield box


@pytest.fixture
def box(module_box: server.Box) -> server.Box:
    module_box.control("reset", {})
    change(module_box, create_seconds=0)
    return module_box


@pytest.fixture
def client(box: server.Box) -> PremiumExchanger:
    keys = dict(box.account(provider=PROVIDER))
    host = box.url.partition("://")[2]
    return PremiumExchanger(
        base_url=keys.pop("base_url"),
        credentials=keys,
        transport=Transport(internal_hosts=frozenset({host}), read_pauses=(), read_timeout=2),
        account_key="sandbox",
    )


def change(box: server.Box, **settings: Any) -> None:
    box.control("settings", {"provider": PROVIDER, **settings})


def bid(**more: Any) -> BidRequest:
    return BidRequest(more.pop("reference", REFERENCE), FIELDS | more)


#: Every style in which the exchanger can print what it says.
STYLES: list[dict[str, Any]] = [
    {},
    {"error_style": "number", "amount_style": "number", "fields_shape": "list", "state_shape": "object"},
    {
        "error_style": "text",
        "empty_lists": "items",
        "success_flag": "document",
        "commission_name": "comission",
    },
    {"error_style": "mixed", "empty_lists": "refusal", "api_id_filter": "nothing", "utc_offset_hours": 11},
]


@pytest.mark.parametrize("style", STYLES, ids=["usual", "numbers", "texts", "refusals"])
class TestEveryCall:
    def test_directions(self, client: PremiumExchanger, box: server.Box, style: dict[str, Any]) -> None:
        change(box, **style)
        assert client.check().facts["ip"] == "127.0.0.1"
        assert [one.id for one in client.direction_currencies(give_id="2").get] == ["1", "5"]
        pages = client.directions()
        assert len(pages.rows) == 5
        assert pages.unreadable == ()
        for row in pages.rows:
            found = client.direction(row.id)
            assert found.id == row.id
            assert found.quote.course_give > 0
            for action in (1, 2, 3, 4):
                quote = client.calculate(QuoteRequest(row.id, Decimal(5000), action))
                assert quote.changed in (True, False)
        form = client.direction("10").form
        assert [one.name for one in form if one.required] == ["account1", "cfgive8", "account2", "cf6"]
        assert [one.name for one in form if one.calculates] == ["cf12"]

    def test_a_bid_and_what_becomes_of_it(
        self, client: PremiumExchanger, box: server.Box, style: dict[str, Any]
    ) -> None:
        change(box, **style)
        assert client.bids().rows == ()
        quote = client.calculate(QuoteRequest("10", Decimal(9240), 1, {"cf12": "2"}))
        made = client.create_bid(bid())
        assert (made.amount_give, made.amount_get) == (quote.give_with_fee, quote.get_with_fee)
        assert (made.status, made.actions.type, made.actions.can_pay) == ("new", "mypaid", True)
        assert made.actions.address == "4000 1234 5678 9017"
        assert client.find_bid(bid_hash=made.hash).provider_id == made.provider_id
        assert client.pay_bid(made.hash).status == "paid"
        assert client.complete_bid(made.hash).status == "complete"
        (row,) = client.bids(with_history=True).rows
        assert (row.reference, row.status) == (REFERENCE, "complete")
        assert [one.status for one in row.history] == ["new", "paid", "complete"]
        assert row.flag_contradicts_document is (style.get("success_flag") != "document")
        assert client.find_bid(provider_id=made.provider_id).actions.type == "finished"
        with pytest.raises(ProviderError):
            client.cancel_bid(made.hash)

    def test_the_partner_programme(
        self, client: PremiumExchanger, box: server.Box, style: dict[str, Any]
    ) -> None:
        change(box, **style)
        box.control(f"{PROVIDER}/partner/links", {})
        box.control(f"{PROVIDER}/partner/exchanges", {"reward": "0.45"})
        info = client.info()
        assert info.balance == Decimal("42.95")
        assert {method.commission for method in info.methods} == {"0%"}
        assert len(client.links().rows) == 1
        (referred,) = client.exchanges(with_history=True).rows
        assert (referred.accrued, referred.reward) == (True, Decimal("0.45"))
        assert client.payouts().rows == ()
        made = client.request_payout(PartnerPayoutRequest({"method_id": "2", "account": "TR7x"}))
        (payout,) = client.payouts(provider_id=made.provider_id).rows
        assert (payout.status, payout.original_amount) == ("pending", Decimal("42.95"))


class TestRefusals:
    def test_keys_address_and_methods(self, client: PremiumExchanger, box: server.Box) -> None:
        account = f"{PROVIDER}/accounts"
        box.control(account, {"name": "demo", "methods": "test"})
        with pytest.raises(Refused) as refused:
            client.create_bid(bid())
        assert refused.value.reason == "config"
        box.control(account, {"name": "demo", "methods": "all", "allowed_ips": "203.0.113.10"})
        for call in (client.check, lambda: client.create_bid(bid())):
            with pytest.raises(Denied):
                call()
        box.control(account, {"name": "demo", "allowed_ips": "", "user_id": 0})
        assert "warning" in client.check().facts
        box.control(account, {"name": "demo", "user_id": 17})
        change(box, api_access="disabled")
        with pytest.raises(Denied):
            client.check()

    def test_what_was_typed_wrong_stands_at_its_field(self, client: PremiumExchanger) -> None:
        with pytest.raises(Refused) as refused:
            client.create_bid(bid(cf6="nobody", calc_amount=Decimal(5)))
        assert set(refused.value.fields) == {"cf6", "calc_amount"}
        assert refused.value.fields["calc_amount"] == "min.: 1000 RUB"

    def test_a_used_reference(self, client: PremiumExchanger, box: server.Box) -> None:
        client.create_bid(bid())
        with pytest.raises(Refused) as refused:
            client.create_bid(bid())
        assert refused.value.reason == "exists"
        (row,) = box.control(f"{PROVIDER}/bids?api_id={REFERENCE}")["bids"]
        assert (row["accepts"], row["arrivals"]) == (1, 2)

    def test_a_live_bid_that_does_not_exist(self, client: PremiumExchanger, box: server.Box) -> None:
        made = client.create_bid(bid())
        box.control(f"{PROVIDER}/directions/10", {"active": False})
        with pytest.raises(Refused) as refused:
            client.find_bid(bid_hash=made.hash)
        assert refused.value.reason == "not_found"
        change(box, maintenance=True)
        with pytest.raises(OutcomeUnknown):
            client.find_bid(bid_hash=made.hash)
        change(box, maintenance=False)
        box.control(f"{PROVIDER}/directions/10", {"active": True})
        assert client.find_bid(bid_hash=made.hash).status == "new"

    def test_error_1_on_a_payout_that_was_taken(self, client: PremiumExchanger, box: server.Box) -> None:
        change(box, payout_error=True)
        made = client.request_payout(PartnerPayoutRequest({"method_id": "2", "account": "TR7x"}))
        assert (made.provider_id, made.complaint) == ("1", "no active partner program")
        assert box.control(f"{PROVIDER}/arrivals?method=add_partner_payout")["count"] == 1


MOVES: dict[str, Callable[[PremiumExchanger, str], Any]] = {
    "create_bid": lambda client, _hash: client.create_bid(bid(reference="7")),
    "cancel_bid": lambda client, hash: client.cancel_bid(hash),
    "pay_bid": lambda client, hash: client.pay_bid(hash),
    "success_bid": lambda client, hash: client.complete_bid(hash),
    "add_partner_payout": lambda client, _hash: client.request_payout(
        PartnerPayoutRequest({"method_id": "2", "account": "TR7x"})
    ),
}


class TestDoubt:
    @pytest.mark.parametrize("operation", MOVES)
    @pytest.mark.parametrize(
        "mode",
        ["drop_after", "half_body", "empty", "garbage_html", "truncated", "null", "status_500", "no_success"],
    )
    def test_what_may_have_worked_is_unknown_and_sent_once(
        self, client: PremiumExchanger, box: server.Box, operation: str, mode: str
    ) -> None:
        made = client.create_bid(bid())
        box.control("faults", {"provider": PROVIDER, "mode": mode, "action": operation})
        with pytest.raises(ProviderError) as raised:
            MOVES[operation](client, made.hash)
        assert type(raised.value) is OutcomeUnknown
        arrived = box.control(f"{PROVIDER}/arrivals?method={operation}")
        assert arrived["count"] == (2 if operation == "create_bid" else 1)
        assert arrived["arrivals"][0]["outcome"] == "accepted"

    def test_a_bid_in_doubt_is_found_by_its_reference_alone(
        self, client: PremiumExchanger, box: server.Box
    ) -> None:
        client.create_bid(bid(reference="1"))
        box.control("faults", {"provider": PROVIDER, "mode": "drop_after", "action": "create_bid"})
        with pytest.raises(OutcomeUnknown):
            client.create_bid(bid())
        # The exchanger's own filter looks at the bid's id: empty, or somebody else's.
        assert client.bids(reference=REFERENCE).rows == ()
        assert client.bids(reference="1").rows[0].provider_id == "1"
        assert client.bids(reference="2").rows == ()
        found = [row for page in client.scan_bids() for row in page.rows if row.reference == REFERENCE]
        assert [row.provider_id for row in found] == ["2"]

    def test_an_answer_about_another_bid(self, client: PremiumExchanger, box: server.Box) -> None:
        made = client.create_bid(bid())
        fault = {"provider": PROVIDER, "mode": "fields", "action": "bid_info", "fields": {"id": "99"}}
        box.control("faults", fault)
        with pytest.raises(OutcomeUnknown):
            client.find_bid(provider_id=made.provider_id)


class TestCallback:
    def test_the_client_reads_what_the_exchanger_sends(
        self, client: PremiumExchanger, box: server.Box
    ) -> None:
        request = BidRequest(
            REFERENCE, FIELDS, callback_url="http://127.0.0.1:9/callbacks/premium_exchanger/token/"
        )
        made = client.create_bid(request)
        change(box, callback_status=True)
        client.pay_bid(made.hash)
        (sent,) = box.control("callbacks")["callbacks"]
        assert client.read(Raw({}, sent["body"].encode())).reference == made.provider_id
