"""The premium_exchanger client: every call of the document, sent and read. Holds no form, no text table, no rule.

Source: the document "API v1" of the PremiumExchanger script; every exchanger that runs it has its own domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from payments.providers.base import Forged, Hint, ProbeReport, Raw
from payments.providers.bids import (
    BidReport,
    BidRequest,
    BidRow,
    BidStateReport,
    CurrenciesReport,
    Direction,
    DirectionReport,
    Page,
    Quote,
    QuoteRequest,
)
from payments.providers.client import Client
from payments.providers.errors import Refused
from payments.providers.exchange import Request
from payments.providers.partner import (
    PartnerExchange,
    PartnerLink,
    PartnerPayoutCreated,
    PartnerPayoutReport,
    PartnerPayoutRequest,
    PartnerReport,
)
from payments.providers.premium_exchanger import (
    bids,
    callbacks,
    directions,
    envelope,
    fields,
    handles,
    parameters,
    partner,
    probe,
    scanning,
)
from payments.providers.redaction import Parameters, Secret

Report = TypeVar("Report")


class PremiumExchanger(Client):
    """One account at one exchanger. Every method raises only the closed set of `errors`.

    Calls that only ask are repeated within their time, although all of them are POST; `create_bid`,
    `cancel_bid`, `pay_bid`, `complete_bid` and `request_payout` are sent once.
    """

    name = "premium_exchanger"
    title = "PremiumExchanger"
    live_base_url = "https://your-exchanger.example/api/userapi/v1/"
    credentials = fields.CREDENTIALS
    bid_fields = fields.BID
    partner_payout_fields = fields.PARTNER_PAYOUT
    bid_words, payout_words = bids.WORDS, partner.PAYOUT_WORDS
    states_balances = False
    dedupes = "B"
    grades = {
        "create_bid": "B",
        "cancel_bid": "B",
        "pay_bid": "B",
        "success_bid": "C",
        "add_partner_payout": "C",
    }
    default_rate = 5
    hidden = frozenset({"api_login", "api_key", "api-login", "api-key", "callback_url"}) | handles.NAMES
    hidden_patterns = handles.PATTERNS
    redactor_class = handles.HandleRedactor

    # --- Directions ---
    def direction_currencies(self, *, give_id: str = "", get_id: str = "") -> CurrenciesReport:
        """What can be given and received: all, or what goes with the given currency ids."""
        operation = "get_direction_currencies"
        return self._ask(
            operation, parameters.currency_filter(operation, give_id, get_id), directions.currencies
        )

    def directions(self, *, give_id: str = "", get_id: str = "") -> Page[Direction]:
        """The pairs that are exchanged: all, or those of the given currency ids."""
        operation = "get_directions"
        sent = parameters.currency_filter(operation, give_id, get_id)
        return self._ask_list(operation, sent, directions.listed)

    def direction(self, direction_id: str = "", *, give_id: str = "", get_id: str = "") -> DirectionReport:
        """One direction with rate, limits and form. Found by its currencies, check what it is: the exchanger
        answers about its first one rather than about none.
        """
        sent = parameters.direction(direction_id, give_id, get_id)
        return self._ask("get_direction", sent, directions.one(direction_id))

    def calculate(self, request: QuoteRequest) -> Quote:
        """What an exchange would cost. Nothing is promised: a bid is calculated anew."""
        return self._ask(
            "get_calc",
            parameters.calculation(request),
            directions.calculated,
            parameters.cards(request.fields),
        )

    # --- Bids ---
    def create_bid(self, request: BidRequest) -> BidReport:
        """Make a bid; compare its amounts with the quote. Refused(reason="exists"): the reference was used.

        Takes more than two seconds there. After a doubt look for the reference in `bids`.
        """
        sent = parameters.bid(request)
        hidden = (
            Secret(request.callback_url.rstrip("/").rpartition("/")[2]),
            *parameters.cards(request.fields),
        )
        return self._move("create_bid", sent, bids.created(request.reference), hidden=hidden)

    def find_bid(self, *, provider_id: str = "", bid_hash: str = "") -> BidReport:
        """What became of a bid of this key. Refused(reason="not_found") proves nothing: it is also said
        while the bid's direction is switched off.
        """
        sent = parameters.bid_look_up(provider_id, bid_hash)
        read = bids.found(provider_id=provider_id, bid_hash=bid_hash)
        return self._ask("bid_info", sent, read, (Secret(bid_hash),))

    def cancel_bid(self, bid_hash: str) -> BidStateReport:
        """Cancel a bid. Works only where its actions say `can_cancel`."""
        return self._by_hash("cancel_bid", bid_hash)

    def pay_bid(self, bid_hash: str) -> BidStateReport:
        """Claim that a bid is paid. Works only where its actions say `can_pay`. Moves no money."""
        return self._by_hash("pay_bid", bid_hash)

    def complete_bid(self, bid_hash: str) -> BidStateReport:
        """Declare a bid complete, whatever its state: the exchanger checks nothing."""
        return self._by_hash("success_bid", bid_hash)

    def bids(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        ip: str = "",
        provider_id: str = "",
        reference: str = "",
        with_history: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[BidRow]:
        """Bids of this key, the last changed first. Times are Unix seconds in the exchanger's own zone: widen
        them by 26 hours. With `reference` only rows of exactly that one; none of them proves nothing.
        """
        sent = parameters.listing(
            "get_exchanges",
            since=since,
            until=until,
            ip=ip,
            provider_id=provider_id,
            reference=reference,
            with_history=with_history,
            limit=limit,
            offset=offset,
        )
        read = bids.listed(reference=reference, provider_id=provider_id)
        return self._ask_list("get_exchanges", sent, read)

    def scan_bids(
        self, *, since: int | None = None, until: int | None = None, with_history: bool = False
    ) -> Iterator[Page[BidRow]]:
        """All bids of a window, page by page, each page with what is new. Times as in `bids`."""

        def fetch(offset: int, limit: int) -> Page[BidRow]:
            return self.bids(since=since, until=until, with_history=with_history, limit=limit, offset=offset)

        return scanning.scan(fetch)

    # --- Partner programme ---
    def info(self) -> PartnerReport:
        """Our balance in the partner programme, and in which currencies it can be paid out."""
        return self._ask("get_partner_info", Parameters(), partner.info)

    def links(
        self, *, since: int | None = None, until: int | None = None, ip: str = "", limit: int = 100
    ) -> Page[PartnerLink]:
        """Who came by our links. Times as in `bids`."""
        sent = parameters.listing("get_partner_links", since=since, until=until, ip=ip, limit=limit)
        return self._ask_list("get_partner_links", sent, partner.links)

    def exchanges(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        ip: str = "",
        provider_id: str = "",
        with_history: bool = False,
        limit: int = 100,
    ) -> Page[PartnerExchange]:
        """Bids of people whom we brought, with our reward. Times as in `bids`."""
        sent = parameters.listing(
            "get_partner_exchanges",
            since=since,
            until=until,
            ip=ip,
            provider_id=provider_id,
            with_history=with_history,
            limit=limit,
        )
        return self._ask_list("get_partner_exchanges", sent, partner.exchanges)

    def payouts(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        provider_id: str = "",
        limit: int = 100,
    ) -> Page[PartnerPayoutReport]:
        """Our requests for payouts. Times as in `bids`."""
        sent = parameters.listing(
            "get_partner_payouts", since=since, until=until, provider_id=provider_id, limit=limit
        )
        return self._ask_list("get_partner_payouts", sent, partner.payouts)

    def request_payout(self, request: PartnerPayoutRequest) -> PartnerPayoutCreated:
        """Have the whole balance paid out. It has no reference: after a doubt look at `payouts`, never repeat."""
        sent = parameters.payout(request.fields)
        hidden = parameters.cards(request.fields)
        return self._move(
            "add_partner_payout", sent, partner.requested, hidden=hidden, proof=partner.is_taken
        )

    # --- Callbacks and the connection ---
    def read(self, raw: Raw) -> Hint | Forged:
        """Which bid a callback speaks of; nothing is signed, so it proves nothing."""
        return callbacks.read(raw)

    def check(self) -> ProbeReport:
        """Test the connection: our address as the exchanger sees it, user, language, partner.

        `facts` has a `warning` where the key is the exchanger's own.
        """
        return self._http.call(self._request("test", Parameters(), safe=True), probe.read)

    # --- Sending ---
    def _ask(
        self,
        operation: str,
        sent: Parameters,
        read: Callable[[Any, Any], Report],
        hidden: tuple[Secret, ...] = (),
    ) -> Report:
        request = self._request(operation, sent, safe=True, hidden=hidden)
        return self._http.call(request, envelope.reader(operation, read, safe=True))

    def _ask_list(self, operation: str, sent: Parameters, read: Callable[[Any, Any], Page[Any]]) -> Page[Any]:
        """A list that is empty may also be told as a refusal."""
        try:
            return self._ask(operation, sent, read)
        except Refused as refusal:
            if refusal.reason == "empty":
                return Page(())
            raise

    def _move(
        self,
        operation: str,
        sent: Parameters,
        read: Callable[[Any, Any], Report],
        *,
        hidden: tuple[Secret, ...] = (),
        proof: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> Report:
        request = self._request(operation, sent, safe=False, hidden=hidden)
        return self._http.call(request, envelope.reader(operation, read, safe=False, proof=proof))

    def _by_hash(self, operation: str, bid_hash: str) -> BidStateReport:
        sent = parameters.bid_hash(operation, bid_hash)
        return self._move(operation, sent, bids.state, hidden=(Secret(bid_hash),))

    def _request(
        self, operation: str, sent: Parameters, *, safe: bool, hidden: tuple[Secret, ...] = ()
    ) -> Request:
        language = self._secrets["api_lang"]
        return Request(
            operation,
            "POST",
            f"{self._base_url}{operation}",
            safe,
            body=parameters.encoded(sent),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "API-LOGIN": self._secret("api_login"),
                "API-KEY": self._secret("api_key"),
                "API-LANG": language if language else fields.LANGUAGE,
            },
            secrets=tuple(secret for secret in hidden if secret),
        )
