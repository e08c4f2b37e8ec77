"""Our calls to providers: what was sent and what came back, with the secrets taken out before it was kept."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import DetailView, ListView
from backoffice.kit.views.details import FAST
from payments.filters.calls import ProviderCallFilters
from payments.models import ProviderCall
from payments.tables import pieces
from payments.tables.calls import ProviderCallTable


class ProviderCallListView(ListView):
    model = ProviderCall
    table_class = ProviderCallTable
    filterset_class = ProviderCallFilters
    ordering = ("-started_at", "-id")
    select_related = ("account", "reference")
    intro = _("Each question to a provider and how it ended.")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("request", "response")


class ProviderCallDetailView(DetailView):
    model = ProviderCall
    select_related = ("account", "reference")
    list_url_name = "payments:providercall_list"

    def get_title(self) -> str:
        return _t("Call “%(operation)s”") % {"operation": self.object.operation}

    def live(self, obj: ProviderCall) -> int:
        under_way = obj.finished_at is None and obj.deadline is not None and obj.deadline > timezone.now()
        return FAST if under_way else 0

    def context(self, **extra: Any) -> dict[str, Any]:
        call = self.object
        return super().context(
            sent=pieces.pretty(call.request),
            answer=pieces.pretty(call.response),
            took=pieces.took(call.duration_ms),
            **extra,
        )
