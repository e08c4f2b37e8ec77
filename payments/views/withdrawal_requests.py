"""Requesting a withdrawal: which account pays, and its form with the estimate beside it. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import html
from backoffice.kit.views import ServiceFormView, StaffView
from payments.forms.withdrawals import WithdrawalForm
from payments.models import ProviderAccount, Withdrawal
from payments.providers import offering
from payments.providers.base import Withdrawals
from payments.services import freeze, reservations, withdrawals

from . import withdrawal_estimates as estimates

# What the form asks for by itself: all fields anew, the estimate alone, the page with it (without scripts).
REDRAW, ESTIMATE, SHOW = "_redraw", "_estimate", "_show"


class WithdrawalStartView(StaffView):
    """Which account pays? With one there is no question; the others say why they cannot."""

    permission = "payments.request_withdrawal"
    template_name = "payments/withdrawal_start.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        able, unable = estimates.paying_accounts()
        if len(able) == 1 and not unable:
            return redirect("payments:withdrawal_create", account=able[0].pk)
        return self.render(
            title=_("New withdrawal"),
            accounts=able,
            unable=unable,
            unable_title=_("Cannot pay out now"),
            create_url_name="payments:withdrawal_create",
        )


class WithdrawalCreateView(ServiceFormView):
    """The form of one account. What depends on a choice is drawn anew with all that was typed; the estimate alone
    follows the amounts while they are typed."""

    permission = "payments.request_withdrawal"
    form_class = WithdrawalForm
    template_name = "payments/withdrawal_form.html"
    title = gettext_lazy("New withdrawal")
    button = gettext_lazy("Request withdrawal")
    success = gettext_lazy("Requested. Another person approves it now, then it is sent.")
    cancel_url_name = "payments:withdrawal_list"
    prefill = ("paysys", "currency", "_customer_reference", "_note")

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(
            ProviderAccount.objects.select_related("health"),
            pk=self.kwargs["account"],
            provider__in=offering(Withdrawals),
        )

    @cached_property
    def funds(self) -> dict[str, reservations.Funds]:
        return reservations.funds(self.account)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if why := estimates.why_not(self.account):
            messages.warning(
                request,
                _("%(name)s cannot pay out at the moment. %(why)s") % {"name": self.account.name, "why": why},
            )
            return redirect("payments:withdrawal_start")
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        for part, template in (
            # The estimate stands inside the fields and so sends their word as well.
            (ESTIMATE, "payments/withdrawal_estimate.html"),
            (REDRAW, "payments/withdrawal_fields.html"),
        ):
            if part in request.POST:
                form = self._typed(request.POST)
                return TemplateResponse(request, template, {"form": form, "estimate": self.estimate(form)})
        if SHOW in request.POST and "token" in kwargs:
            return self.show(self._typed(request.POST))
        return super().post(request, *args, **kwargs)

    def _typed(self, data: Any) -> WithdrawalForm:
        return self._explained(WithdrawalForm(typed=data, **self.get_form_kwargs()))

    def get_form(self, data: Any = None, files: Any = None) -> WithdrawalForm:
        return self._explained(super().get_form(data, files))

    def _explained(self, form: WithdrawalForm) -> WithdrawalForm:
        """With the reason why the most that may be debited must be typed, where it must."""
        currency = form.value("currency")
        if form.method is None or currency not in self.funds:
            return form
        if why := estimates.cost_unknown(form.method, currency):
            form.explain_max_debit(why)
        return form

    def get_form_kwargs(self) -> dict[str, Any]:
        balances = [
            (
                code,
                _("%(code)s · %(available)s available")
                % {"code": code, "available": html.amount_text(one.available, code)},
            )
            for code, one in self.funds.items()
        ]
        return {**super().get_form_kwargs(), "account": self.account, "balances": balances}

    def estimate(self, form: WithdrawalForm) -> estimates.Estimate:
        return estimates.estimate(self.account, form.method, self.funds, form.typed())

    def made(self, token: uuid.UUID) -> Withdrawal | None:
        return Withdrawal.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: WithdrawalForm) -> Withdrawal:
        try:
            return withdrawals.request(
                actor=self.request.user,
                account=self.account,
                fields=form.to_service(),
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise form.in_boxes(error) from error

    def context(self, **extra: Any) -> dict[str, Any]:
        able, _unable = estimates.paying_accounts()
        return super().context(
            account=self.account,
            has_other_accounts=any(one.pk != self.account.pk for one in able),
            estimate=self.estimate(extra["form"]),
            is_frozen=freeze.stops(self.account.pk),
            **extra,
        )
