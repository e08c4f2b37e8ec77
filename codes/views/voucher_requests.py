"""Requesting vouchers and redeeming a code: with which account, and the forms. Rules are the services'.

What is typed as a code or password is neither shown again nor written down.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from backoffice.kit import html
from backoffice.kit.views import ServiceFormView, StaffView
from codes.forms.vouchers import RedeemForm, VoucherForm
from codes.models import Voucher
from codes.services import voucher_fields, vouchers
from payments.models import ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers
from payments.services import freeze, reservations

from . import voucher_estimates as estimates

# What the form asks for by itself: the estimate alone, the page with it (without scripts).
ESTIMATE, SHOW = "_estimate", "_show"
hides_what_is_typed = method_decorator(sensitive_post_parameters("code", "pass"), name="dispatch")


def request_address(made: list[Voucher]) -> str:
    """The page of what was requested: the voucher, or the list of all of the request."""
    if len(made) == 1:
        return made[0].get_absolute_url()
    return f"{reverse('codes:voucher_list')}?bulk={made[0].bulk}"


class _StartView(StaffView):
    """Which account? With one there is no question; the others say why they cannot."""

    title: Any = ""
    unable_title: Any = ""
    create_url_name = ""

    def why_not(self, account: ProviderAccount) -> str:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponseBase:
        able, unable = estimates.able(self.why_not)
        if len(able) == 1 and not unable:
            return redirect(self.create_url_name, account=able[0].pk)
        return self.render(
            title=self.title,
            accounts=able,
            unable=unable,
            unable_title=self.unable_title,
            create_url_name=self.create_url_name,
        )


class VoucherStartView(_StartView):
    permission = "codes.request_voucher"
    template_name = "codes/voucher_start.html"
    title = gettext_lazy("Request vouchers")
    unable_title = gettext_lazy("Cannot make vouchers now")
    create_url_name = "codes:voucher_create"

    def why_not(self, account: ProviderAccount) -> str:
        return estimates.why_not_issue(account)


class RedeemStartView(_StartView):
    permission = "codes.redeem_voucher"
    template_name = "codes/voucher_redeem_start.html"
    title = gettext_lazy("Redeem a code")
    unable_title = gettext_lazy("Cannot redeem now")
    create_url_name = "codes:voucher_redeem"

    def why_not(self, account: ProviderAccount) -> str:
        return voucher_fields.may_redeem(account)


class _AccountFormView(ServiceFormView):
    """A form of one account, which leads back to the choice while the account cannot."""

    cancel_url_name = "codes:voucher_list"
    start_url_name = ""
    cannot: Any = ""

    def why_not(self, account: ProviderAccount) -> str:
        raise NotImplementedError

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(
            ProviderAccount.objects.select_related("health"),
            pk=self.kwargs["account"],
            provider__in=offering(Vouchers),
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if why := self.why_not(self.account):
            messages.warning(request, self.cannot % {"name": self.account.name, "why": why})
            return redirect(self.start_url_name)
        return super().get(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "account": self.account}

    def context(self, **extra: Any) -> dict[str, Any]:
        able, _unable = estimates.able(self.why_not)
        others = any(one.pk != self.account.pk for one in able)
        return super().context(
            account=self.account,
            start_url_name=self.start_url_name,
            has_other_accounts=others,
            **extra,
        )


@hides_what_is_typed
class VoucherCreateView(_AccountFormView):
    """The form of one account; what it takes follows amount and number while they are typed."""

    permission = "codes.request_voucher"
    form_class = VoucherForm
    template_name = "codes/voucher_form.html"
    title = gettext_lazy("Request vouchers")
    button = gettext_lazy("Request")
    start_url_name = "codes:voucher_start"
    cannot = gettext_lazy("%(name)s cannot make vouchers at the moment. %(why)s")
    prefill = ("currency", "desc", "_customer_reference", "_note")

    def why_not(self, account: ProviderAccount) -> str:
        return estimates.why_not_issue(account)

    @cached_property
    def funds(self) -> dict[str, reservations.Funds]:
        return reservations.funds(self.account)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if ESTIMATE in request.POST:
            form = self._typed(request.POST)
            context = {"estimate": self.estimate(form), "account": self.account}
            return TemplateResponse(request, "codes/voucher_estimate.html", context)
        if SHOW in request.POST and "token" in kwargs:
            return self.show(self._typed(request.POST))
        return super().post(request, *args, **kwargs)

    def _typed(self, data: Any) -> VoucherForm:
        return VoucherForm(typed=data, **self.get_form_kwargs())

    def get_form_kwargs(self) -> dict[str, Any]:
        balances = [
            (
                code,
                _("%(code)s · %(available)s available")
                % {"code": code, "available": html.amount_text(one.available, code)},
            )
            for code, one in self.funds.items()
        ]
        return {**super().get_form_kwargs(), "balances": balances}

    def estimate(self, form: VoucherForm) -> estimates.Estimate:
        return estimates.estimate(self.account, self.funds, form.typed())

    def made(self, token: uuid.UUID) -> str | None:
        found = Voucher.objects.filter(created_by=self.request.user.pk, form_token=token)
        made = list(found.order_by("position")[:2])
        return request_address(made) if made else None

    def perform(self, form: VoucherForm) -> str:
        made = vouchers.request(
            actor=self.request.user,
            account=self.account,
            fields=form.to_service(),
            count=form.cleaned_data["count"],
            form_token=self.form_token,
        )
        if made[0].status == Voucher.Status.AWAITING_APPROVAL:
            self.success = _("Requested. Another person approves it now, then it is made.")
        else:
            self.success = _("Requested. It is within the account's free amount and is made now.")
        return request_address(made)

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(
            estimate=self.estimate(extra["form"]), is_frozen=freeze.stops(self.account.pk), **extra
        )


@hides_what_is_typed
class VoucherRedeemView(_AccountFormView):
    """Somebody's code, to be credited to one account. It is sent once, by a worker."""

    permission = "codes.redeem_voucher"
    form_class = RedeemForm
    template_name = "codes/voucher_redeem.html"
    title = gettext_lazy("Redeem a code")
    button = gettext_lazy("Redeem")
    start_url_name = "codes:voucher_redeem_start"
    cannot = gettext_lazy("%(name)s cannot redeem codes at the moment. %(why)s")

    def why_not(self, account: ProviderAccount) -> str:
        return voucher_fields.may_redeem(account)

    def made(self, token: uuid.UUID) -> Voucher | None:
        return Voucher.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: RedeemForm) -> Voucher:
        return vouchers.redeem(
            actor=self.request.user,
            account=self.account,
            code=form.cleaned_data["code"],
            password=form.cleaned_data.get("pass", ""),
            form_token=self.form_token,
        )
