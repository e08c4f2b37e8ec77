"""The pages of our accounts at providers: whether they answer, what is on them, what they may do.

They show; keys and switches are changed in the administration.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.timeline import flat
from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction
from backoffice.kit.views.details import FAST
from payments.filters.accounts import ProviderAccountFilters
from payments.models import AccountHealth, Balance, CallbackToken, Movement, ProviderAccount
from payments.providers import PROVIDERS, offers
from payments.providers.base import Balances, Invoices
from payments.providers.wallets import FiatInvoices
from payments.services import balances, health, service_states
from payments.tables import pieces
from payments.tables.accounts import ProviderAccountTable
from payments.tables.balances import AccountBalanceTable, ComputedBalanceTable
from payments.tables.calls import LatestCallTable
from payments.tables.movements import AccountMovementTable

State = AccountHealth.State
LATEST = 6
MANAGE = "payments.manage_provideraccount"
# What providers call it, and our words.
ABOUT_US = {
    "ip": _("Our address, as they see it"),
    "user_id": _("Our user there"),
    "locale": _("Language of answers"),
    "partner_id": _("Our partner number"),
}


def states_balances(account: ProviderAccount) -> bool:
    """Whether the provider can be asked for balances."""
    return issubclass(PROVIDERS[account.provider], Balances)


def about_us(account: ProviderAccount) -> dict[str, Any]:
    """What the last test of the connection told about us, in words; empty where the provider tells nothing."""
    facts = account.health.facts
    told = facts.get("test")
    if not told:
        return {}
    flag = facts.get("success_flag", {})
    lines = [(label, told[name]) for name, label in ABOUT_US.items() if told.get(name)]
    if not lines:
        return {}
    return {
        "lines": lines,
        "warning": gettext(told["warning"]) if told.get("warning") else "",
        "at": parse_datetime(facts.get("tested_at", "")),
        "is_contrary": flag.get("contrary", 0) > flag.get("documented", 0),
    }


def connection_test(account: ProviderAccount) -> dict[str, Any]:
    """What else the last test of the connection found, in words; empty where there was none, or it was about us."""
    facts = account.health.facts
    told = facts.get("test", {}).items()
    lines = [
        pieces.probe_fact(name, value)
        for name, value in told
        if name not in (*ABOUT_US, "warning", "service")
    ]
    return {"lines": lines, "at": parse_datetime(facts["tested_at"])} if lines else {}


def service_state(account: ProviderAccount) -> dict[str, Any]:
    """What the service says about itself, in words; empty where nobody asks it, `at` None where it was not asked yet."""
    if not account.makes_batches:
        return {}
    told = account.health.facts.get(service_states.KEY)
    if not told:
        return {"at": None}
    if told["ok"]:
        state = html.pill(gettext("works"), "ok")
    else:
        state = html.pill(gettext("does not say that it works: “%s”") % told["word"], "bad")
    lines = [
        (name.replace(".", ", ").replace("_", " ").capitalize(), text) for name, text in flat(told["facts"])
    ]
    return {"state": state, "lines": lines, "at": service_states.asked_at(account)}


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
        known = Prefetch("balances", balances.explained(Balance.objects.all()))
        return super().get_queryset().prefetch_related(known)

    def context(self, **extra: Any) -> dict[str, Any]:
        paces = health.paces()
        for account in extra["page"].rows:
            account.pace = paces.get(account.pk)
        return super().context(**extra)


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

    @cached_property
    def object(self) -> ProviderAccount:
        account = super().object
        account.pace = health.paces().get(account.pk)
        return account

    def version(self, obj: ProviderAccount) -> str:
        # Without the row's own secrets, which the default would decrypt each time.
        values: list[Any] = [obj.updated_at, *(event.at for event in self.timeline()[-1:])]
        values += [getattr(obj.health, field.attname) for field in obj.health._meta.concrete_fields]
        values += obj.balances.values_list(
            "currency", "stated", "asked_at", "drift", "missing_since", "opened_at"
        )
        values.append(self._latest(obj).values_list("pk", flat=True).first())
        values.append(obj.calls.order_by("-started_at", "-id").values_list("pk", flat=True).first())
        values += [obj.pace, int(time.time() // 60)]  # ages are told in minutes
        return hashlib.blake2b(repr(values).encode(), digest_size=9).hexdigest()

    @staticmethod
    def _latest(account: ProviderAccount) -> QuerySet[Movement]:
        return Movement.objects.filter(account=account).order_by("-booked_at", "-id")

    def live(self, obj: ProviderAccount) -> int:
        return FAST

    def context(self, **extra: Any) -> dict[str, Any]:
        account = self.object
        token = CallbackToken.objects.filter(account=account, retired_at__isnull=True, reference__isnull=True)
        state = account.health.state if account.is_active else ""
        explained = balances.explained(account.balances.select_related("account").order_by("currency"))
        movements = self._latest(account).select_related("reference")[:LATEST]
        calls = account.calls.defer("request", "response").order_by("-started_at", "-id")[:LATEST]
        return super().context(
            health=account.health,
            state=pieces.account_state(account),
            pace=pieces.took(account.pace),
            is_slow=pieces.is_slow(account),
            is_failing=state == State.FAILING,
            is_down=state == State.DOWN,
            is_denied=state == State.DENIED,
            balances=(ComputedBalanceTable if balances.is_computed(account) else AccountBalanceTable)(
                explained, request=self.request
            ),
            movements=AccountMovementTable(movements, request=self.request),
            calls=LatestCallTable(calls, request=self.request)
            if self.may("payments.view_providercall")
            else None,
            may_manage=self.may(MANAGE),
            about_us=about_us(account),
            connection_test=connection_test(account),
            service=service_state(account),
            bills=offers(account.provider, Invoices) or offers(account.provider, FiatInvoices),
            clock=pieces.clock(account.health.clock_skew_ms),
            default_rate=PROVIDERS[account.provider].default_rate,
            has_keys=ProviderAccount._meta.get_field("credentials").is_set(account),
            callback_since=token.values_list("created_at", flat=True).first(),
            **extra,
        )


class ProviderAccountRefreshView(ActionView):
    model = ProviderAccount
    permission = "payments.refresh_balance"
    title = _("Ask balances now")
    question = _("The provider is asked for the balances of this account.")
    success = _("The provider is asked now. The page shows the answer by itself.")

    def perform(self, obj: ProviderAccount, form: Any) -> None:
        balances.ask_now(actor=self.request.user, account=obj)
