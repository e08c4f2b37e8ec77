"""Payment methods and currencies in the administration. Every write goes through a service."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.service_admin import ServiceAdmin
from payments.forms.withdrawals import fee_text
from payments.models import Currency, Method
from payments.services import methods, stated_methods


@admin.register(Method)
class MethodAdmin(ServiceAdmin):
    """Payment systems of each account: prefilled from the provider's document, kept right by admins."""

    view_permission = manage_permission = "payments.manage_method"
    list_display = (
        "code",
        "title",
        "account",
        "currency",
        "for_invoice",
        "for_withdrawal",
        "fee",
        "internal_balance",
        "enabled",
        "stated",
    )
    list_filter = ("account", "for_invoice", "for_withdrawal", "for_wallet", "enabled")
    search_fields = ("code", "title")
    list_select_related = ("account",)

    @admin.display(description=_("fee of a withdrawal"))
    def fee(self, method: Method) -> str:
        return fee_text(method) or "–"

    @admin.display(description=_("stated"), ordering="stated_at")
    def stated(self, method: Method) -> Any:
        return html.when(method.stated_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Method | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # What the provider lists would be overwritten by its next answer.
        listed = ("currency", "network", *stated_methods.STATED, "stated_at") if obj.stated_at else ()
        return ("account", "code", *listed)

    def save_model(self, request: HttpRequest, obj: Method, form: Any, change: bool) -> None:
        methods.save_method(actor=request.user, method=obj)


@admin.register(Currency)
class CurrencyAdmin(ServiceAdmin):
    """Display digits of currencies."""

    view_permission = manage_permission = "payments.manage_currency"
    list_display = ("code", "title", "digits", "is_fiat")

    def get_readonly_fields(self, request: HttpRequest, obj: Currency | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Currency, form: Any, change: bool) -> None:
        methods.save_currency(actor=request.user, currency=obj)
