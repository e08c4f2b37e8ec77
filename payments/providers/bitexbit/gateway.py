"""How bitexbit is called: signed, judged, its clock compared, its lists read page by page. Knows no noun.

Calls that only ask are repeated within their time, each time with a fresh deadline; what moves or creates is sent once,
and not at all while the clocks are known to be apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Hashable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from backoffice.kit import money
from payments.providers.answers import Unreadable
from payments.providers.bitexbit import clock, paging, parameters, reading, refusals
from payments.providers.bitexbit.paging import Page
from payments.providers.bitexbit.signing import SignedHeaders
from payments.providers.client import Client
from payments.providers.errors import Denied, OutcomeUnknown, Unavailable
from payments.providers.exchange import Answer, Request
from payments.providers.redaction import Parameters, Secret
from payments.providers.wallets import BadRow
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")
Row = TypeVar("Row")
Read = Callable[[Any, Any], Report]

PREFIX = "api/gateway/"
NOT_COMPARED = _("bitexbit's clock could not be compared with ours before sending. Nothing was sent.")


def token(callback_url: str) -> Secret:
    """The last part of a callback address of ours: whoever knows it can call us."""
    return Secret(callback_url.rstrip("/").rpartition("/")[2])


class Gateway(Client):
    """Base of bitexbit's client."""

    def _ask(
        self,
        operation: str,
        path: str,
        query: Mapping[str, str],
        read: Read[Report],
        gone: Report | None = None,
    ) -> Report:
        """A call that changes nothing. `gone` is what a 404 means, where it means something."""
        request, sent = self._signed(operation, "GET", path, query=query, safe=True)
        judge = self._judge(operation, sent, read, safe=True, gone=gone)
        return self._talk(request, judge)

    def _talk(self, request: Request, judge: Callable[[Answer], Report]) -> Report:
        """Ask. Raises Denied for a 401 also where there was no time for the second try that would have told."""
        try:
            return self._http.call(request, judge)
        except OutcomeUnknown as error:
            if error.code != "401":
                raise
            shown = error.provider_message
        line = f"{request.operation}: HTTP 401"
        raise Denied(line, code="401", provider_message=shown, staff=refusals.KEYS)

    def _move(
        self,
        operation: str,
        path: str,
        values: Parameters,
        read: Read[Report],
        hidden: tuple[Secret, ...] = (),
    ) -> Report:
        """A call that moves or creates. Raises Unavailable, before anything is sent, while the clocks are apart."""
        self._compare_clocks()
        request, sent = self._signed(operation, "POST", path, values=values, safe=False, hidden=hidden)
        return self._http.call(request, self._judge(operation, sent, read, safe=False))

    def _page(
        self,
        operation: str,
        path: str,
        read: Callable[[Mapping[str, Any], Mapping[str, Any]], Row],
        query: Mapping[str, str],
        bad: list[BadRow] | None = None,
    ) -> Page[Row]:
        """One page of a list. A page behind the last one is empty and counts nothing."""
        gone: Page[Row] | None = Page((), None, False) if query.get("page", "1") != "1" else None
        return self._ask(operation, path, query, reading.page(read, bad), gone)

    def _scan(
        self,
        operation: str,
        path: str,
        read: Callable[[Mapping[str, Any], Mapping[str, Any]], Row],
        *,
        identity: Callable[[Row], Hashable],
        made_at: Callable[[Row], datetime | None],
        mark: Callable[[Row], str] = lambda _row: "",
        since: datetime | None,
        known: Container[Any] = (),
        bad: list[BadRow] | None = None,
        filters: Mapping[str, str] | None = None,
        allowed: tuple[str, ...] = (),
    ) -> list[Row]:
        """A whole list, newest first, back to `since`. Rows that cannot be read go to `bad`, each once."""
        unread: list[BadRow] | None = None if bad is None else []

        def page(number: int, limit: int) -> Page[Row]:
            query = parameters.page_query(page=number, limit=limit, filters=filters or {}, allowed=allowed)
            return self._page(operation, path, read, query, unread)

        found = paging.scan(paging.Listing(page, identity, made_at, mark), since, known=known)
        if bad is not None:
            bad.extend({row.mark: row for row in unread or ()}.values())
        return found

    # --- One call ---
    def _signed(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        safe: bool,
        query: Mapping[str, str] | None = None,
        values: Parameters | None = None,
        hidden: tuple[Secret, ...] = (),
    ) -> tuple[Request, SignedHeaders]:
        body = b"" if values is None else money.dumps(values)
        signed_path = f"/{PREFIX}{path}"
        sent = SignedHeaders(self._secret("api_key"), self._secret("api_secret"), path=signed_path, body=body)
        url = f"{self._base_url}{PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")
        secrets = (sent.issued, *hidden)
        return Request(operation, method, url, safe, body=body, headers=sent, secrets=secrets), sent

    def _judge(
        self,
        operation: str,
        sent: SignedHeaders,
        read: Read[Report],
        *,
        safe: bool,
        gone: Report | None = None,
    ) -> Callable[[Answer], Report]:
        tries = 0

        def judge(answer: Answer) -> Report:
            nonlocal tries
            tries += 1
            clock.note(self._base_url, answer.clock_skew_ms, time.monotonic() - sent.made_at)
            if answer.status == refusals.NOT_THERE and gone is not None:
                return gone
            if answer.status == 401 and safe and tries == 1 and not self._is_apart():
                # Its deadline may just have passed: it is asked once more, with a fresh one.
                raise OutcomeUnknown(
                    f"{operation}: HTTP 401", code="401", provider_message=refusals.shown(answer)
                )
            problem = ""
            try:
                data = refusals.judged(answer, operation=operation, safe=safe, place=self._base_url)
                return read(data, money.loads(answer.redacted))
            except Unreadable as error:
                problem = str(error)
            except ValueError:
                problem = "it cannot be shown without its secrets"
            raise OutcomeUnknown(f"{operation}: {problem}", staff=refusals.GARBLED if safe else "")

        return judge

    # --- The clocks ---
    def _is_apart(self) -> bool:
        return clock.is_apart(clock.known(self._base_url))

    def _compare_clocks(self) -> None:
        """Raises Unavailable while our clock is known to be more than two seconds off; asks first if nobody knows.

        An answer that shows no time, or came too slowly to show it, stops nothing: bitexbit checks deadlines itself.
        """
        answered = clock.known(self._base_url) is not None
        if not answered:
            query = parameters.page_query(limit=1, filters={}, allowed=())
            with suppress(OutcomeUnknown):
                self._page("clock", "wallets", lambda row, _raw: row, query)
                answered = True
        skew = clock.known(self._base_url)
        if skew is None and not answered:
            raise Unavailable("the clocks could not be compared", staff=NOT_COMPARED)
        if skew is not None and clock.is_apart(skew):
            raise Unavailable(
                f"the clocks are {skew} ms apart", staff=clock.APART, params={"seconds": clock.seconds(skew)}
            )
