"""Django's admin under the roles of permissions.py: its site, and the base classes of every admin page.

Read-only unless a class names the permission to change. Nothing is ever deleted here. Holds no model.
"""

from __future__ import annotations

import functools
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice import permissions


class OfficeAdminSite(admin.AdminSite):
    """For admins, and a superuser who makes the first of them. One login for the whole office."""

    site_header = _("Back office")
    site_title = _("Back office admin")
    index_title = _("Admin")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return permissions.may_manage_users(request.user)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who may not gets the 403 page at once, and not a login form that cannot help."""
        inner = super().admin_view(view, cacheable)

        @functools.wraps(inner)
        def closed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied(_("Your role does not allow this."))
            return inner(request, *args, **kwargs)

        return closed

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The office's own login page: with second factor and lock-out."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or request.get_full_path())
        if not self.has_permission(request):
            raise PermissionDenied(_("Your role does not allow this."))
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")


class CappedPaginator(Paginator):
    """Counts up to a limit: nobody pages through ten thousand rows, and counting millions takes seconds."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows[: self.LIMIT].count()


class ByRole:
    """Decides by role what may be seen and changed. For ModelAdmin and for inlines.

    view_permission: key of permissions.TABLE. manage_permission: who may add and change; "" is nobody.
    """

    view_permission: str
    manage_permission: str = ""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return permissions.may(request.user, self.view_permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.manage_permission) and permissions.may(request.user, self.manage_permission)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.manage_permission) and permissions.may(request.user, self.manage_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj) or self.has_change_permission(request, obj)


class OfficeAdmin(ByRole, admin.ModelAdmin):
    """Every admin page of ours: by role, capped counts, no bulk delete. Writes belong into services: override
    `save_model` to call them."""

    paginator = CappedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title} | (extra_context or {}))


class OfficeInline(ByRole, admin.TabularInline):
    """Rows inside another object's page, by role."""

    extra = 0
