"""The one generic page of an object: facts, actions allowed now, timeline, notes; and how it stays fresh."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property

from backoffice import permissions
from backoffice.models import AuditEntry, Note

from .. import office
from ..timeline import audit_of_object, reference_of
from .actions import Action, offers
from .staff import WHOLE_PAGE, StaffView

ADD_NOTE = "backoffice.add_note"
FAST, SLOW, SLOW_AFTER = 2, 10, 15 * 60  # seconds


class DetailView(StaffView):
    """The page of one object, found by `pk`:

        class InvoiceDetailView(DetailView):
            model = Invoice
            select_related = ("account", "reference")
            list_url_name = "payments:invoice_list"
            actions = (
                Action(_("Check now"), "payments:invoice_refresh", "payments.refresh_invoice", "refresh-cw"),
            )

    The template is `<app>/<model>.html` and extends generic/detail.html (its head lists the blocks). The
    object is there as `object` and under its model's name. Override `get_title()`, `context()`, `timeline()`.

    Stays fresh while `live(obj)` gives seconds: the page asks `?fragment=1&v=<version>` and gets 204 until
    `version(obj)` changes, then its block `live`. By default an object is live until it `is_final`; after
    "Check now" (`?asked`) also a final one. `watches` names what else of the row changes the page.
    """

    select_related: ClassVar[Sequence[str]] = ()
    actions: ClassVar[Sequence[Action]] = ()
    watches: ClassVar[Sequence[str]] = ()
    list_url_name: ClassVar[str] = ""

    def get_queryset(self) -> QuerySet[Any]:
        queryset = self.model._default_manager.all()
        return queryset.select_related(*self.select_related) if self.select_related else queryset

    @cached_property
    def object(self) -> Any:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def get_title(self) -> Any:
        """The heading: by default the object as text."""
        return str(self.object)

    def get_template_names(self) -> list[str]:
        meta = self.model._meta
        return [self.template_name or f"{meta.app_label}/{meta.model_name}.html"]

    # --- Fresh ---
    def version(self, obj: Any) -> str:
        """What changes whenever the page would: the row (or its `version`), its audit trail, its notes."""
        own = getattr(obj, "version", None)
        values = [getattr(obj, f.attname) for f in obj._meta.concrete_fields] if own is None else [own]
        values += [getattr(obj, name) for name in self.watches]
        values += self.watched(obj)
        if reference := reference_of(obj):
            values += AuditEntry.objects.filter(reference=reference).aggregate(last=Max("id")).values()
            values += Note.objects.filter(reference=reference).aggregate(last=Max("id")).values()
        return hashlib.blake2b(repr(values).encode(), digest_size=9).hexdigest()

    def watched(self, obj: Any) -> list[Any]:
        """What else, beside the row, changes the page."""
        return []

    def is_final(self, obj: Any) -> bool:
        """Whether nothing can happen to it any more: no way leads out of its status, or it has none."""
        transitions = getattr(obj, "TRANSITIONS", None)
        return not (transitions and transitions.get(obj.status))

    def live(self, obj: Any) -> int:
        """Seconds between two looks: 2 while it may change or was just asked about, 10 if it did not for 15 minutes,
        0 for never."""
        if "asked" in self.request.GET:
            return FAST
        if self.is_final(obj):
            return 0
        changed = getattr(obj, "updated_at", None)
        quiet = changed is not None and (timezone.now() - changed).total_seconds() > SLOW_AFTER
        return SLOW if quiet else FAST

    # --- Page ---
    def timeline(self) -> list[office.Event]:
        """The events of the object's reference, or of the object itself where it has none; oldest first."""
        reference = reference_of(self.object)
        if reference:
            return office.timeline(reference, self.request.user, permissions.may)
        return office.for_eyes(audit_of_object(self.object), self.request.user, permissions.may)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        version = self.version(self.object)
        fragment = "fragment" in request.GET
        if fragment and request.GET.get("v") == version:
            return HttpResponse(status=204)
        response = self.render(version=version, frame="partials/bare_live.html" if fragment else WHOLE_PAGE)
        patch_vary_headers(response, ["HX-Request"])
        return response

    def context(self, **extra: Any) -> dict[str, Any]:
        reference = reference_of(self.object)
        return super().context(
            object=self.object,
            title=self.get_title(),
            model_name=self.model._meta.verbose_name,
            model_name_plural=self.model._meta.verbose_name_plural,
            reference=reference,
            offers=offers(self.actions, self.object, self.request.user),
            timeline=self.timeline(),
            may_note=bool(reference) and self.may(ADD_NOTE),
            live_seconds=self.live(self.object),
            **{str(self.model._meta.model_name): self.object, **extra},
        )

    def render(self, *, status: int = 200, **extra: Any) -> Any:
        self.template_name = self.get_template_names()[0]
        return super().render(status=status, **extra)
