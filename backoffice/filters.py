"""Filters of the office's own pages: the audit trail."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from backoffice import permissions
from backoffice.kit import verbs
from backoffice.kit.filters import (
    ChoiceFilter,
    FilterSet,
    ModelChoiceFilter,
    SinceFilter,
    TextFilter,
    UntilFilter,
)
from backoffice.models import AuditEntry


def kinds() -> list[tuple[str, Any]]:
    """The models that have a page, as choices: those with a permission to view them, and users."""
    models = [get_user_model(), *apps.get_models()]
    found = {
        model._meta.label_lower: str(model._meta.verbose_name).capitalize()
        for model in models
        if model is get_user_model()
        or f"{model._meta.app_label}.view_{model._meta.model_name}" in permissions.TABLE
    }
    return sorted(found.items(), key=lambda pair: pair[1])


class AuditEntryFilters(FilterSet):
    """Who, what, which way, what kind of object, which reference, when."""

    actor = ModelChoiceFilter(
        label=_("Who"),
        queryset=get_user_model()._default_manager.order_by("username"),
        null_label=_("The system"),
    )
    verb = ChoiceFilter(label=_("What"), choices=verbs.known)
    way = ChoiceFilter(label=_("Way"), choices=AuditEntry.Way.choices)
    object_type = ChoiceFilter(label=_("Kind of object"), choices=kinds)
    reference = TextFilter(label=_("Reference"), placeholder=_("18 digits"))
    since, until = SinceFilter("at"), UntilFilter("at")
