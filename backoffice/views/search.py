"""The search page, and the first matches below the box of the top bar.

What is typed is POSTed: only what is no secret (kit.typed) becomes an address, which then can be linked.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import permissions
from backoffice.kit import typed
from backoffice.kit.views import StaffView
from backoffice.services import search

MOST = 200  # characters
PAGE = 50
AT_ONCE, PLACES_AT_ONCE = 8, 3  # below the box; of pages without a reference of each kind


class SearchView(StaffView):
    permission = "backoffice.view_dashboard"
    template_name = "backoffice/search.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:MOST]
        if typed.is_secret(text):
            return self._refuse()
        kinds = search.searchable(request.user, permissions.may)
        if wanted := request.GET.get("kind", ""):
            return self._one_kind(text, next((kind for kind in kinds if kind.kind == wanted), None))
        groups = search.find(text=text, kinds=kinds)
        places = search.places(text=text, user=request.user, may=permissions.may)
        if len(groups) == 1 and groups[0].more and not places:
            return self._one_kind(text, groups[0].kind)
        return self._show(text, groups, places=places)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        text = request.POST.get("q", "").replace("\x00", "").strip()[:MOST]
        if getattr(request, "htmx", None):
            return self._at_once(text)
        if typed.is_secret(text):
            return self._refuse()
        return self._see_other(f"?{urlencode({'q': text})}" if text else "")

    def _at_once(self, text: str) -> HttpResponseBase:
        self.template_name = "partials/search_hits.html"
        secret = typed.is_secret(text)
        kinds = search.searchable(self.request.user, permissions.may)
        groups = [] if secret else search.find(text=text, kinds=kinds)
        places = [] if secret else search.places(text=text, user=self.request.user, may=permissions.may)
        places = [(finder, found[:PLACES_AT_ONCE]) for finder, found in places]
        hits = [(group.kind, hit) for group in groups for hit in group.hits[: max(AT_ONCE // len(groups), 2)]]
        return self.render(
            q=text,
            refused=typed.REFUSED if secret else "",
            is_short=self._is_short(text),
            places=places,
            hits=hits,
            count=len(hits) + sum(len(found) for _finder, found in places),
            all_url=f"{reverse('search')}?{urlencode({'q': text})}",
        )

    def _one_kind(self, text: str, kind: Any) -> HttpResponseBase:
        if kind is None:
            raise Http404
        asked = self.request.GET
        if not search.is_enough(text):
            return self._show(text, [])
        group = search.find_more(
            text=text, kind=kind, size=PAGE, after=asked.get("after", ""), before=asked.get("before", "")
        )
        return self._show(text, [group], only=kind)

    @staticmethod
    def _is_short(text: str) -> bool:
        return bool(text) and not search.is_enough(text)

    def _show(
        self, text: str, groups: list[search.Group], *, only: Any = None, places: Any = ()
    ) -> HttpResponseBase:
        address = {"q": text, **({"kind": only.kind} if only else {})}
        return self.render(
            title=_("Search"),
            q=text,
            groups=groups,
            places=places,
            only=only,
            is_short=self._is_short(text),
            address=f"?{urlencode(address)}",
        )

    def _refuse(self) -> HttpResponseBase:
        messages.error(self.request, typed.REFUSED)
        return self._see_other("")

    def _see_other(self, query: str) -> HttpResponseBase:
        response = HttpResponseRedirect(f"{reverse('search')}{query}")
        response.status_code = 303
        return response
