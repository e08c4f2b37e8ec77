"""Filters of list pages: django-filter's declarations with widgets of our own, and days in the person's zone.

Holds no model's filters.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.forms.models import ModelChoiceIterator
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_filters.fields import ModelChoiceField

from backoffice.models import SearchEntry

from . import html, periods

SEARCH_HINT = _("Reference, name, address …")
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 1), dt.date(2199, 12, 31)


class FilterSet(django_filters.FilterSet):
    """The base of every filter set: declare filters as attributes, in the order of the page.

        class InvoiceFilters(FilterSet):
            q = SearchFilter("reference__value")
            status = ChoiceFilter(choices=Invoice.Status.choices, label=_("Status"))
            account = ModelChoiceFilter(queryset=ProviderAccount.objects.all(), label=_("Account"))
            since, until = SinceFilter("created_at"), UntilFilter("created_at")

    A value that makes no sense is shown at its field, and then no row is listed or exported. With a PeriodFilter
    named `period` before them, `since` and `until` count only where own dates are chosen.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if data is not None and "period" in self.base_filters:
            data = one_period(data)
        super().__init__(data, *args, **kwargs)

    @property
    def qs(self) -> QuerySet[Any]:
        return self.queryset.none() if self.is_bound and not self.is_valid() else super().qs

    @property
    def form(self) -> forms.Form:
        if not hasattr(self, "_form"):
            form = super().form
            if form.is_bound:
                self._check_order(form)
            for name, field in form.fields.items():
                _dress(field, form.is_bound and form.has_error(name))
        return self._form

    def _check_order(self, form: forms.Form) -> None:
        first = ""
        for name, one in self.filters.items():
            if isinstance(one, UntilFilter) and first and not form.errors.keys() & {first, name}:
                since, until = form.cleaned_data.get(first), form.cleaned_data.get(name)
                if since and until and since > until:
                    form.add_error(name, _("This day is before the first one."))
            first = name if isinstance(one, SinceFilter) else first

    def groups(self) -> list[list[forms.BoundField]]:
        """The fields as the page lays them out: the two ends of a period stay together."""
        groups: list[list[forms.BoundField]] = []
        for field in self.form:
            before = self.filters[groups[-1][-1].name] if groups else None
            this = self.filters[field.name]
            if isinstance(this, UntilFilter) and isinstance(before, SinceFilter):
                groups[-1].append(field)
            else:
                groups.append([field])
        return groups

    @cached_property
    def active(self) -> list[str]:
        """The names of the filters that narrow the list now."""
        return [name for name in self.filters if self.data.get(name, "").strip()]

    @property
    def is_active(self) -> bool:
        return bool(self.active)

    def told(self) -> dict[str, str]:
        """What narrows the list now, for the audit trail. Of free text only that there was some: anything may be in it."""
        return {
            name: "…" if isinstance(self.filters[name], SearchFilter) else self.data[name].strip()
            for name in self.active
        }


def _dress(field: forms.Field, wrong: bool) -> None:
    select = isinstance(field.widget, forms.Select)
    field.widget.attrs["class"] = (
        f"{'form-select' if select else 'form-control'}{' is-invalid' if wrong else ''}"
    )


class Select(forms.Select):
    """The same list of options without a template for each: filters stand above every list."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        own = self.build_attrs(self.attrs, {"name": name, **(attrs or {})})
        return html.select(own, self.choices, set(self.format_value(value)))


class _Lean:
    """An <input> without a template for each."""

    def render(self: Any, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        own = self.build_attrs({"type": self.input_type, **self.attrs}, {"name": name, **(attrs or {})})
        text = self.format_value(value)
        return html.field(own if text is None else {**own, "value": text})


class TextInput(_Lean, forms.TextInput):
    """A line of text."""


class DateInput(_Lean, forms.DateInput):
    """A day."""


class ChoiceFilter(django_filters.ChoiceFilter):
    """One of several words; the empty choice says "All"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"empty_label": _("All"), "widget": Select, **kwargs})


