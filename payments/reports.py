"""The reports of payments as files: their columns. What is in them is services.statements'."""

from __future__ import annotations

from django.conf import settings
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _

from backoffice.kit.exports import ExportColumn
from payments.filters.movements import tags
from payments.models import Movement, ProviderAccount
from payments.services.statements import Moved, Statement

NOTHING = Moved()


def account_choices() -> list[tuple[str, str]]:
    """Our accounts by name."""
    return [
        (str(pk), name) for pk, name in ProviderAccount.objects.order_by("name").values_list("pk", "name")
    ]


def statement_columns() -> list[ExportColumn]:
    """One line per account and currency; every kind has its two columns, so that files of all months fit together."""
    days = {"zone": settings.TIME_ZONE}
    columns = [
        ExportColumn(_("From (days in %(zone)s)") % days, lambda one: one.since),
        ExportColumn(_("To (days in %(zone)s)") % days, lambda one: one.until),
        ExportColumn(_("Account"), lambda one: one.account.name),
        ExportColumn(_("Currency"), lambda one: one.currency),
        ExportColumn(_("Opening"), lambda one: one.opening),
    ]
    for kind, label in Movement.Kind.choices:
        columns += _two(str(label), kind)
    return [
        *columns,
        ExportColumn(_("Closing"), lambda one: one.closing),
        ExportColumn(_("Stated by the provider"), lambda one: one.stated),
        ExportColumn(
            _("Stated at (%(zone)s)") % {"zone": get_current_timezone_name()}, lambda one: one.asked_at
        ),
        ExportColumn(_("Booked after that"), lambda one: one.counted_later),
        ExportColumn(_("Difference"), lambda one: one.difference),
        ExportColumn(
            _("Balance"),
            lambda one: (
                "none"
                if one.is_off_balance
                else "computed, not confirmed by the provider"
                if one.stated is None
                else "stated"
            ),
        ),
        ExportColumn(_("Off balance: in"), lambda one: one.moved_off.came),
        ExportColumn(_("Off balance: out"), lambda one: one.moved_off.went),
        *(column for tag, _label in tags() for column in _of_tag(tag)),
    ]


def _of_tag(tag: str) -> list[ExportColumn]:
    """What of all that is marked with this tag, on balance and off it."""

    def columns(of: str, label: str) -> list[ExportColumn]:
        return [
            ExportColumn(label % _("in"), lambda one: getattr(one, of).get(tag, NOTHING).came),
            ExportColumn(label % _("out"), lambda one: getattr(one, of).get(tag, NOTHING).went),
        ]

    return [
        *columns("tagged", _("Of that tagged %(tag)s") % {"tag": tag} + ": %s"),
        *columns("tagged_off", _("Off balance, tagged %(tag)s") % {"tag": tag} + ": %s"),
    ]


def _two(label: str, kind: str) -> list[ExportColumn]:
    def came(one: Statement) -> object:
        return one.kinds.get(kind, NOTHING).came

    def went(one: Statement) -> object:
        return one.kinds.get(kind, NOTHING).went

    return [
        ExportColumn(_("%(kind)s: in") % {"kind": label}, came),
        ExportColumn(_("%(kind)s: out") % {"kind": label}, went),
    ]
