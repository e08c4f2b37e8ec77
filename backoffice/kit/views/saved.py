"""What every list offers besides its rows: views kept under a name, and which columns are shown.

Mixed into ListView. Reads and asks services.saved_views; holds nothing about any list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.models import SavedView
from backoffice.services import saved_views

from ..tables import BaseTable
from .forms import REFUSALS, reason

# `?view=all`: the list without the view that it opens with.
WHOLE = "all"


@dataclass(frozen=True)
class KnownView:
    """A saved view as the page needs it."""

    view: SavedView
    current: bool

    @property
    def address(self) -> str:
        return f"?{self.view.query}" if self.view.query else f"?view={WHOLE}"


class SavedViews:
    """The part of a ListView that knows saved views and columns."""

    request: HttpRequest

    @cached_property
    def list_name(self) -> str:
        """What the views of this list are kept under: its route."""
        match = self.request.resolver_match
        return match.view_name if match else ""

    @cached_property
    def my_views(self) -> list[SavedView]:
        return saved_views.of(self.request.user, self.list_name)

    @property
    def default_view(self) -> SavedView | None:
        return next((view for view in self.my_views if view.is_default), None)

    def opened(self) -> HttpResponseBase | None:
        """Lead from the bare address to the view that the list opens with, if there is one."""
        bare = not self.request.META.get("QUERY_STRING") and not getattr(self.request, "htmx", None)
        view = self.default_view if bare else None
        return HttpResponseRedirect(f"{self.request.path}?{view.query}") if view and view.query else None

    def views_context(self, table: BaseTable) -> dict[str, Any]:
        """What partials/views.html needs."""
        now = saved_views.canonical(self.request.GET.urlencode())
        known = [KnownView(view, view.query == now) for view in self.my_views]
        choosable, columns = table.choosable(), [bound.name for bound in table.drawn]
        rest = [name for name in choosable if name not in columns]
        return {
            "views": known,
            "current_view": next((one.view for one in known if one.current), None),
            "now": now,
            "columns": [(name, choosable[name], name in columns) for name in [*columns, *rest]],
            "columns_chosen": bool(table.chosen),
            "without_columns": [pair for pair in _pairs(self.request.GET) if pair[0] != "column"],
            "whole_address": f"{self.request.path}?view={WHOLE}" if self.default_view else self.request.path,
        }

    def change_views(self, request: HttpRequest) -> HttpResponseBase:
        """Save, change or delete a view, then show the list as that view has it."""
        asked = request.POST
        query = asked.get("query", "")
        try:
            view = self._changed(asked)
        except REFUSALS as error:
            for sentence in reason(error):
                messages.error(request, sentence)
            view = None
        if view is not None:
            query = view.query
        # Only what may be kept may stand in an address.
        try:
            address = saved_views.clean(query)
        except ValidationError:
            address = ""
        return HttpResponseRedirect(f"{request.path}?{address or f'view={WHOLE}'}")

    def _changed(self, asked: QueryDict) -> SavedView | None:
        actor: Any = self.request.user
        what = asked.get("do", "")
        if what == "save":
            view = saved_views.save(
                actor=actor,
                list_name=self.list_name,
                name=asked.get("name", ""),
                query=asked.get("query", ""),
                is_default="is_default" in asked,
            )
            messages.success(self.request, _("Saved as “%(name)s”.") % {"name": view.name})
            return view
        key = asked.get("pk", "")
        mine = SavedView.objects.filter(user=actor.pk, list_name=self.list_name)
        view = get_object_or_404(mine, pk=key if key.isdecimal() and len(key) < 19 else 0)
        match what:
            case "update":
                view = saved_views.update(actor=actor, view=view, query=asked.get("query", ""))
                messages.success(self.request, _("“%(name)s” shows this now.") % {"name": view.name})
                return view
            case "rename":
                view = saved_views.rename(actor=actor, view=view, name=asked.get("name", ""))
                messages.success(self.request, _("It is called “%(name)s” now.") % {"name": view.name})
            case "default":
                view = saved_views.open_with(actor=actor, view=view, is_default=True)
                messages.success(self.request, _("The list opens with “%(name)s”.") % {"name": view.name})
            case "no_default":
                view = saved_views.open_with(actor=actor, view=view, is_default=False)
                messages.success(self.request, _("The list opens with everything."))
            case "delete":
                saved_views.delete(actor=actor, view=view)
                messages.success(self.request, _("“%(name)s” is deleted.") % {"name": view.name})
        return None


def _pairs(asked: QueryDict) -> list[tuple[str, str]]:
    """The filters and the order of an address, as (name, value)."""
    return [
        (name, value)
        for name, values in asked.lists()
        if name not in saved_views.PASSING
        for value in values
        if isinstance(value, str) and value
    ]
