"""The dashboard: what the apps gave to kit.office, for the person who looks."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from backoffice import permissions
from backoffice.kit import office
from backoffice.kit.views import StaffView


class DashboardView(StaffView):
    permission = "backoffice.view_dashboard"
    template_name = "backoffice/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        waiting = [
            {
                "part": part,
                "count": count,
                "url": reverse(part.url) + (f"?{part.query}" if part.query else ""),
            }
            for part, count in office.waiting(request.user, permissions.may)
        ]
        return self.render(
            cards=office.cards(request.user, permissions.may),
            waiting=waiting,
            may_manage=self.may("payments.manage_provideraccount"),
        )
