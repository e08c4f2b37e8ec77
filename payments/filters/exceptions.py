"""Filters of the exceptions' list: without any it shows what is open."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, ModelChoiceFilter, SinceFilter, UntilFilter
from payments.models import ExceptionItem

from .common import account_filter, reference_filter

OPEN, ALL = ExceptionItem.Status.OPEN.value, "all"
STATUSES = [*ExceptionItem.Status.choices, (ALL, _("Open and closed"))]


class ExceptionItemFilters(FilterSet):
    """By status, kind, account, owner, reference and time of opening."""

    status = ChoiceFilter(label=_("Status"), choices=STATUSES, empty_label=None, method="by_status")
    kind = ChoiceFilter(label=_("Kind"), choices=ExceptionItem.Kind.choices)
    account = account_filter()
    owner = ModelChoiceFilter(
        label=_("Owner"),
        queryset=get_user_model()._default_manager.order_by("username"),
        null_label=_("Nobody"),
    )
    reference = reference_filter()
    since, until = SinceFilter("opened_at"), UntilFilter("opened_at")

    def __init__(self, data: QueryDict | None = None, *args: Any, **kwargs: Any) -> None:
        asked = data.copy() if data is not None else QueryDict(mutable=True)
        if not asked.get("status"):
            asked["status"] = OPEN
        super().__init__(asked, *args, **kwargs)

    @cached_property
    def active(self) -> list[str]:
        return [name for name in super().active if (name, self.data.get(name)) != ("status", OPEN)]

    def by_status(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset if value == ALL else queryset.filter(status=value)
