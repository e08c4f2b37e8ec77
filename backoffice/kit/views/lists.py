"""The one generic list: filter, sort, page by keys, views, bulk actions, export. Holds nothing about any model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.utils.cache import patch_vary_headers

from .. import typed
from ..filters import FilterSet
from ..paging import COUNT_CAP, Keyset, capped_count
from ..tables import BaseTable
from .actions import PageAction, allowed
from .bulk import BulkAction, allowed_bulk, tick
from .files import EXPORT, FORMATS, answer
from .saved import SavedViews
from .staff import WHOLE_PAGE, StaffView

# In a header, so that the links of the rows it brings do not carry it on.
VERSION = "X-Version"
CURSORS = frozenset({"after", "before"})


class ListView(SavedViews, StaffView):
    """A list page in about eight lines:

        class InvoiceListView(ListView):
            model = Invoice
            table_class = InvoiceTable
            filterset_class = InvoiceFilters
            select_related = ("account",)
            page_actions = (PageAction(_("New"), "payments:invoice_create", "payments.create_invoice"),)

    ordering: the keys of the default order; NOT NULL, the last one unique, with an index on exactly these.
    title, intro: default to the model's plural name and "". Override `get_queryset()` to narrow the rows.
    `?sort=` takes the table's orderable columns, `?after=` and `?before=` a cursor, `?column=` (several) the columns
    to show, `?export=csv` or `xlsx` (permission backoffice.export) gives the same rows as a file. POST is the way of filters
    without scripts, and of saved views. Costs three queries: the rows, a count up to 10,000, the person's views.
    bulk_actions: what can be done with ticked rows. live: the first page looks every so many seconds for changes.
    """

    table_class: ClassVar[type[BaseTable]]
    filterset_class: ClassVar[type[FilterSet] | None] = None
    ordering: ClassVar[Sequence[str]] = ("-created_at", "-id")
    select_related: ClassVar[Sequence[str]] = ()
    page_size: ClassVar[int] = 50
    page_actions: ClassVar[Sequence[PageAction]] = ()
    bulk_actions: ClassVar[Sequence[BulkAction]] = ()
    live: ClassVar[int] = 0
    filterset: Any  # from get() on
    exportable: ClassVar[bool] = True
    template_name = "generic/list.html"
    title: Any = ""
    intro: Any = ""

    def get_queryset(self) -> QuerySet[Any]:
        """The rows before any filter."""
        queryset = self.model._default_manager.all()
        return queryset.select_related(*self.select_related) if self.select_related else queryset

    def count_rows(self, queryset: QuerySet[Any]) -> int | None:
        """How many rows all pages have; None where that is more than one query may count."""
        count = capped_count(queryset)
        return count if count <= COUNT_CAP else None

    def get_title(self) -> Any:
        return self.title or str(self.model._meta.verbose_name_plural).capitalize()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.GET
        if elsewhere := self._refused(asked) or self.opened():
            return elsewhere
        queryset = self.get_queryset()
        filterset = None
        if self.filterset_class is not None:
            filterset = self.filterset = self.filterset_class(asked, queryset=queryset, request=request)
            queryset = filterset.qs
        sorted_by, keyset = self._sorting(asked.get("sort", ""))
        if asked.get("export") in FORMATS:
            if not (self.exportable and self.may(EXPORT)):
                raise PermissionDenied
            if filterset is None or filterset.is_valid():
                return self._export(queryset.order_by(*keyset.ordering), filterset)
        page = keyset.page(
            queryset, size=self.page_size, after=asked.get("after", ""), before=asked.get("before", "")
        )
        bulk = allowed_bulk(self.bulk_actions, request.user)
        table = self.table_class(
            page.rows,
            sorted_by=sorted_by,
            request=request,
            chosen=asked.getlist("column"),
            pick=self._pick(bulk, page.rows),
        )
        live = self._live(asked, table)
        if live and request.headers.get(VERSION) == live:
            return HttpResponse(status=204)
        count = len(page.rows) if page.is_only else self.count_rows(queryset)
        capped = count is None
        response = self.render(
            title=self.get_title(),
            intro=self.intro,
            filterset=filterset,
            table=table,
            page=page,
            count=COUNT_CAP if capped else count,
            count_is_capped=capped,
            sort=asked.get("sort", "") and sorted_by,
            filtered=filterset is not None and filterset.is_active,
            page_actions=allowed(self.page_actions, request.user),
            bulk=bulk if table.pick else [],
            live_version=live,
            may_export=self.exportable and self.may(EXPORT),
            frame="partials/bare_list.html" if self._wants_part() else WHOLE_PAGE,
            **self.views_context(table),
        )
        patch_vary_headers(response, ["HX-Request", VERSION])
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Change a saved view, or take filters as typed: what is secret among them never reaches an address."""
        if "do" in request.POST:
            return self.change_views(request)
        asked = request.POST.copy()
        asked.pop("csrfmiddlewaretoken", None)
        for name in [name for name, values in asked.lists() if not any(values)]:
            del asked[name]
        query = asked.urlencode()
        return self._refused(asked) or HttpResponseRedirect(
            f"{request.path}?{query}" if query else request.path
        )

    def _refused(self, asked: QueryDict) -> HttpResponseBase | None:
        """Lead away from an address with a card number or a voucher code in it, to one without."""
        secret = {
            name
            for name, values in asked.lists()
            if name not in CURSORS and any(map(typed.is_secret, [name, *values]))
        }
        if not secret:
            return None
        clean = asked.copy()
        for name in secret:
            del clean[name]
        messages.error(self.request, typed.REFUSED)
        query = clean.urlencode()
        response = HttpResponseRedirect(f"{self.request.path}?{query}" if query else self.request.path)
        response.status_code = 303
        return response

    def _pick(self, bulk: list[BulkAction], rows: list[Any]) -> Callable[[Any], Any] | None:
        """The tick of a row with which something can be done; None while there is no such row."""
        user = self.request.user
        able = {row.pk for row in rows if any(action.when(row, user) for action in bulk)}
        return (lambda row: tick(row) if row.pk in able else "") if able else None

    def _live(self, asked: QueryDict, table: BaseTable) -> str:
        """What changes whenever the first page would; "" where nobody looks for that."""
        if not self.live or "after" in asked or "before" in asked:
            return ""
        return hashlib.blake2b(table.body.encode(), digest_size=9).hexdigest()

    def _wants_part(self) -> bool:
        htmx: Any = getattr(self.request, "htmx", None)
        return bool(htmx) and htmx.target == "list" and not htmx.history_restore_request

    def _sorting(self, asked: str) -> tuple[str, Keyset]:
        """The column that is sorted by, with its sign, and the order of the rows."""
        paths = self.table_class.sort_paths()
        sign, name = ("-", asked[1:]) if asked.startswith("-") else ("", asked)
        if name in paths:
            return f"{sign}{name}", Keyset(self.model, [f"{sign}{paths[name]}", f"{sign}pk"])
        first = self.ordering[0]
        names = {path: name for name, path in paths.items()}
        sign, path = ("-", first[1:]) if first.startswith("-") else ("", first)
        return f"{sign}{names.get(path, path)}", Keyset(self.model, self.ordering)

    def _export(self, queryset: QuerySet[Any], filterset: FilterSet | None) -> HttpResponseBase:
        return answer(
            self.request,
            name=str(self.model._meta.model_name),
            title=str(self.get_title()),
            columns=self.table_class((), request=self.request).export_columns(),
            rows=queryset,
            asked=filterset.told() if filterset is not None else {},
        )
