"""The pages of exchange directions: the board over all accounts, one direction with its calculator. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views import Action, ActionView, DetailView, ListView, PageAction, StaffView
from backoffice.kit.views.details import FAST
from payments.filters.bids import DirectionFilters
from payments.forms.bids import CalculatorForm
from payments.models import Direction, DirectionList
from payments.services import bid_fields, directions
from payments.tables.bids import DirectionTable, course, limit

from . import bid_facts

CREATE = "payments.create_bid"


def quote_response(request: HttpRequest, direction: Direction, typed: Any) -> HttpResponseBase:
    """The calculation beside a form, as a fragment; nothing (204) while it would be the same."""
    form = CalculatorForm(direction=direction)
    found = bid_facts.calculation(direction, request.user, form.to_calculate(typed))
    if found.is_busy or (found.quoted is not None and found.quoted.mark == typed.get("_quoted")):
        return HttpResponse(status=204)
    return TemplateResponse(request, "payments/bid_quote.html", {"calculation": found})


class DirectionListView(ListView):
    """Compares what all accounts offer. Empty until an exchanger's list has been read."""

    model = Direction
    table_class = DirectionTable
    filterset_class = DirectionFilters
    ordering = ("give_key", "get_key", "-rate", "id")
    page_actions = (
        PageAction(
            gettext_lazy("Read the lists now"),
            "payments:direction_refresh_all",
            "payments.refresh_direction",
            "refresh-cw",
        ),
    )
    live = 10
    template_name = "payments/direction_list.html"
    title = gettext_lazy("Exchange directions")
    intro = gettext_lazy("What the exchangers offer, compared over all accounts.")

    def get_queryset(self) -> QuerySet[Any]:
        found = Direction.objects.filter(account__is_active=True).select_related("account")
        return directions.compared(found)

    def context(self, **extra: Any) -> dict[str, Any]:
        lists = DirectionList.objects.select_related("account").order_by("account__name")
        return super().context(lists=lists, **extra)


class DirectionRefreshAllView(StaffView):
    """One click: the lists of all accounts are read by workers."""

    permission = "payments.refresh_direction"
    template_name = "payments/direction_refresh_all.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.render(title=_("Read the lists now"), cancel_url=reverse("payments:direction_list"))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        count = directions.ask_all_now(actor=request.user)
        messages.success(
            request, _("%(n)d exchangers are being asked. The board follows by itself.") % {"n": count}
        )
        return HttpResponseRedirect(reverse("payments:direction_list"))


class DirectionDetailView(DetailView):
    """One direction: rate, limits, what the exchanger writes, and its calculator."""

    model = Direction
    select_related = ("account__health",)
    list_url_name = "payments:direction_list"
    actions = (
        Action(
            gettext_lazy("Ask now"),
            "payments:direction_refresh",
            "payments.refresh_direction",
            "refresh-cw",
            when=lambda one: one.account.is_active,
        ),
        Action(
            gettext_lazy("New bid"),
            "payments:bid_create",
            CREATE,
            "plus",
            style="primary",
            link=True,
            when=lambda one: one.is_known and not bid_fields.may_exchange(one.account),
        ),
    )

    def live(self, obj: Direction) -> int:
        return FAST if "asked" in self.request.GET or not obj.is_known else 0

    def context(self, **extra: Any) -> dict[str, Any]:
        direction: Direction = self.object
        others = directions.compared(
            Direction.objects.filter(
                give_key=direction.give_key,
                get_key=direction.get_key,
                is_offered=True,
                account__is_active=True,
            )
            .exclude(pk=direction.pk)
            .select_related("account")
            .order_by("-rate", "pk")[:20]
        )
        may_calculate = self.may("payments.quote_bid") and direction.is_known
        return super().context(
            course=course(direction),
            limits=[
                limit(direction.said, "give", direction.give_code),
                limit(direction.said, "get", direction.get_code),
            ],
            others=DirectionTable(others, request=self.request) if others else None,
            form=CalculatorForm(direction=direction) if may_calculate else None,
            calculation=bid_facts.Calculation(direction),
            quote_url=reverse("payments:direction_quote", args=[direction.pk]),
            **extra,
        )


class DirectionRefreshView(ActionView):
    model = Direction
    permission = "payments.refresh_direction"
    title = gettext_lazy("Ask now")
    question = gettext_lazy("Ask the exchanger for the rate, the limits and the form of this direction?")
    success = gettext_lazy("The exchanger is being asked. The answer appears here by itself.")

    def perform(self, obj: Direction, form: Any) -> None:
        directions.ask_now(actor=self.request.user, direction=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


class DirectionQuoteView(StaffView):
    """The calculator: asked while somebody types, and by the button where there are no scripts."""

    permission = "payments.quote_bid"
    model = Direction
    template_name = "payments/direction_quote.html"

    @cached_property
    def direction(self) -> Direction:
        return get_object_or_404(Direction.objects.select_related("account"), pk=self.kwargs["pk"])

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return HttpResponseRedirect(self.direction.get_absolute_url())

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        if getattr(request, "htmx", False):
            return quote_response(request, self.direction, request.POST)
        form = CalculatorForm(request.POST, direction=self.direction)
        found = bid_facts.calculation(self.direction, request.user, form.to_calculate(request.POST))
        return self.render(
            title=str(self.direction),
            direction=self.direction,
            form=form,
            calculation=found,
            quote_url=request.path,
        )
