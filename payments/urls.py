"""The routes of payments. Names derive from the objects; nothing else stands here."""

from __future__ import annotations

from django.urls import path

from .views import callbacks

app_name = "payments"
urlpatterns = [
    path("callbacks/<slug:provider>/<str:token>/", callbacks.receive, name="callback_receive"),
]
