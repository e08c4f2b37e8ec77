"""The pages of partner programmes: our balance, links, exchanges and payouts there. They show; nothing is sent from here."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction
from payments.filters.partner import PartnerExchangeFilters
from payments.models import PartnerExchange, PartnerPayout, PartnerProgram
from payments.services import partner_programs, payout_fields
from payments.tables import provider_words
from payments.tables.partner import PartnerExchangeTable, PartnerPayoutTable, PartnerProgramTable

LATEST = 10
VIEW = "payments.view_partnerprogram"


class PartnerProgramListView(ListView):
    model = PartnerProgram
    table_class = PartnerProgramTable
    ordering = ("account__name", "id")
    select_related = ("account",)
    exportable = False
    page_actions = (
        PageAction(gettext_lazy("Exchanges"), "payments:partnerexchange_list", VIEW, "arrow-right-left"),
        PageAction(
            gettext_lazy("Payouts"),
            "payments:partnerpayout_list",
            "payments.view_partnerpayout",
            "piggy-bank",
        ),
    )
    title = gettext_lazy("Partner programme")
    intro = gettext_lazy("What exchangers owe us for people whom we brought.")


def may_request(program: PartnerProgram) -> bool:
    """Whether a payout can be requested now."""
    return not payout_fields.why_not(program)


class PartnerProgramDetailView(DetailView):
    model = PartnerProgram
    select_related = ("account__health",)
    list_url_name = "payments:partnerprogram_list"
    actions = (
        Action(
            gettext_lazy("Ask now"),
            "payments:partnerprogram_refresh",
            "payments.refresh_partnerprogram",
            "refresh-cw",
            when=lambda one: one.account.is_active,
        ),
        Action(
            gettext_lazy("Request payout"),
            "payments:partnerpayout_create",
            "payments.request_partnerpayout",
            "piggy-bank",
            style="primary",
            link=True,
            when=may_request,
        ),
    )

    def live(self, obj: PartnerProgram) -> int:
        return 2 if "asked" in self.request.GET else 0

    def context(self, **extra: Any) -> dict[str, Any]:
        program: PartnerProgram = self.object
        exchanges = PartnerExchange.objects.filter(account=program.account).select_related("account")
        payouts = PartnerPayout.objects.filter(account=program.account).select_related("account", "reference")
        return super().context(
            exchanges=PartnerExchangeTable(
                exchanges.order_by("-created_at", "-id")[:LATEST],
                request=self.request,
                exclude=("account", "got"),
            ),
            payouts=PartnerPayoutTable(
                payouts.order_by("-created_at", "-id")[:LATEST],
                request=self.request,
                exclude=("account", "created_at"),  # the reference begins with the day
            ),
            told=[
                one | {"said": provider_words.of_payout(program.account.provider, one["word"])}
                for one in program.payouts
            ],
            in_flight=payout_fields.in_flight(program.account),
            why_not=payout_fields.why_not(program),
            **extra,
        )


class PartnerProgramRefreshView(ActionView):
    model = PartnerProgram
    permission = "payments.refresh_partnerprogram"
    title = gettext_lazy("Ask now")
    question = gettext_lazy("Ask the exchanger for balance, links, exchanges and payouts?")
    success = gettext_lazy("The exchanger is being asked. The answer appears here by itself.")

    def perform(self, obj: PartnerProgram, form: Any) -> None:
        partner_programs.ask_now(actor=self.request.user, account=obj.account)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


class PartnerExchangeListView(ListView):
    model = PartnerExchange
    permission = VIEW
    table_class = PartnerExchangeTable
    filterset_class = PartnerExchangeFilters
    select_related = ("account",)
    title = gettext_lazy("Exchanges of people whom we brought")
    intro = gettext_lazy("A reward is booked once the exchanger says that it is accrued.")
