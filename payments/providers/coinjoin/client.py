"""The coinjoin client: every call of the document, sent and read. Holds no form, no text table, no rule.

Source: the document of the CoinJoin API. It has no callbacks and takes no reference of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers.base import ProbeReport
from payments.providers.batches import AddressReport, BatchPage, BatchReport, BatchRequest, ServiceReport
from payments.providers.client import Client
from payments.providers.coinjoin import fields, listing, parameters, reading
from payments.providers.exchange import Answer, Request
from payments.providers.redaction import Secret
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")

JSON = "application/json;charset=utf-8"

ACCEPTED = _("accepted")
WRONG = _("wrong")
NOT_SIGNED = _("the answer carries none")
NOTHING_TO_CHECK = _("no batch to check it with yet")


class Coinjoin(Client):
    """One account at a service with this API. Every method raises only the closed set of `errors`.

    Calls that only ask are repeated within their time; `create` is sent once. `service_status` and
    `validate_address` are public: they need no keys and send none.
    """

    name = "coinjoin"
    title = "coinjoin"
    live_base_url = ""  # each service has its own: https://<its domain>/api/
    credentials = fields.CREDENTIALS
    batch_fields = fields.BATCH
    states_balances = False
    dedupes = "B"
    grades = {"createTransaction": "B"}
    default_rate = 2
    report_tag = "coinjoin"
    hidden = frozenset({"signature", "api_key", "secret_key", "authorization"})

    def create(self, request: BatchRequest) -> BatchReport:
        """Make an order. Nothing moves until its deposit is paid; there is no reference to find it again by."""
        body = money.dumps(parameters.batch(request))
        sent = Request(
            "createTransaction",
            "POST",
            f"{self._base_url}createTransaction",
            safe=False,
            body=body,
            headers={"Content-Type": JSON, "Authorization": self._bearer()},
        )
        read = reading.created(self._secret("secret_key"))
        return self._http.call(sent, reading.reader("createTransaction", read, safe=False))

    def find(self, provider_id: str) -> BatchReport:
        """What became of a batch. Refused(reason="not_found"): unknown there, which alone proves nothing."""
        read = reading.found(provider_id, self._secret("secret_key"))
        return self._ask("transaction", parameters.transaction(provider_id), read)

    def list(self, *, limit: int = 30, offset: int = 0) -> BatchPage:
        """One page of all batches, newest first. Its rows are not signed and may lack the deposit amount."""
        read = reading.page(self._secret("secret_key"))
        return self._ask("transactions", parameters.page(limit, offset), read)

    def scan(self, *, since: datetime | None = None, known: Collection[str] = ()) -> tuple[BatchReport, ...]:
        """Every batch made since then (or all), newest first, each once: complete, or OutcomeUnknown.

        `known` IDs let it stop after two pages in a row that hold nothing else.
        """
        return listing.scan(self.list, since=since, known=known)

    def validate_address(self, address: str) -> AddressReport:
        """The service's word on an address. Checksum and network: payments.addresses, before this is asked."""
        path = parameters.address(address)
        return self._ask("validateAddress", path, reading.address(address), public=True)

    def service_status(self) -> ServiceReport:
        """Whether the service works, and its clock."""
        return self._ask("status", "status", reading.service, public=True)

    def check(self) -> ProbeReport:
        """Test the connection: the service works, our key is accepted, and the newest batch is signed with the
        secret key that we have. Asks up to three times.
        """
        service = self.service_status()
        newest = self.list(limit=1).rows[:1]
        facts = {
            "service": service.provider_status,
            "key": ACCEPTED,
            "signature": self._signature_word(newest[0].provider_id) if newest else NOTHING_TO_CHECK,
        }
        return ProbeReport(service.ok, {}, service.clock_skew_ms, {**service.facts, **facts})

    def _signature_word(self, provider_id: str) -> str:
        return {True: ACCEPTED, False: WRONG, None: NOT_SIGNED}[self.find(provider_id).signature_ok]

    def _ask(
        self,
        operation: str,
        path: str,
        read: Callable[[Answer, dict[str, Any]], Report],
        *,
        public: bool = False,
    ) -> Report:
        headers = {} if public else {"Authorization": self._bearer()}
        request = Request(operation, "GET", f"{self._base_url}{path}", safe=True, headers=headers)
        return self._http.call(request, reading.reader(operation, read, safe=True))

    def _bearer(self) -> Secret:
        return Secret(f"Bearer {self._secret('api_key').reveal()}")
