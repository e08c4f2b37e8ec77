"""The control API and page: making things happen. Holds what is the same for all providers; each adds its own
routes below /_control/<name>/. JSON in, JSON out; forms of the page are taken too and lead back to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from django.utils.translation import gettext_lazy as _

from sandbox import accounts, control_page, pages
from sandbox.faults import BadFault, Fault
from sandbox.provider import Provider
from sandbox.routes import (
    ControlError,
    Route,
    object_of,
    seconds_of,
    text_of,
    truth_of,
    whole_of,
)
from sandbox.settings import BadSetting
from sandbox.wire import JSON, Reply, Request, dump, load, redirect

if TYPE_CHECKING:
    from sandbox.engine import Engine

PREFIX = "/_control/"
FORM = "application/x-www-form-urlencoded"


class Control:
    """Everything below /_control/."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._routes: list[Route] = [
            Route("POST", "reset", self.reset, _("Everything was reset.")),
            Route("GET", "clock", self.clock),
            Route("POST", "clock", self.advance, _("The clock was moved."), "clock"),
            Route("POST", "settle", self.settle),
            Route("GET", "faults", self.list_faults),
            Route("POST", "faults", self.add_fault, _("The fault waits for its calls."), "faults"),
            Route("DELETE", "faults", self.cancel_faults),
            Route("POST", "faults/cancel", self.cancel_faults, _("All faults were cancelled."), "faults"),
            Route("DELETE", "faults/(?P<fault_id>[0-9]+)", self.cancel_fault),
            Route(
                "POST",
                "faults/(?P<fault_id>[0-9]+)/cancel",
                self.cancel_fault,
                _("The fault was cancelled."),
                "faults",
            ),
            Route("GET", "settings", self.list_settings),
            Route("POST", "settings", self.change_settings, _("Settings saved."), "settings"),
            Route("GET", "callbacks", self.list_callbacks),
            Route("POST", "callbacks", self.make_callback, _("The callback was sent."), "callbacks"),
            Route(
                "POST",
                "callbacks/(?P<delivery_id>[0-9]+)/send",
                self.send_callback,
                _("The callback was sent."),
                "callbacks",
            ),
        ]
        for provider in engine.providers.values():
            self._routes += [
                Route(route.method, f"{provider.name}/{route.pattern}", route.view, route.said, route.anchor)
                for route in provider.routes()
            ]

    # --- HTTP ---
    def reply(self, request: Request) -> Reply:
        """Answer a request below /_control/. Posts from pages of other sites are refused."""
        pages.prepare()
        path = unquote(request.path.removeprefix(PREFIX))
        if request.method != "GET" and not _is_own_page(request):
            return self._json({"error": "This came from a page of another site."}, 403)
        if path == "" and request.method == "GET":
            return control_page.render(self.engine, request.query)
        is_form = request.method == "POST" and request.media_type == FORM
        try:
            result, route = self._call(request.method, path, self._data(request, is_form))
        except ControlError as error:
            if is_form:
                return redirect(f"{PREFIX}?error={quote(str(error))}")
            return self._json({"error": str(error)}, error.status)
        if is_form:
            return redirect(f"{PREFIX}?said={quote(str(route.said))}#{route.anchor}")
        return self._json(result)

    def _data(self, request: Request, is_form: bool) -> dict[str, Any]:
        if request.method == "GET":
            return dict(request.query)
        if is_form:
            return dict(request.form())
        if not request.body:
            return {}
        try:
            data = load(request.body)
        except ValueError as error:
            raise ControlError("This is not JSON.") from error
        if not isinstance(data, dict):
            raise ControlError("A JSON object, please.")
        return data

    def _json(self, value: Any, status: int = 200) -> Reply:
        return Reply(status, dump(value).encode(), JSON, {"Cache-Control": "no-store"})

    def _call(self, method: str, path: str, data: Mapping[str, Any]) -> tuple[Any, Route]:
        other_methods = False
        for route in self._routes:
            groups = route.match(method, path)
            if groups is not None:
                try:
                    return route.view(data, **groups), route
                except (BadFault, BadSetting) as error:
                    raise ControlError(str(error)) from error
            other_methods = other_methods or any(
                route.match(name, path) is not None for name in ("GET", "POST")
            )
        if other_methods:
            raise ControlError("This place does not take that method.", 405)
        raise ControlError("There is nothing here.", 404)

    def call(self, method: str, path: str, data: Mapping[str, Any]) -> Any:
        """The same without HTTP, for tests in the same process. Raises ControlError."""
        return json.loads(dump(self._call(method, path.strip("/"), data)[0]))

    # --- Time ---
    def reset(self, data: Mapping[str, Any]) -> Any:
        """Start over; `accounts: true` forgets all accounts but demo as well."""
        self.engine.reset(keep_accounts=not truth_of(data, "accounts", False))
        return self.engine.as_json()

    def clock(self, data: Mapping[str, Any]) -> Any:
        """The sandbox's time."""
        return self.engine.as_json()

    def advance(self, data: Mapping[str, Any]) -> Any:
        """Move time by `advance` seconds, back when negative."""
        seconds = seconds_of(data, "advance")
        if seconds is None:
            raise ControlError("advance: a number of seconds, please.")
        try:
            self.engine.advance(seconds)
            return self.engine.as_json()
        except (OverflowError, ValueError) as error:
            self.engine.clock.advance(-seconds)
            raise ControlError("The clock cannot go that far.") from error

    def settle(self, data: Mapping[str, Any]) -> Any:
        """Wait (at most `seconds`, default 10) until nothing is due and no callback is under way."""
        return {"settled": self.engine.settle(seconds_of(data, "seconds") or 10.0)}

    # --- Faults ---
    def list_faults(self, data: Mapping[str, Any]) -> Any:
        """The faults that still wait for calls."""
        return {"faults": [fault.as_json() for fault in self.engine.faults.waiting()]}

    def add_fault(self, data: Mapping[str, Any]) -> Any:
        """Order a fault."""
        provider = self._provider(data)
        action = text_of(data, "action") or "*"
        mode = text_of(data, "mode")
        if mode == "not_found_for" and action == "*":
            action = provider.lookup_action
        if action not in ("*", *provider.actions):
            raise ControlError(f"action: one of *, {', '.join(provider.actions)}, please.")
        fault = Fault(
            provider=provider.name,
            action=action,
            mode=mode,
            count=_number(data, "count", 0 if mode == "down" and not data.get("count") else 1),
            seconds=seconds_of(data, "seconds"),
            text=text_of(data, "text"),
            status=whole_of(data, "status"),
            accept=truth_of(data, "accept"),
            late=bool(truth_of(data, "late")),
            reset=bool(truth_of(data, "reset")),
            uniqueid=text_of(data, "uniqueid"),
            value=data.get("value"),
            fields=object_of(data, "fields") or {},
        )
        fault.size = _number(data, "size", fault.size)
        return self.engine.faults.add(fault).as_json()

    def cancel_faults(self, data: Mapping[str, Any]) -> Any:
        """Forget all faults."""
        return {"cancelled": self.engine.faults.cancel()}

    def cancel_fault(self, data: Mapping[str, Any], *, fault_id: str) -> Any:
        """Forget one fault."""
        if not self.engine.faults.cancel(int(fault_id)):
            raise ControlError(f"There is no fault {fault_id}.", 404)
        return {"cancelled": 1}

    # --- Settings ---
    def list_settings(self, data: Mapping[str, Any]) -> Any:
        """All settings of all providers."""
        return {name: self.engine.settings.all(name) for name in self.engine.providers}

    def change_settings(self, data: Mapping[str, Any]) -> Any:
        """Change settings of one provider; `provider` may be left out while it is clear."""
        changes = {name: value for name, value in data.items() if name != "provider"}
        provider = self._provider(data)
        self.engine.settings.update(provider.name, provider.merge_settings(changes))
        self.engine.wake()
        return self.engine.settings.all(provider.name)

    def _provider(self, data: Mapping[str, Any]) -> Provider:
        provider = self.engine.pick_provider(text_of(data, "provider"))
        if provider is None:
            raise ControlError(f"provider: one of {', '.join(self.engine.providers)}, please.")
        return provider

    # --- Callbacks ---
    def list_callbacks(self, data: Mapping[str, Any]) -> Any:
        """Every callback with its attempts and their answers, newest first."""
        found = self.engine.callbacks.list(uniqueid=text_of(data, "uniqueid") or None)
        return {"count": len(found), "callbacks": found}

    def send_callback(self, data: Mapping[str, Any], *, delivery_id: str) -> Any:
        """Send a callback again now: `copies` at once, with a right or forged `signature`, with another
        `body` (its exact text) or some other `fields` in it."""
        body = text_of(data, "body") or None
        fields = object_of(data, "fields")
        if fields is not None:
            with self.engine.ledger.transaction() as db:
                row = self.engine.callbacks.row(db, int(delivery_id))
            provider = self.engine.providers[row["provider"]]
            kept = provider.callback_fields(row["body"])
            body = provider.callback_body(
                {name: value for name, value in {**kept, **fields}.items() if value is not None}
            )
        answers = self.engine.callbacks.send_now(
            int(delivery_id),
            signature=text_of(data, "signature") or "right",
            copies=_number(data, "copies", 1),
            body=body.encode() if body is not None else None,
        )
        return {"answers": answers}

    def make_callback(self, data: Mapping[str, Any]) -> Any:
        """A callback that no payment caused: `url`, `body` (text or object), and as for sending again."""
        provider = self._provider(data)
        raw = data.get("body")
        body = raw if isinstance(raw, str) else provider.callback_body(object_of(data, "body") or {})
        name = text_of(data, "account") or "demo"
        with self.engine.ledger.transaction() as db:
            account = accounts.by_name(db, provider=provider.name, name=name)
            if account is None:
                raise ControlError(f"There is no account {name}.", 404)
            delivery_id = self.engine.callbacks.queue(
                db,
                provider=provider.name,
                account_id=account.id,
                url=text_of(data, "url"),
                body=body,
                uniqueid=text_of(data, "uniqueid"),
                waiting=False,
            )
        answers = self.engine.callbacks.send_now(
            delivery_id,
            signature=text_of(data, "signature") or "right",
            copies=_number(data, "copies", 1),
        )
        return {"id": delivery_id, "answers": answers}


def _is_own_page(request: Request) -> bool:
    """Whether a browser sent this from a page of the sandbox, or no browser did."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _number(data: Mapping[str, Any], name: str, default: int) -> int:
    number = whole_of(data, name, default)
    return default if number is None else number