class _Few(ModelChoiceIterator):
    """A few objects in one round trip, without the cursor that Django opens for many."""

    def __iter__(self) -> Any:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from map(self.choice, self.queryset)


class _FewField(ModelChoiceField):
    iterator = _Few


class ModelChoiceFilter(django_filters.ModelChoiceFilter):
    """One of several objects (`queryset`, also as a function of the request); the empty choice says "All"."""

    field_class = _FewField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"empty_label": _("All"), "widget": Select, **kwargs})


class TextFilter(django_filters.CharFilter):
    """A text that a column equals (or as `lookup_expr` says). Give the column an index that helps it."""

    def __init__(self, *args: Any, placeholder: Any = "", **kwargs: Any) -> None:
        widget = TextInput(attrs={"placeholder": placeholder, "autocomplete": "off"})
        super().__init__(*args, **{"widget": widget, "max_length": 200, **kwargs})


def matching(text: str) -> Q:
    """The condition on SearchEntry that each typed word occurs (the first eight of them)."""
    wanted = Q()
    for word in text.split()[:8]:
        wanted &= Q(text__icontains=word)
    return wanted


class SearchFilter(django_filters.CharFilter):
    """The search box of a list: every typed word must occur in the object's text of the search table.

    `path`: where the model keeps our 18 digits, such as "reference__value". What was made in the last
    seconds may not be in the table yet.
    """

    def __init__(self, path: str, *, placeholder: Any = SEARCH_HINT, **kwargs: Any) -> None:
        widget = TextInput(attrs={"type": "search", "placeholder": placeholder, "autocomplete": "off"})
        fixed = {"label": _("Search"), "widget": widget, "max_length": 200}
        super().__init__(field_name=path, **{**fixed, **kwargs})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not (value or "").split():
            return qs
        found = SearchEntry.objects.filter(matching(value)).values("reference")
        return qs.filter(**{f"{self.field_name}__in": found})


class DayField(forms.DateField):
    """A day between 1970 and 2199."""

    input_formats = ["%Y-%m-%d"]
    widget = DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def clean(self, value: Any) -> dt.date | None:
        day = super().clean(value)
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(_("Enter a day between 1970 and 2199."), code="invalid")
        return day


class _DayFilter(django_filters.DateFilter):
    field_class = DayField

    @staticmethod
    def midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), tzinfo=timezone.get_current_timezone())


class PeriodFilter(django_filters.ChoiceFilter):
    """The usual periods, of days in the person's zone; "own" leaves it to a SinceFilter and an UntilFilter."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        fixed = {"label": _("Period"), "choices": periods.CHOICES, "empty_label": _("Any time")}
        fixed["widget"] = Select
        super().__init__(field_name=path, **{**fixed, **kwargs})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value in ("", None, periods.OWN):
            return qs
        since, until = periods.days(value, timezone.localdate())
        begin, end = _DayFilter.midnight(since), _DayFilter.midnight(until + dt.timedelta(days=1))
        return qs.filter(**{f"{self.field_name}__gte": begin, f"{self.field_name}__lt": end})


def one_period(data: Any) -> Any:
    """What was asked for, with either a named period or own dates: the other of the two is left out."""
    data, ends = data.copy(), ("since", "until")
    if data.get("period", "") not in ("", periods.OWN):
        for end in ends:
            data.pop(end, None)
    elif any(data.get(end, "").strip() for end in ends):
        data["period"] = periods.OWN
    elif "period" in data:
        data["period"] = ""
    return data


class SinceFilter(_DayFilter):
    """From this day on, its midnight in the person's zone included."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(field_name=path, **{"label": _("From"), **kwargs})

    def filter(self, qs: QuerySet[Any], value: dt.date | None) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__gte": self.midnight(value)}) if value else qs


class UntilFilter(_DayFilter):
    """To the end of this day in the person's zone."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(field_name=path, **{"label": _("To"), **kwargs})

    def filter(self, qs: QuerySet[Any], value: dt.date | None) -> QuerySet[Any]:
        return (
            qs.filter(**{f"{self.field_name}__lt": self.midnight(value + dt.timedelta(days=1))})
            if value
            else qs
        )
