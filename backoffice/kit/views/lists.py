"""The one generic list: filter, sort, page by keys, export. Holds nothing about any model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from ..filters import FilterSet
from ..paging import COUNT_CAP, Keyset, capped_count
from ..tables import BaseTable
from .actions import PageAction, allowed
from .files import EXPORT, FORMATS, answer
from .staff import WHOLE_PAGE, StaffView


class ListView(StaffView):
    """A list page in about eight lines:

        class InvoiceListView(ListView):
            model = Invoice
            table_class = InvoiceTable
            filterset_class = InvoiceFilters
            select_related = ("account",)
            page_actions = (PageAction(_("New"), "payments:invoice_create", "payments.create_invoice"),)

    ordering: the keys of the default order; NOT NULL, the last one unique, with an index on exactly these.
    title, intro: default to the model's plural name and "". Override `get_queryset()` to narrow the rows.
    `?sort=` takes the table's orderable columns, `?after=` and `?before=` a cursor, `?export=csv` or `xlsx`
    (permission backoffice.export) gives the same rows as a file. Costs two queries: the rows, and a count up to 10,000.
    """

    table_class: ClassVar[type[BaseTable]]
    filterset_class: ClassVar[type[FilterSet] | None] = None
    ordering: ClassVar[Sequence[str]] = ("-created_at", "-id")
    select_related: ClassVar[Sequence[str]] = ()
    page_size: ClassVar[int] = 50
    page_actions: ClassVar[Sequence[PageAction]] = ()
    exportable: ClassVar[bool] = True
    template_name = "generic/list.html"
    title: Any = ""
    intro: Any = ""

    def get_queryset(self) -> QuerySet[Any]:
        """The rows before any filter."""
        queryset = self.model._default_manager.all()
        return queryset.select_related(*self.select_related) if self.select_related else queryset

    def get_title(self) -> Any:
        return self.title or str(self.model._meta.verbose_name_plural).capitalize()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.GET
        queryset = self.get_queryset()
        filterset = None
        if self.filterset_class is not None:
            filterset = self.filterset_class(asked, queryset=queryset, request=request)
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
        count = len(page.rows) if page.is_only else capped_count(queryset)
        response = self.render(
            title=self.get_title(),
            intro=self.intro,
            filterset=filterset,
            table=self.table_class(page.rows, sorted_by=sorted_by, request=request),
            page=page,
            count=min(count, COUNT_CAP),
            count_is_capped=count > COUNT_CAP,
            sort=asked.get("sort", "") and sorted_by,
            filtered=filterset is not None and filterset.is_active,
            page_actions=allowed(self.page_actions, request.user),
            may_export=self.exportable and self.may(EXPORT),
            frame="partials/bare_list.html" if self._wants_part() else WHOLE_PAGE,
        )
        patch_vary_headers(response, ["HX-Request"])
        return response

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
