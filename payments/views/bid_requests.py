"""Asking for a bid: its form, built from the direction's own, with the calculation beside it. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.views import ServiceFormView
from payments.forms.bids import ACCOUNT, BidForm
from payments.models import Bid, Direction
from payments.services import bid_fields, bid_quotes, bids, directions
from payments.tables.bids import is_old

from . import bid_facts
from .directions import quote_response

# What the form asks for by itself: the calculation alone, or the page with it (without scripts).
CALCULATE, SHOW = "_calculate", "_show"


class BidCreateView(ServiceFormView):
    """The form of one direction. It is sent with the quote that was shown; without one it is shown first."""

    model = Direction
    permission = "payments.create_bid"
    form_class = BidForm
    template_name = "payments/bid_form.html"
    title = gettext_lazy("New bid")
    button = gettext_lazy("Make the bid")
    cancel_url_name = "payments:direction_list"
    prefill = ("_customer_reference", "_note")

    @cached_property
    def direction(self) -> Direction:
        return get_object_or_404(Direction.objects.select_related("account__health"), pk=self.kwargs["pk"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if why := self._why_not():
            messages.warning(request, why)
            return redirect(self.direction)
        if is_old(self.direction):
            directions.ask_again(direction=self.direction)
        if (
            "token" in kwargs
            and (earlier := self._refused()) is not None
            and self.made(kwargs["token"]) is None
        ):
            return self.show(self._as_it_was(earlier))
        return super().get(request, *args, **kwargs)

    def _why_not(self) -> str:
        if refusal := bid_fields.may_exchange(self.direction.account):
            return refusal
        if not self.direction.is_offered:
            return _("The exchanger does not offer this direction now.")
        return "" if self.direction.is_known else _("Its form is not known yet. It is being asked for.")

    # --- Correcting a refused one ---
    def _refused(self) -> Bid | None:
        """The bid whose refused form is to be corrected."""
        number = self.request.GET.get("again", "")
        if not (number.isdecimal() and number.isascii() and len(number) < 19):
            return None
        return (
            Bid.objects.filter(pk=int(number), direction=self.direction, status=Bid.Status.CANCELED)
            .exclude(provider_id__gt="")
            .select_related("destination")
            .first()
        )

    def _as_it_was(self, bid: Bid) -> BidForm:
        """What was typed, with what the exchanger said at its fields. The number of a card or an account that somebody else typed
        is not shown."""
        typed = {name: str(value) for name, value in bid_fields.to_send(bid).items()}
        is_mine = bid.created_by_id == self.request.user.pk
        fields = {field.name: field for field in bid_fields.form(self.direction)}
        data = {
            name: value
            for name, value in typed.items()
            if is_mine or name not in fields or bid_fields.masked(fields[name], value) == value
        }
        if bid.destination is not None:
            data[ACCOUNT] = str(bid.destination.pk)
        data |= {"_customer_reference": bid.customer, "_note": bid.purpose}
        form = self.get_form(data)
        form.is_valid()
        for name, sentence in bid.errors.items():
            form.add_error(name if name in form.fields else None, sentence)
        return form

    # --- The form ---
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if CALCULATE in request.POST:
            return quote_response(request, self.direction, request.POST)
        if SHOW in request.POST and "token" in kwargs:
            return self.show(self.get_form(request.POST))
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "direction": self.direction}

    def made(self, token: uuid.UUID) -> Bid | None:
        return Bid.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: BidForm) -> Bid:
        if not was_shown(form, self.direction):
            raise ValidationError(
                _("This is what the exchanger calculates now. Look at it, then press the button again.")
            )
        return bids.create(
            actor=self.request.user,
            account=self.direction.account,
            fields=form.to_service(),
            form_token=self.form_token,
        )

    def show(self, form: Any, *, status: int = 200, **extra: Any) -> HttpResponseBase:
        typed = {name: form.value(name) for name in form.fields}
        found = bid_facts.calculation(self.direction, self.request.user, form.to_calculate(typed))
        return super().show(form, status=status, calculation=found, **extra)

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(direction=self.direction, quote_url=self.request.path, **extra)


def was_shown(form: BidForm, direction: Direction) -> bool:
    """Whether the form carries a quote that was shown for just what it asks for."""
    given = bid_fields.filled(form.to_service())
    request = bid_fields.calculation(direction.account, direction, given)
    return (
        bid_quotes.shown(given.get(bid_fields.QUOTE), key=bid_fields.key(direction.account, request))
        is not None
    )
