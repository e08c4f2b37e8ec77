"""The table of list pages: django-tables2's declarations, drawn by a lean template of our own.

Cells are drawn by one function per column, not by bound rows: a fifth of the time. Holds no query.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, ClassVar

import django_tables2
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Model
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _
from django_tables2.utils import A, signature

from . import html
from .copying import Copied
from .exports import ExportColumn

_PICK = html.class_attr("cell-pick")
# What a render method may ask for. A bound row does not exist here.
_ARGUMENTS = frozenset({"value", "record", "column", "table"})
_HIDDEN_BELOW = re.compile(r"\bd-none d-\w+-table-cell\b")


class Column(django_tables2.Column):
    """A column of text.

    css: classes of its cells and header. hide_below: "sm", "md", "lg", "xl" or "xxl": not shown on smaller screens.
    on_request=True: on the page only for those who choose it among the columns; in files like the others.
    orderable=True: people may sort by it; its path must be NOT NULL and should begin an index that ends with
    the key. Override `render(value, record)` for the page, `exported(value, record)` for the file (default:
    the raw value). As ever with tables2, a table may have `render_<name>(self, value, record)`; here also
    `export_<name>`.
    """

    css = ""

    def __init__(
        self, *args: Any, css: str = "", hide_below: str = "", on_request: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.on_request = on_request
        hidden = f"d-none d-{hide_below}-table-cell" if hide_below else ""
        self.css = " ".join(filter(None, (self.css, css, hidden)))

    def exported(self, value: Any, record: Any) -> Any:
        return value

    def export_columns(self, header: str, value: Callable[[Any], Any]) -> list[ExportColumn]:
        """What this column is in a file; `value` reads a record. A column may become several."""
        return [ExportColumn(header, lambda record: self.exported(value(record), record))]


class LinkColumn(Column):
    """A link to the record, or to what `to(record)` gives: an object with a page, an address, or None."""

    css = "cell-link"

    def __init__(self, *args: Any, to: Callable[[Any], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.to = to
        self._addresses: dict[Any, str] = {}  # many rows lead to the same few accounts

    def render(self, value: Any, record: Any) -> Any:
        target = self.to(record) if self.to else record
        if not target:
            return value
        if isinstance(target, str):
            return html.link(target, value)
        address = self._addresses.get(target)
        if address is None:
            address = self._addresses[target] = target.get_absolute_url()
        return html.link(address, value)


class MoneyColumn(Column):
    """An exact amount with its currency (`currency`: the path to it); two columns in a file."""

    css = "cell-money"

    def __init__(self, *args: Any, currency: str = "currency", signed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency, self.signed = attrgetter(currency.replace("__", ".")), signed

    def render(self, value: Any, record: Any) -> SafeString:
        return html.money(value, self.currency(record), signed=self.signed)

    def export_columns(self, header: str, value: Callable[[Any], Any]) -> list[ExportColumn]:
        return [
            *super().export_columns(header, value),
            ExportColumn(_("%(column)s: currency") % {"column": header}, self.currency),
        ]


class StatusColumn(Column):
    """A state as a pill, toned by the model's TONES; in a file the state's own word, in every language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pills: dict[Any, SafeString] = {}

    def render(self, value: Any, record: Any) -> SafeString:
        if value not in self._pills:
            name = str(self.accessor or "status")
            shown = getattr(record, f"get_{name}_display", lambda: value)()
            self._pills[value] = html.pill(shown, getattr(record, "TONES", {}).get(value, "muted"))
        return self._pills[value]


