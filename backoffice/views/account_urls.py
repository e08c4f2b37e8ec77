"""The routes of allauth that we offer, by their own names. Sign-up and e-mail pages are not among them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from allauth.account import views
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path

from backoffice.accounts import mail_works


def by_letter(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that is of use only where letters are sent; elsewhere an admin sets a new password."""

    @login_not_required
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not mail_works():
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/reset/", by_letter(views.password_reset), name="account_reset_password"),
    path("password/reset/done/", by_letter(views.password_reset_done), name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        by_letter(views.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        by_letter(views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
