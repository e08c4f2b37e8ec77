"""The callback inbox: what arrived, what became of it, processing it again. callbacks.py receives."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import Action, ActionView, DetailView, ListView
from backoffice.kit.views.details import FAST
from payments.filters.inbox import CallbackFilters
from payments.models import Callback
from payments.services import callbacks
from payments.tables import pieces
from payments.tables.inbox import CallbackTable


def in_work(callback: Callback) -> bool:
    """Whether a worker still has it before it."""
    return callback.status in callbacks.OPEN


class CallbackListView(ListView):
    model = Callback
    table_class = CallbackTable
    filterset_class = CallbackFilters
    ordering = ("-received_at", "-id")
    select_related = ("account", "reference")
    intro = _("What providers told us. Nothing is believed: the provider is asked each time.")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("body")


class CallbackDetailView(DetailView):
    model = Callback
    select_related = ("account", "reference", "token_reference")
    list_url_name = "payments:callback_list"
    actions = (
        Action(
            _("Process again"),
            "payments:callback_replay",
            "payments.replay_callback",
            "rotate-cw",
            when=callbacks.may_replay,
        ),
    )

    def get_title(self) -> str:
        return _t("Callback %(number)s") % {"number": self.object.pk}

    def live(self, obj: Callback) -> int:
        return FAST if in_work(obj) else 0

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(
            body=pieces.pretty(callbacks.body_text(self.object)), in_work=in_work(self.object), **extra
        )


class CallbackReplayView(ActionView):
    model = Callback
    select_related = ("account", "reference")
    permission = "payments.replay_callback"
    title = _("Process again")
    question = _(
        "The provider is asked once more, and its answer is applied. The callback itself moves nothing."
    )
    success = _("The provider is asked now.")

    def perform(self, obj: Callback, form: Any) -> None:
        callbacks.replay(actor=self.request.user, callback=obj)
