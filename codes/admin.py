"""Vouchers and the providers' lists in Django's admin: to look at, and to ask anew. Neither code nor password is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.kit.admin import OfficeAdmin
from backoffice.kit.views.forms import REFUSALS, reason
from codes.models import Voucher, VoucherListing
from codes.services import listings, vouchers

MOST = 100  # so many are asked about at once


def _ask(
    modeladmin: OfficeAdmin, request: HttpRequest, rows: QuerySet[Any], ask: Callable[[Any], None]
) -> None:
    """Call a service for each chosen row and say what came of it."""
    asked = 0
    for row in rows[:MOST]:
        try:
            ask(row)
        except REFUSALS as error:
            for sentence in reason(error):
                modeladmin.message_user(request, f"{row}: {sentence}", messages.ERROR)
        else:
            asked += 1
    if asked:
        modeladmin.message_user(request, _("Asked: %d. The answers appear in the back office.") % asked)


@admin.register(Voucher)
class VoucherAdmin(OfficeAdmin):
    """Read-only: money moves in the back office, by its people."""

    view_permission = "codes.view_voucher"
    list_display = ("reference", "direction", "status", "amount", "currency", "account", "created_at")
    list_filter = ("direction", "status", "account")
    list_select_related = ("reference", "account")
    search_fields = ("reference__value",)
    actions = ("check_now",)
    fieldsets = (
        (None, {"fields": ("reference", "account", "direction", "status", "provider_status", "last_error")}),
        (_("Worth"), {"fields": ("amount", "currency", "stated", "has_password", "password_made")}),
        (_("Request"), {"fields": ("payee", "description", "purpose", "created_by", "bulk", "position")}),
        (
            _("Times"),
            {"fields": ("created_at", "sent_at", "ended_at", "checked_at", "next_check_at", "listed_at")},
        ),
        (_("The provider’s list"), {"fields": ("found", "created_text", "applied_text", "not_found_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voucher]:
        return super().get_queryset(request).defer("code", "password")

    @admin.action(description=_("Check now"), permissions=["view"])
    def check_now(self, request: HttpRequest, rows: QuerySet[Voucher]) -> None:
        _ask(self, request, rows, lambda row: vouchers.ask_now(actor=request.user, voucher=row))


@admin.register(VoucherListing)
class VoucherListingAdmin(OfficeAdmin):
    """When each account's list was read, and what it stated."""

    view_permission = "codes.view_voucher"
    list_display = ("account", "read_at", "count", "tried_at", "failures", "last_error")
    list_select_related = ("account",)
    actions = ("read_now",)

    @admin.action(description=_("Read the list now"), permissions=["view"])
    def read_now(self, request: HttpRequest, rows: QuerySet[VoucherListing]) -> None:
        _ask(self, request, rows, lambda row: listings.ask_now(actor=request.user, account=row.account))
