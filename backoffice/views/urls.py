"""Routes of the office's own pages. Those without login say so at their view."""

from __future__ import annotations

from django.urls import path, re_path

from . import health
from .audit import AuditEntryListView
from .dashboard import DashboardView
from .notes import NoteCreateView
from .preferences import PreferenceView
from .reports import ReportView
from .search import SearchView

urlpatterns = [
    path("", DashboardView.as_view(), name="dashboard"),
    path("search/", SearchView.as_view(), name="search"),
    path("audit/", AuditEntryListView.as_view(), name="audit_list"),
    path("reports/", ReportView.as_view(), name="report_list"),
    path("reports/<slug:report>/", ReportView.as_view(), name="report"),
    path("preferences/", PreferenceView.as_view(), name="preferences"),
    re_path(r"^notes/(?P<reference>[0-9]{18})/new/$", NoteCreateView.as_view(), name="note_create"),
    path("healthz", health.healthy, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
