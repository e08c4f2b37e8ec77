"""The table of the callback inbox."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, StatusColumn, WhenColumn
from payments.models import Callback


class CallbackTable(BaseTable):
    """What arrived, from whom, about what, and what became of it."""

    caption = _("Callbacks, newest first")
    empty = _("Providers call here when something happens to a transaction.")

    received_at = WhenColumn(_("Received"), seconds=True, orderable=True, initial_sort_descending=True)
    number = LinkColumn(_("Callback"), accessor="pk")
    account = LinkColumn(_("Account"), to=lambda callback: callback.account, css="cell-name")
    reference = LinkColumn(_("Reference"), to=lambda callback: callback.reference, css="mono")
    status = StatusColumn(_("Status"))
    result = Column(_("Result"), css="text-break cell-wide", hide_below="lg")
    tries = Column(_("Tries"), hide_below="xl")
    is_retired_token = HtmlColumn(_("Address"), hide_below="xl")

    class Meta:
        model = Callback
        fields = (
            "received_at",
            "number",
            "account",
            "reference",
            "status",
            "result",
            "tries",
            "is_retired_token",
        )
        orderable = False

    def render_is_retired_token(self, record: Callback) -> SafeString | str:
        return html.pill(_t("retired"), "warn") if record.is_retired_token else _t("current")

    def export_is_retired_token(self, record: Callback) -> str:
        return "retired" if record.is_retired_token else "current"
