"""The pages of accounts in the administration: what can be set of each, "Test connection", the callback address.

Every write goes through a service. No money here.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import SecretField, SecretUnreadable
from backoffice.kit.service_admin import UNREADABLE, ServiceAdmin
from backoffice.kit.views.forms import add_errors
from payments.forms.account_batches import batch_fields
from payments.forms.account_keys import key_fields
from payments.models import ProviderAccount
from payments.providers import offers
from payments.providers.base import Invoices, Vouchers, Withdrawals
from payments.providers.batches import BatchPayouts
from payments.providers.bids import Bids
from payments.providers.errors import OutcomeUnknown, ProviderError, Unavailable
from payments.providers.partner import Partner
from payments.providers.wallets import FiatInvoices, Wallets
from payments.services import accounts, balances, callback_tokens, calls, stated_methods
from payments.tables import pieces

from .account_forms import AccountForm, OpeningForm

VOUCHERS = ("voucher_free_amount", "voucher_free_currency", "split_handover")
FREE = _("What may be made without a second person, and who may see what of it.")
BATCHES = ("bitcoin_network", "batch_lifetime_hours")
MIXER = _(
    "Coins that passed a mixer are suspect to many banks and exchanges. Switching batch payouts on needs a note why; "
    "it stays in the audit trail."
)
KEPT = _("Kept encrypted. Nobody can read them again, not even here.")
# What an option is for: it is shown where the provider has one of these.
FOR: dict[str, tuple[type, ...]] = {
    "money_in": (Invoices, FiatInvoices, Vouchers, Wallets),
    "invoice_lifetime_days": (Invoices, FiatInvoices),
    "reserve_margin": (Withdrawals, Vouchers, Partner),
    "rate_tolerance": (Bids,),
    **dict.fromkeys(VOUCHERS, (Vouchers,)),
    **dict.fromkeys(BATCHES, (BatchPayouts,)),
}
# Money lies there, in currencies that its payment methods name.
HOLDING = (Withdrawals, Wallets, Invoices, FiatInvoices)


def has_any(account: ProviderAccount | None, protocols: tuple[type, ...]) -> bool:
    """Whether this account's provider can do one of these; all can while it is being chosen."""
    return account is None or any(offers(account.provider, protocol) for protocol in protocols)


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ServiceAdmin):
    """Accounts at providers: for admins. "Test connection" asks the provider and shows what came back."""

    view_permission = manage_permission = "payments.manage_provideraccount"
    list_display = ("name", "provider", "state", "is_active", "money_in", "money_out")
    list_select_related = ("health",)
    list_filter = ("provider", "is_active")
    search_fields = ("name",)
    form = AccountForm
    change_form_template = "admin/payments/provideraccount/change_form.html"

    @admin.display(description=_("state"))
    def state(self, account: ProviderAccount) -> Any:
        return pieces.account_state(account)

    def get_form(
        self, request: HttpRequest, obj: ProviderAccount | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        boxes: dict[str, Any] = dict(key_fields(obj.provider if obj else None))
        if obj is not None and obj.makes_batches:
            boxes |= batch_fields()
        form = type("AccountForm", (AccountForm,), boxes)
        return super().get_form(request, obj, change, **kwargs | {"form": form})

    def get_fieldsets(self, request: HttpRequest, obj: ProviderAccount | None = None) -> Any:
        boxes = key_fields(obj.provider if obj else None)
        keys = tuple(name for name, box in boxes.items() if isinstance(box, SecretField))
        plain = tuple(name for name in boxes if name not in keys)
        apart = (*VOUCHERS, *BATCHES)
        here = tuple(
            name
            for name in accounts.OPTIONS
            if name not in apart and (name not in FOR or has_any(obj, FOR[name]))
        )
        sets: list[Any] = [
            (None, {"fields": ("provider", "name", "base_url", *plain)}),
            (_("Keys"), {"fields": keys, "description": KEPT}),
            (_("Switches and limits"), {"fields": here}),
        ]
        if obj is not None and obj.makes_batches:
            fields = ("batches_on", "batches_note", *BATCHES)
            sets.append((_("Batch payouts"), {"fields": fields, "description": MIXER}))
        if has_any(obj, (Vouchers,)):
            sets.append((_("Vouchers"), {"fields": VOUCHERS, "description": FREE}))
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("provider",) if obj else ()

    # --- Saving through the service ---
    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        account = kwargs.get("obj")
        if account is not None:
            context["has_methods"] = has_any(account, HOLDING)
            context["is_computed"] = balances.is_computed(account) and has_any(account, HOLDING)
            context["states_methods"] = stated_methods.states_methods(account)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_and_show(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """Without Django's transaction: the form looks the host's name up, the service commits by itself."""
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: ProviderAccount, form: AccountForm, change: bool) -> None:
        given = form.cleaned_data
        options = {name: given[name] for name in accounts.OPTIONS if name in given}
        keys = form.credentials(form.cleaned_data)
        if change:
            stored = ProviderAccount.objects.get(pk=obj.pk)
            had = accounts.stored_keys(stored)
            saved = accounts.change(
                actor=request.user,
                account=stored,
                name=obj.name,
                base_url=obj.base_url,
                credentials=keys,
                batches_on=given.get("batches_on"),
                batches_note=given.get("batches_note", ""),
                **options,
            )
            if had and not accounts.stored_keys(saved):
                messages.warning(
                    request,
                    _("The address points elsewhere now, so the keys were cleared. Enter them again."),
                )
        else:
            saved = accounts.create(
                actor=request.user,
                provider=obj.provider,
                name=obj.name,
                base_url=obj.base_url,
                credentials=keys or {},
                **options,
            )
        obj.pk = saved.pk

    def response_add(
        self, request: HttpRequest, obj: ProviderAccount, post_url_continue: str | None = None
    ) -> HttpResponse:
        """After adding comes "Test connection", so the account's page stays open."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(
            request, _("The account “%(name)s” was added. Test its connection now.") % {"name": obj}
        )
        return HttpResponseRedirect(self._page(obj.pk))

    def _page(self, pk: int) -> str:
        return reverse("admin:payments_provideraccount_change", args=[pk])

    # --- Test connection, callback address ---
    def get_urls(self) -> list[Any]:
        views = {
            "probe": self.probe,
            "renew-callback": self.renew_callback,
            "opening": self.opening,
            "refresh-methods": self.refresh_methods,
        }
        own = [
            path(
                f"<int:pk>/{route}/",
                self.admin_site.admin_view(view),
                name=f"payments_provideraccount_{route.replace('-', '_')}",
            )
            for route, view in views.items()
        ]
        return own + super().get_urls()

    def _account(self, request: HttpRequest, pk: int) -> ProviderAccount:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(ProviderAccount.objects.select_related("health"), pk=pk)

    def _show(
        self, request: HttpRequest, template: str, account: ProviderAccount, **extra: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "account": account,
            "opts": self.opts,
            "back": self._page(account.pk),
            **extra,
        }
        return TemplateResponse(request, f"admin/payments/provideraccount/{template}.html", context)

    def probe(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the provider now and show what came back. A GET (back, a bookmark) asks nobody."""
        account = self._account(request, pk)
        if request.method != "POST":
            return HttpResponseRedirect(self._page(pk))
        found: dict[str, Any] = {}
        try:
            report = accounts.probe(actor=request.user, account=account)
            found = {
                "report": report,
                "clock": pieces.clock(report.clock_skew_ms),
                "facts": [pieces.probe_fact(name, value) for name, value in report.facts.items()],
            }
        except ProviderError as error:
            found = {
                "problem": calls.explain(error),
                "technical": str(error),
                "is_elsewhere": isinstance(error, OutcomeUnknown | Unavailable),
            }
        except SecretUnreadable:
            found = {"problem": UNREADABLE}
        return self._show(request, "probe", account, title=_("Test connection"), **found)

    def renew_callback(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the account a new callback address; asks first. 404 where the provider sends no callbacks."""
        account = self._account(request, pk)
        if not account.takes_callbacks:
            raise Http404
        if request.method != "POST":
            return self._show(request, "renew_callback", account, title=_("New callback address"))
        callback_tokens.renew_token(actor=request.user, account=account)
        messages.success(
            request, _("New invoices use a new callback address. The old one is accepted for 30 days.")
        )
        return HttpResponseRedirect(self._page(pk))

    # --- What nobody states, and what the provider lists ---
    def opening(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enter what the provider's own page shows: where it states no balances, ours are computed from that."""
        account = self._account(request, pk)
        if not balances.is_computed(account):
            return HttpResponseRedirect(self._page(pk))
        form = OpeningForm(request.POST or None, account=account)
        if request.method == "POST" and form.is_valid():
            try:
                balances.set_opening(actor=request.user, account=account, **form.cleaned_data)
            except ValidationError as error:
                add_errors(form, error)
            else:
                messages.success(
                    request, _("The opening balance is kept. What is booked from now on counts.")
                )
                return HttpResponseRedirect(self._page(pk))
        known = balances.explained(account.balances.filter(is_computed=True).order_by("currency"))
        return self._show(request, "opening", account, title=_("Opening balance"), form=form, known=known)

    def refresh_methods(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a worker read the provider's list now. A GET asks nobody."""
        account = self._account(request, pk)
        if request.method == "POST" and stated_methods.states_methods(account):
            stated_methods.ask_now(actor=request.user, account=account)
            messages.success(request, _("The provider is asked for its payment methods now."))
            address = reverse("admin:payments_method_changelist")
            return HttpResponseRedirect(f"{address}?account__id__exact={pk}")
        return HttpResponseRedirect(self._page(pk))
