"""The dashboard: what the apps gave to kit.office, for the person who looks; it keeps itself fresh."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from backoffice import navigation, permissions
from backoffice.kit import office
from backoffice.kit.views import StaffView
from backoffice.kit.views.staff import WHOLE_PAGE
from backoffice.models import AuditEntry

EVERY = 10  # seconds


class DashboardView(StaffView):
    permission = "backoffice.view_dashboard"
    template_name = "backoffice/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        cards = office.cards(request.user, permissions.may)
        version = self._version(cards)
        fragment = "fragment" in request.GET
        if fragment and request.GET.get("v") == version:
            return HttpResponse(status=204)
        waiting = [
            {
                "part": part,
                "count": count,
                "url": reverse(part.url) + (f"?{part.query}" if part.query else ""),
            }
            for part, count in office.waiting(request.user, permissions.may)
        ]
        response = self.render(
            cards=cards,
            waiting=waiting,
            may_manage=self.may("payments.manage_provideraccount"),
            version=version,
            every=EVERY,
            options={name: request.GET[name] for name in self._options(cards) if request.GET.get(name)},
            frame="partials/bare_live.html" if fragment else WHOLE_PAGE,
        )
        patch_vary_headers(response, ["HX-Request"])
        return response

    @staticmethod
    def _options(cards: list[office.Card]) -> list[str]:
        return [name for card in cards for name in card.options]

    def _version(self, cards: list[office.Card]) -> str:
        """What changes whenever the page would. Every change of a state leaves a line in the audit trail; the rest is
        told by the cards; ages are written anew each minute.
        """
        values: list[Any] = [
            AuditEntry.objects.aggregate(last=Max("id")),
            navigation.waiting_total(self.request.user),
            int(timezone.now().timestamp()) // 60,
            *(card.version() for card in cards if card.version),
        ]
        return hashlib.blake2b(repr(values).encode(), digest_size=9).hexdigest()
