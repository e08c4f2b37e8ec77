"""The peer of list pages: Django's own admin over the same movements, as one would set it up. WSGI application."""

from __future__ import annotations

import django
from django.conf import settings

import backoffice.settings as base

if not settings.configured:
    settings.configure(
        **{name: getattr(base, name) for name in dir(base) if name.isupper()}
        | {
            "ROOT_URLCONF": __name__,
            "INSTALLED_APPS": [
                "django.contrib.admin" if one == "backoffice.apps.OfficeAdminConfig" else one
                for one in base.INSTALLED_APPS
            ],
            "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
            "STORAGES": {
                "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            },
            "TEMPLATES": [
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True,
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ],
            "MIDDLEWARE": [
                "django.middleware.security.SecurityMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
                "django.middleware.clickjacking.XFrameOptionsMiddleware",
                "allauth.account.middleware.AccountMiddleware",  # which its app insists on
            ],
        }
    )
    django.setup()

from django.contrib import admin
from django.core.wsgi import get_wsgi_application
from django.urls import path

from payments.models import Movement

site = admin.AdminSite()


@admin.register(Movement, site=site)
class MovementAdmin(admin.ModelAdmin):
    list_display = (
        "booked_at",
        "reference",
        "account",
        "kind",
        "label",
        "amount",
        "currency",
        "on_balance",
        "way",
    )
    list_filter = ("account", "kind", "on_balance")
    list_select_related = ("account", "reference")
    list_per_page = 50
    date_hierarchy = "booked_at"
    ordering = ("-booked_at", "-id")


urlpatterns = [path("admin/", site.urls)]
application = get_wsgi_application()
