"""The usual periods of filters and reports: words, and the days they mean. Knows no zone: who asks says what day it is."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

TODAY, YESTERDAY, THIS_MONTH, LAST_MONTH, THIS_YEAR, OWN = (
    "today",
    "yesterday",
    "this_month",
    "last_month",
    "this_year",
    "own",
)
CHOICES = (
    (TODAY, _("Today")),
    (YESTERDAY, _("Yesterday")),
    (THIS_MONTH, _("This month")),
    (LAST_MONTH, _("Last month")),
    (THIS_YEAR, _("This year")),
    (OWN, _("Own dates")),
)
ONE = dt.timedelta(days=1)


def days(word: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of a named period, both included; up to today where it is not over.

    Raises LookupError for OWN and for unknown words.
    """
    first = today.replace(day=1)
    last_of_previous = first - ONE
    return {
        TODAY: (today, today),
        YESTERDAY: (today - ONE, today - ONE),
        THIS_MONTH: (first, today),
        LAST_MONTH: (last_of_previous.replace(day=1), last_of_previous),
        THIS_YEAR: (today.replace(month=1, day=1), today),
    }[word]
