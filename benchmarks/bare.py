"""The limit: Django without middleware, one view that reads the JSON and writes one row. WSGI application."""

from __future__ import annotations

import json
import os
import uuid

import django
import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application

TABLE = "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, external text UNIQUE, body text NOT NULL)"

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}},
        MIDDLEWARE=[],
        LOGGING_CONFIG=None,
    )
    django.setup()

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path


def receive(request: HttpRequest) -> HttpResponse:
    body = request.body
    external = json.loads(body).get("uniqueid") or str(uuid.uuid4())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare (external, body) VALUES (%s, %s)", [external, body.decode()])
    return HttpResponse()


urlpatterns = [path("callback/", receive)]
application = get_wsgi_application()
