"""The pages of our accounts at providers: whether they answer, what is on them, what they may do.

They show; keys and switches are changed in the administration.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction
from backoffice.kit.views.details import FAST
from payments.filters.accounts import ProviderAccountFilters
from payments.models import AccountHealth, CallbackToken, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Balances
from payments.services import balances
from payments.tables import pieces
from payments.tables.accounts import ProviderAccountTable
from payments.tables.calls import LatestCallTable
from payments.tables.movements import LatestMovementTable

from .balances import with_explanation

LATEST = 6
MANAGE = "payments.manage_provideraccount"


def states_balances(account: ProviderAccount) -> bool:
    """Whether the provider can be asked for balances."""
    return issubclass(PROVIDERS[account.provider], Balances)


@dataclass(frozen=True)
class AdminAction(Action):
    """A link to the object's page in the administration."""

    link: bool = True

    def url(self, obj: Any) -> str:
        return reverse(self.url_name, args=[obj.pk])


class ProviderAccountListView(ListView):
    model = ProviderAccount
    table_class = ProviderAccountTable
    filterset_class = ProviderAccountFilters
    ordering = ("name", "id")
    select_related = ("health",)
    exportable = False
    page_actions = (
        PageAction(_("New account"), "admin:payments_provideraccount_add", MANAGE, "plus", "primary"),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().prefetch_related("balances")


class ProviderAccountDetailView(DetailView):
    """Keeps itself fresh: what the provider's last answers said is seen without a reload."""

    model = ProviderAccount
    select_related = ("health",)
    list_url_name = "payments:provideraccount_list"
    actions = (
        Action(
            _("Ask balances now"),
            "payments:provideraccount_refresh",
            "payments.refresh_balance",
            "refresh-cw",
            when=lambda account: account.is_active and states_balances(account),
        ),
        AdminAction(_("Change"), "admin:payments_provideraccount_change", MANAGE, "pencil"),
    )

    def version(self, obj: ProviderAccount) -> str:
        health = [getattr(obj.health, field.attname) for field in obj.health._meta.concrete_fields]
        stated = list(obj.balances.values_list("currency", "stated", "asked_at", "drift", "missing_since"))
        # Ages are told in minutes, so the page is new each minute.
        return f"{super().version(obj)}-{hash((*health, *stated, int(time.time() // 60))):x}"

    def live(self, obj: ProviderAccount) -> int:
        return FAST

    def context(self, **extra: Any) -> dict[str, Any]:
        account = self.object
        token = CallbackToken.objects.filter(account=account, retired_at__isnull=True, reference__isnull=True)
        calls, movements = account.calls.order_by("-started_at", "-id"), account.movements
        return super().context(
            health=account.health,
            state=pieces.account_state(account),
            troubled=pieces.is_troubled(account),
            is_down=account.is_active and account.health.state == AccountHealth.State.DOWN,
            is_denied=account.is_active and account.health.state == AccountHealth.State.DENIED,
            clock=pieces.clock(account.health.clock_skew_ms),
            default_rate=PROVIDERS[account.provider].default_rate,
            has_keys=ProviderAccount._meta.get_field("credentials").is_set(account),
            callback_since=token.values_list("created_at", flat=True).first(),
            **extra,
        )
