"""The peer: dj-stripe's own webhook endpoint as its documents set it up, signature checked. WSGI application."""

from __future__ import annotations

import os

import django
import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application

SECRET = "whsec_bench"

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "djstripe",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STRIPE_TEST_SECRET_KEY="sk_test_bench",
        STRIPE_LIVE_MODE=False,
        DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()

from django.urls import include, path

urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]
application = get_wsgi_application()


def prepare() -> str:
    """Make the tables, the account and the endpoint; gives the endpoint's path."""
    from django.core.management import call_command
    from djstripe.models import Account, WebhookEndpoint

    call_command("migrate", verbosity=0)
    account, _made = Account.objects.get_or_create(
        id="acct_bench", defaults={"livemode": False, "stripe_data": {}}
    )
    endpoint, _made = WebhookEndpoint.objects.get_or_create(
        id="we_bench",
        defaults={
            "livemode": False,
            "secret": SECRET,
            "url": "https://example.org/",
            "djstripe_owner_account": account,
            "djstripe_validation_method": "verify_signature",
            "stripe_data": {},
            "djstripe_tolerance": 30_000,
            "enabled_events": ["*"],
            "status": "enabled",
            "api_version": "2020-08-27",
        },
    )
    return f"/stripe/webhook/{endpoint.djstripe_uuid}/"
