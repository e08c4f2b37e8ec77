"""How old what we owe is: the classes of the liability, and the condition of each. Data only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import DateTimeField, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

# (name, label, from this age, up to this age); of one that was found in the list the age is since it was found.
AGES: tuple[tuple[str, Any, dt.timedelta | None, dt.timedelta | None], ...] = (
    ("day", _("up to a day"), None, dt.timedelta(days=1)),
    ("week", _("up to a week"), dt.timedelta(days=1), dt.timedelta(days=7)),
    ("month", _("up to 30 days"), dt.timedelta(days=7), dt.timedelta(days=30)),
    ("quarter", _("up to 90 days"), dt.timedelta(days=30), dt.timedelta(days=90)),
    ("older", _("older"), dt.timedelta(days=90), None),
)


def since() -> Coalesce:
    """Since when a voucher exists, as a column of a query."""
    return Coalesce("sent_at", "created_at", output_field=DateTimeField())


def within(name: str, now: dt.datetime) -> Q:
    """The condition of a class of AGES on the column `since`. Raises KeyError for an unknown one."""
    older, younger = {known: (low, high) for known, _label, low, high in AGES}[name]
    where = Q()
    if older is not None:
        where &= Q(since__lte=now - older)
    if younger is not None:
        where &= Q(since__gt=now - younger)
    return where