class WhenColumn(Column):
    """A time in the person's zone, its title in UTC; in a file ISO 8601, the zone named in the header."""

    css = "cell-when"

    def __init__(self, *args: Any, seconds: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seconds = seconds

    def render(self, value: Any) -> SafeString:
        return html.when(value, seconds=self.seconds)

    def export_columns(self, header: str, value: Callable[[Any], Any]) -> list[ExportColumn]:
        return super().export_columns(f"{header} ({get_current_timezone_name()})", value)


class HtmlColumn(Column):
    """A column that has no value of its own, such as a button: the table's `render_<name>(record)` makes it.

    Not in files, unless the table has `export_<name>(record)`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, empty_values=(), **kwargs)


@dataclass(frozen=True)
class Head:
    """A header cell. `sorted` is "", "ascending" or "descending"; `sort` what `?sort=` becomes on a click."""

    label: Any
    attrs: SafeString
    sort: str = ""
    sorted: str = ""


class BaseTable(django_tables2.Table):
    """The base of every table: `class InvoiceTable(BaseTable)` with columns, Meta.model and Meta.fields.

    Also good outside of list pages: `{% include "partials/table.html" with table=table %}`.
    Override `row_class(record)` to mark rows. `caption` is read to those who cannot see the table.
    chosen: the columns to show, in this order (unknown names are passed over; none: all that are not on request).
    pick(record): the tick of a row, or ""; gives the table a first column for it, which is in no file.
    """

    caption: Any = ""
    empty: Any = ""
    # Name of a column: what the database gives for it in a file (kit.copying), for each of its columns there.
    # Where all columns of a table have it, files need no object per row; worth it for long tables.
    copied: ClassVar[Mapping[str, Sequence[Copied]]] = {}

    def __init__(
        self,
        data: Any = (),
        *,
        sorted_by: str = "",
        request: Any = None,
        chosen: Sequence[str] = (),
        pick: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        known = self.choosable()
        shown = [name for name in dict.fromkeys(chosen) if name in known]
        if shown:
            kwargs["exclude"] = (*kwargs.get("exclude", ()), *(name for name in known if name not in shown))
            kwargs["sequence"] = (*shown, "...")
        # tables2 would sort and page by itself if it saw the request.
        super().__init__(data=data, orderable=False, **kwargs)
        self.sorted_by, self.request, self.pick, self.chosen = sorted_by, request, pick, shown
        for bound in self.columns if shown else ():
            bound.column.css = _HIDDEN_BELOW.sub("", bound.column.css)  # who chose it wants to see it

    @classmethod
    def choosable(cls) -> dict[str, Any]:
        """The columns that people may choose, in order, with their headers: all that the page can show."""
        order = [*(cls._meta.sequence or cls._meta.fields or ()), *cls.base_columns]
        columns = {name: cls.base_columns[name] for name in order if name in cls.base_columns}
        return {
            name: column.verbose_name or name.replace("_", " ").capitalize()
            for name, column in columns.items()
            if not _is_for_files(column)
        }

    def row_class(self, record: Any) -> str:
        """Classes of a record's row, such as "row-warn"."""
        return ""

    # --- Sorting: which columns, by which path ---
    @classmethod
    def sort_paths(cls) -> dict[str, str]:
        """Name of each sortable column, and the model's path that it sorts by."""
        return {
            name: str(column.order_by[0] if column.order_by else column.accessor or name)
            for name, column in cls.base_columns.items()
            if column.orderable
        }

    @property
    def drawn(self) -> list[Any]:
        """The columns that the page draws, in their order."""
        known = [bound for bound in self.columns if not _is_for_files(bound.column)]
        return [bound for bound in known if self.chosen or not getattr(bound.column, "on_request", False)]

    def heads(self) -> Iterator[Head]:
        """The header cells; sortable ones only where the view said by what it is sorted (`sorted_by`)."""
        sortable = self.sort_paths() if self.sorted_by else {}
        name_now = self.sorted_by.removeprefix("-")
        if self.pick:
            yield Head(_("Choose"), _PICK)
        for bound in self.drawn:
            attrs, sort, state = _attrs(bound), "", ""
            if bound.name in sortable:
                descending = self.sorted_by.startswith("-")
                sort = bound.name if bound.name != name_now or descending else f"-{bound.name}"
                if bound.name == name_now:
                    state = "descending" if descending else "ascending"
                elif bound.column.initial_sort_descending:
                    sort = f"-{bound.name}"
            yield Head(bound.header, attrs, sort, state)

    @cached_property
    def head(self) -> SafeString:
        """The header cells as HTML; what the address asks for otherwise is kept when one sorts."""
        asked = QueryDict(mutable=True) if self.request is None else self.request.GET.copy()
        for gone in ("after", "before"):
            asked.pop(gone, None)
        cells = []
        for head in self.heads():
            if head.sort:
                asked["sort"] = head.sort
            address = f"?{asked.urlencode()}" if head.sort else ""
            cells.append((head.label, head.attrs, address, head.sorted))
        return html.headings(cells)

    # --- Rows ---
    @cached_property
    def body(self) -> SafeString:
        """The rows as HTML, drawn once."""
        cells = [(_labelled(bound), self._cell(bound)) for bound in self.drawn]
        if self.pick:
            cells.insert(0, (_PICK, self.pick))
        row_class = self.row_class if type(self).row_class is not BaseTable.row_class else None
        return html.table_rows(self.data, cells, row_class)

    def _cell(self, bound: Any) -> Callable[[Any], Any]:
        """How to draw this column's cell of a record: found once per column, then called for each row."""
        column, get = bound.column, self._reader(bound, shown=True)
        empty, default = column.empty_values, html.EMPTY if column.default is None else column.default
        render = getattr(self, f"render_{bound.name}", None) or column.render
        wanted = _arguments(render.__func__)
        if render.__func__ is django_tables2.Column.render and not column.link:
            return lambda record: default if (value := get(record)) is None or value == "" else value
        if column.link or not wanted <= _ARGUMENTS:
            raise ImproperlyConfigured(
                f"{type(self).__name__}.{bound.name}: render may ask for {', '.join(sorted(_ARGUMENTS))}; "
                "use LinkColumn for links."
            )
        fixed = {name: item for name, item in (("column", column), ("table", self)) if name in wanted}
        draw = partial(render, **fixed) if fixed else render
        takes_value, takes_record = "value" in wanted, "record" in wanted
        if takes_value and takes_record:
            return lambda record: (
                default if (value := get(record)) in empty else draw(value=value, record=record)
            )
        if takes_value:
            return lambda record: default if (value := get(record)) in empty else draw(value=value)
        if takes_record:
            return lambda record: default if get(record) in empty else draw(record=record)
        return lambda record: default if get(record) in empty else draw()

    def _reader(self, bound: Any, *, shown: bool) -> Callable[[Any], Any]:
        path = str(bound.accessor)
        model = self._meta.model
        if bound.column.empty_values == () and not (model and hasattr(model, path)):
            return lambda record: None
        if shown and not isinstance(bound.column, StatusColumn) and (words := _choices(model, path)):
            return lambda record: words.get(value := getattr(record, path), value)
        if model is None or "__" in path:
            return A(path).resolve  # walks relations, stops at None; also reads dicts
        simple = attrgetter(path)
        return lambda record: value() if callable(value := simple(record)) else value

    # --- Files ---
    def export_columns(self) -> list[ExportColumn]:
        """The columns of a file: those of the page, with raw values; `exclude_from_export` leaves one out."""
        columns: list[ExportColumn] = []
        for bound in self.columns:
            column, header = bound.column, str(bound.header)
            own = getattr(self, f"export_{bound.name}", None)
            if column.exclude_from_export or (own is None and column.empty_values == ()):
                continue
            get = self._reader(bound, shown=False)
            if own is not None:
                made = [ExportColumn(header, _own(own, get))]
            elif isinstance(column, Column):
                made = column.export_columns(header, get)
            else:
                made = [ExportColumn(header, get)]
            if copied := self.copied.get(bound.name):
                made = [replace(one, copied=its) for one, its in zip(made, copied, strict=True)]
            columns += made
        return columns


@functools.cache
def _arguments(render: Callable[..., Any]) -> frozenset[str]:
    """What a render method asks for. Looked up once for each: it costs as much as a row."""
    return frozenset(signature(render)[0]) - {"self"}


def _own(export: Callable[..., Any], get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if "value" in signature(export)[0]:
        return lambda record: export(value=get(record), record=record)
    return lambda record: export(record=record)


def _is_for_files(column: Any) -> bool:
    """Whether no page ever shows it, on no screen."""
    return "d-none" in _HIDDEN_BELOW.sub("", getattr(column, "css", "")).split()


def _attrs(bound: Any) -> SafeString:
    return html.class_attr(getattr(bound.column, "css", ""))


def _labelled(bound: Any) -> SafeString:
    """The attributes of a cell: on phones each one stands on its own line, with its header before it."""
    return format_html('{} data-label="{}"', _attrs(bound), bound.header)


def _choices(model: type[Model] | None, path: str) -> dict[Any, str]:
    """The words of a field's choices in the current language: looked up once per table, not once per cell."""
    if model is None or "__" in path:
        return {}
    try:
        return {value: str(word) for value, word in getattr(model._meta.get_field(path), "flatchoices", ())}
    except FieldDoesNotExist:
        return {}
