"""The office's app: roles after migrate, parts of the apps found, checks registered. Holds no rule."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"

    def ready(self) -> None:
        from . import checks, permissions  # noqa: F401

        post_migrate.connect(permissions.sync_groups, sender=self)
        autodiscover_modules("office")
        # The only model of that app that the admin shows is the user.
        apps.get_app_config("auth").verbose_name = _("People")


class OfficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our site: for admins only, with our login."""

    default = False
    default_site = "backoffice.kit.admin.OfficeAdminSite"
