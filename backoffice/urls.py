"""The URL map: each app's routes under its own prefix. Everything is closed by LoginRequiredMiddleware."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("backoffice.views.urls")),
    path("accounts/", include("backoffice.views.account_urls")),
    path("admin/", admin.site.urls),
    path("", include("payments.urls")),
    path("vouchers/", include("codes.urls")),
]
