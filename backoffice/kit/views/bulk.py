"""One action on many rows: ticked in a list, shown once more, then run row by row through the service.

Holds no rule: every row is checked by the service that a single one goes through.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import structlog
from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import permissions

from .. import office
from .forms import REFUSALS, reason
from .staff import StaffView

log = structlog.get_logger(__name__)
KEY = re.compile(r"[0-9]{1,18}", re.ASCII)
DONE = ""
# What a result says of a row that the action has not come to: also when the server was stopped in between.
NOT_TRIED = None


def _any(_obj: Any, _user: Any) -> bool:
    return True


@dataclass(frozen=True)
class BulkAction:
    """A button above a list: leads to a BulkActionView with the ticked rows.

    when(obj, user): whether it makes sense for a row in this state; a row that nothing can be done with has no tick.
    """

    label: Any
    url_name: str
    permission: str
    icon: str = ""
    style: str = "secondary"
    when: Callable[[Any, Any], bool] = _any

    @property
    def url(self) -> str:
        return reverse(self.url_name)


def allowed_bulk(actions: Iterable[BulkAction], user: Any) -> list[BulkAction]:
    """The bulk actions that this user may do."""
    return [action for action in actions if permissions.may(user, action.permission)]


def tick(obj: Any, *, value: Any = None, checked: bool = False) -> SafeString:
    """The box of a row, in the form `bulk`."""
    return format_html(
        '<input type="checkbox" class="form-check-input" form="bulk" name="pk" value="{}" aria-label="{}"{}>',
        obj.pk if value is None else value,
        _("Choose %(what)s") % {"what": obj},
        format_html(" checked") if checked else "",
    )


@dataclass
class Row:
    """A chosen object: its line, its key with what was `seen` of it, and why it cannot be done ("": it can)."""

    obj: Any
    line: office.Summary
    key: str
    why: str


@dataclass(frozen=True)
class Total:
    """What rows come to in one currency."""

    currency: str
    count: int
    amount: Decimal


class BulkActionView(StaffView):
    """First the chosen rows with their totals, then, row by row, what came of it:

        class InvoiceBulkRefreshView(BulkActionView):
            model = Invoice
            permission = "payments.refresh_invoice"
            list_url_name = "payments:invoice_list"
            title = _("Check now")
            done = _("The provider is being asked")

            def perform(self, obj, form):
                invoices.ask_now(actor=self.request.user, invoice=obj)

    Rows come as `?chosen=1&pk=...`. `refusals(rows)` says what bars a row before it is tried; `seen(obj)` binds a row
    to what the page showed of it, and `perform` can compare that (`self.seen_now`). `form_class` adds fields.
    A row that is refused does not stop the others; an error of ours does, and the page says which rows were not tried.
    """

    LIMIT: ClassVar[int] = 500
    select_related: ClassVar[Sequence[str]] = ()
    ordering: ClassVar[Sequence[str]] = ("pk",)
    list_url_name: ClassVar[str] = ""
    form_class: ClassVar[type[forms.BaseForm] | None] = None
    template_name = "generic/bulk.html"
    title: Any = ""
    question: Any = ""
    button: Any = ""
    icon: str = "check"
    done: Any = gettext_lazy("Done")
    refusals_of: ClassVar[tuple[type[Exception], ...]] = REFUSALS

    def perform(self, obj: Any, form: Any) -> Any:
        """Call the service for one row. `self.seen_now` is what the page showed of it."""
        raise NotImplementedError

    seen_now = ""

    def seen(self, obj: Any) -> str:
        """What the page shows of a row, so that another state is not decided about unseen. Letters and digits."""
        return "0"

    def refusals(self, rows: list[Any]) -> dict[Any, str]:
        """Why rows cannot be done already now, by key."""
        return {}

    def line(self, obj: Any) -> office.Summary:
        """A row in one line; by default what its kind says."""
        for kind in office.registry.kinds.values():
            if kind.model.lower() == obj._meta.label_lower and kind.summary:
                return kind.summary(obj)
        return office.Summary(title=str(obj))

    def get_queryset(self) -> QuerySet[Any]:
        return self.model._default_manager.select_related(*self.select_related).order_by(*self.ordering)

    def all_of_filter(self) -> QuerySet[Any]:
        """What is meant where nothing was ticked: nothing, unless a view says otherwise."""
        return self.get_queryset().none()

    # --- Before ---
    @cached_property
    def chosen(self) -> list[Any]:
        """The rows that this is about, at most LIMIT."""
        if "chosen" not in self.request.GET:
            return list(self.all_of_filter()[: self.LIMIT])
        keys = [key for key in self.request.GET.getlist("pk") if KEY.fullmatch(key)]
        return list(self.get_queryset().filter(pk__in=keys)[: self.LIMIT])

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if "done" in request.GET:
            return self._results(request.GET["done"])
        return self.show(self.chosen, self._form())

    def _form(self, data: Any = None) -> Any:
        return self.form_class(data) if self.form_class else None

    def show(self, chosen: list[Any], form: Any, **extra: Any) -> HttpResponseBase:
        """The page that asks first."""
        why = self.refusals(chosen)
        rows = [
            Row(
                obj,
                self.line(obj),
                f"{obj.pk}.{self.seen(obj)}" if obj.pk not in why else "",
                why.get(obj.pk, ""),
            )
            for obj in chosen
        ]
        able = [row for row in rows if not row.why]
        return self.render(
            title=self.title,
            question=self.question,
            button=self.button or self.title,
            rows=rows,
            able=[row.obj for row in able],
            refused=len(rows) - len(able),
            totals=totals(row.line for row in able),
            form=form,
            token=uuid.uuid4(),
            is_capped=len(rows) == self.LIMIT,
            limit=self.LIMIT,
            list_url=reverse(self.list_url_name),
            list_title=str(self.model._meta.verbose_name_plural).capitalize(),
            **extra,
        )

    # --- Doing it ---
    @property
    def _shelf(self) -> str:
        """Where the session keeps what came of it."""
        match = self.request.resolver_match
        return f"bulk:{match.view_name if match else ''}"

    def post(self, request: HttpRequest) -> HttpResponseBase:
        token = request.POST.get("token", "")
        address = f"{request.path}?done={token}"
        if request.session.get(self._shelf, {}).get("token") == token:
            return HttpResponseRedirect(address)  # sent twice: once is enough
        pairs = [key.partition(".") for key in dict.fromkeys(request.POST.getlist("pk"))]
        wanted = {int(key): seen for key, _dot, seen in pairs if KEY.fullmatch(key) and seen}
        rows = list(self.get_queryset().filter(pk__in=wanted)[: self.LIMIT])
        form = self._form(request.POST)
        if form is not None and not form.is_valid():
            return self.show(rows, form)
        # Written before the first row and again after the last: whoever is cut off in between reads "not tried".
        results: dict[Any, str | None] = {row.pk: NOT_TRIED for row in rows}
        self._keep(token, results, stopped=True)
        stopped = not all(self._one(row, wanted[row.pk], form, results) for row in rows)
        self._keep(token, results, stopped=stopped)
        return HttpResponseRedirect(address)

    def _one(self, obj: Any, seen: str, form: Any, results: dict[Any, str | None]) -> bool:
        """Do one row and note what came of it. False: an error of ours, so the rest is left alone."""
        self.seen_now = seen
        try:
            self.perform(obj, form)
        except self.refusals_of as error:
            results[obj.pk] = " ".join(reason(error))
        except Exception:
            log.exception("bulk.failed", action=self._shelf, pk=obj.pk)
            results[obj.pk] = _(
                "An error of ours, which is in the log. Look at this one before you try it again."
            )
            return False
        else:
            results[obj.pk] = DONE
        return True

    def _keep(self, token: str, results: dict[Any, str | None], *, stopped: bool) -> None:
        session = self.request.session
        session[self._shelf] = {"token": token, "rows": list(results.items()), "stopped": stopped}
        session.save()

    # --- After ---
    def _results(self, token: str) -> HttpResponseBase:
        kept = self.request.session.get(self._shelf, {})
        if kept.get("token") != token:
            return HttpResponseRedirect(reverse(self.list_url_name))
        said = dict(kept["rows"])
        found = [(obj, said[obj.pk]) for obj in self.get_queryset().filter(pk__in=said)]
        done = [obj for obj, why in found if why == DONE]
        return self.render(
            title=self.title,
            done=self.done,
            results=[(obj, self.line(obj), why) for obj, why in found],
            finished=len(done),
            refused=sum(bool(why) for _obj, why in found),
            not_tried=sum(why is NOT_TRIED for _obj, why in found),
            stopped=kept["stopped"],
            totals=totals(self.line(obj) for obj in done),
            list_url=reverse(self.list_url_name),
            list_title=str(self.model._meta.verbose_name_plural).capitalize(),
            **self.results_context(done),
        )

    def results_context(self, done: list[Any]) -> dict[str, Any]:
        """More for the page of results."""
        return {}


def totals(lines: Iterable[office.Summary]) -> list[Total]:
    """How many and how much, per currency; lines without an amount are left out."""
    sums: dict[str, list[Decimal]] = {}
    for line in lines:
        if line.amount is not None:
            sums.setdefault(line.currency, []).append(line.amount)
    return [Total(currency, len(found), sum(found, Decimal(0))) for currency, found in sorted(sums.items())]
