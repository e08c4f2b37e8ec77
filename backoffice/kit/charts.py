"""Charts as SVG, drawn here: bars of what came in and what went out per day. Colours are classes of app.css.

Draws what it is given, with whole numbers only. No text but its title and description stands in the picture.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

STEP, BAR, HEIGHT, LEAST = (
    100,
    34,
    2000,
    24,
)  # a day's width, a bar's; the picture's height, and the smallest bar's


@dataclass(frozen=True)
class Day:
    """One day: `came` is 0 or more, `went` 0 or less; `text` says both in words."""

    day: dt.date
    came: Decimal
    went: Decimal
    text: Any = ""


def in_and_out(days: Sequence[Day], *, name: str, title: Any, description: Any) -> SafeString:
    """Bars upwards for what came, downwards for what went, on one scale. `name` makes the picture's ids unique."""
    highest = max((day.came for day in days), default=Decimal(0))
    lowest = max((-day.went for day in days), default=Decimal(0))
    line = max(_height(highest, highest + lowest), LEAST) if highest else 0
    bars = format_html_join(
        "",
        '<g><title>{}</title><rect class="chart-day" x="{}" y="0" width="{}" height="{}"/>'
        '<rect class="chart-in" x="{}" y="{}" width="{}" height="{}"/>'
        '<rect class="chart-out" x="{}" y="{}" width="{}" height="{}"/></g>',
        [_bar(place, day, highest + lowest, line) for place, day in enumerate(days)],
    )
    width = max(len(days), 1) * STEP
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-labelledby="{}-title {}-text">'
        '<title id="{}-title">{}</title><desc id="{}-text">{}</desc>{}'
        '<line class="chart-line" x1="0" y1="{}" x2="{}" y2="{}"/></svg>',
        *(width, HEIGHT, name, name),
        *(name, title, name, description, bars),
        *(line, width, line),
    )


def _bar(place: int, day: Day, whole: Decimal, line: int) -> tuple[Any, ...]:
    up, down = _height(day.came, whole), _height(-day.went, whole)
    left = place * STEP + (STEP - 2 * BAR) // 2
    return (
        *(day.text, place * STEP, STEP, HEIGHT),
        *(left, line - up, BAR, up),
        *(left + BAR, line, BAR, down),
    )


def _height(amount: Decimal, whole: Decimal) -> int:
    """In units of the picture; what is not nothing is seen."""
    return max(int(amount * HEIGHT / whole), LEAST) if amount > 0 else 0
