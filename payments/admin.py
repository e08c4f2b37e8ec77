"""Accounts, keys, payment methods and currencies in Django's admin. Every write goes through a service.

Keys are write-only: a stored one is never sent to the browser. Money itself is not managed here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.admin import OfficeAdmin
from backoffice.kit.fields import SecretField
from payments.models import Currency, Method, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.errors import ProviderError
from payments.services import accounts, calls, methods

KEY = "key_"


class AccountForm(forms.ModelForm):
    """Address, switches, and one write-only box per key of the provider."""

    class Meta:
        model = ProviderAccount
        fields = ("provider", "name", "base_url", *accounts.OPTIONS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.keys if self.instance.pk else {}
        for name in list(self.fields):
            if name.startswith(KEY):
                self.fields[name].required = False
                if stored.get(name.removeprefix(KEY)):
                    self.fields[name].help_text = _("A value is stored. Leave this empty to keep it.")

    def clean(self) -> dict[str, Any]:
        """The service's own checks, so that each error stands at its field."""
        cleaned = super().clean() or {}
        provider = cleaned.get("provider") or self.instance.provider
        try:
            accounts.check(
                provider=provider, base_url=cleaned.get("base_url", ""), credentials=self.typed_keys()
            )
        except ValidationError as error:
            for name, problems in error.error_dict.items():
                field = name if name in self.fields else KEY + name
                self.add_error(field if field in self.fields else None, problems)
        return cleaned

    def typed_keys(self) -> dict[str, str] | None:
        """All keys after this form, or None if none was typed or removed."""
        typed = {
            name.removeprefix(KEY): value
            for name, value in self.cleaned_data.items()
            if name.startswith(KEY) and value is not None
        }
        if not typed and self.instance.pk:
            return None
        stored = ProviderAccount.objects.get(pk=self.instance.pk).keys if self.instance.pk else {}
        return stored | typed


def _key_fields(provider: str | None) -> dict[str, forms.Field]:
    """One box per key: of the account's provider, or of all providers while it is being chosen."""
    found: dict[str, forms.Field] = {}
    for name, client in PROVIDERS.items():
        if provider in (None, name):
            for field in client.credentials:
                found.setdefault(KEY + field.name, SecretField(label=_(field.label), help_text=_(field.help)))
    return found


@admin.register(ProviderAccount)
class ProviderAccountAdmin(OfficeAdmin):
    """Accounts at providers: for admins. "Test connection" asks for the balances and shows what came back."""

    view_permission = manage_permission = "payments.manage_provideraccount"
    list_display = ("name", "provider", "is_active", "money_in", "money_out", "state")
    list_select_related = ("health",)
    list_filter = ("provider", "is_active")
    search_fields = ("name",)
    form = AccountForm
    change_form_template = "admin/payments/provideraccount/change_form.html"

    @admin.display(description=_("state"))
    def state(self, account: ProviderAccount) -> str:
        return account.health.get_state_display()

    def get_form(
        self, request: HttpRequest, obj: ProviderAccount | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        boxes = _key_fields(obj.provider if obj else None)
        form = type("AccountForm", (AccountForm,), boxes)
        return super().get_form(request, obj, change, **kwargs | {"form": form})

    def get_fieldsets(self, request: HttpRequest, obj: ProviderAccount | None = None) -> Any:
        keys = tuple(_key_fields(obj.provider if obj else None))
        return (
            (None, {"fields": ("provider", "name", "base_url")}),
            (
                _("Keys"),
                {
                    "fields": keys,
                    "description": _("Kept encrypted. Nobody can read them again, not even here."),
                },
            ),
            (_("Switches and limits"), {"fields": accounts.OPTIONS}),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: ProviderAccount | None = None
    ) -> tuple[str, ...]:
        return ("provider",) if obj else ()

    # --- Saving through the service ---
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """Without the transaction that Django opens here: the form looks the host's name up, the service commits."""
        return self._changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: ProviderAccount, form: AccountForm, change: bool) -> None:
        options = {name: form.cleaned_data[name] for name in accounts.OPTIONS}
        if change:
            stored = ProviderAccount.objects.get(pk=obj.pk)
            saved = accounts.change(
                actor=request.user,
                account=stored,
                name=obj.name,
                base_url=obj.base_url,
                credentials=form.typed_keys(),
                **options,
            )
            if not saved.credentials and stored.credentials:
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
                credentials=form.typed_keys() or {},
                **options,
            )
        obj.pk = saved.pk

    # --- Test connection, callback address ---
    def get_urls(self) -> list[Any]:
        own = [
            path(
                "<int:pk>/probe/",
                self.admin_site.admin_view(self.probe),
                name="payments_provideraccount_probe",
            ),
            path(
                "<int:pk>/renew-callback/",
                self.admin_site.admin_view(self.renew_callback),
                name="payments_provideraccount_renew_callback",
            ),
        ]
        return own + super().get_urls()

    def _posted(self, request: HttpRequest, pk: int) -> ProviderAccount:
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(ProviderAccount, pk=pk)

    def probe(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the balances now and show what came back."""
        account = self._posted(request, pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test connection"),
            "account": account,
            "opts": self.opts,
            "back": reverse("admin:payments_provideraccount_change", args=[pk]),
        }
        try:
            context["report"] = accounts.probe(actor=request.user, account=account)
        except ProviderError as error:
            context["error"] = calls.explain(error)
        return TemplateResponse(request, "admin/payments/provideraccount/probe.html", context)

    def renew_callback(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the account a new callback address."""
        account = self._posted(request, pk)
        accounts.renew_token(actor=request.user, account=account)
        messages.success(
            request, _("New invoices use a new callback address. The old one is accepted for 30 days.")
        )
        return HttpResponseRedirect(reverse("admin:payments_provideraccount_change", args=[pk]))


@admin.register(Method)
class MethodAdmin(OfficeAdmin):
    """Payment systems of each account: prefilled from the provider's document, kept right by admins."""

    view_permission = manage_permission = "payments.manage_method"
    list_display = (
        "code",
        "title",
        "account",
        "currency",
        "for_invoice",
        "for_withdrawal",
        "internal_balance",
        "enabled",
    )
    list_filter = ("account", "for_invoice", "for_withdrawal", "enabled")
    search_fields = ("code", "title")
    list_select_related = ("account",)

    def get_readonly_fields(self, request: HttpRequest, obj: Method | None = None) -> tuple[str, ...]:
        return ("account", "code") if obj else ()

    def save_model(self, request: HttpRequest, obj: Method, form: Any, change: bool) -> None:
        accounts.save_method(actor=request.user, method=obj)


@admin.register(Currency)
class CurrencyAdmin(OfficeAdmin):
    """Display digits of currencies."""

    view_permission = manage_permission = "payments.manage_currency"
    list_display = ("code", "title", "digits", "is_fiat")

    def get_readonly_fields(self, request: HttpRequest, obj: Currency | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Currency, form: Any, change: bool) -> None:
        methods.save_currency(actor=request.user, currency=obj)
