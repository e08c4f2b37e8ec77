"""Charts: exact heights without floats, told to those who cannot see them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from backoffice.kit.charts import HEIGHT, LEAST, Day, in_and_out


def chart(*pairs: tuple[str, str]) -> str:
    start = dt.date(2026, 11, 1)
    days = [
        Day(start + dt.timedelta(days=n), Decimal(came), Decimal(went), f"day {n} <b>")
        for n, (came, went) in enumerate(pairs)
    ]
    return in_and_out(days, name="flow", title="Flow & more", description="In 30 days")


def heights(svg: str, css: str) -> list[int]:
    return [
        int(found) for found in re.findall(rf'class="{css}" x="\d+" y="\d+" width="\d+" height="(\d+)"', svg)
    ]


class TestInAndOut:
    def test_bars_are_as_high_as_their_share(self) -> None:
        svg = chart(("300", "-100"), ("150", "0"))
        assert heights(svg, "chart-in") == [HEIGHT * 3 // 4, HEIGHT * 3 // 8]
        assert heights(svg, "chart-out") == [HEIGHT // 4, 0]

    def test_what_is_not_nothing_is_seen(self) -> None:
        assert heights(chart(("1000000", "0"), ("0.000001", "0")), "chart-in")[1] == LEAST

    def test_days_without_movements_draw_nothing(self) -> None:
        assert heights(chart(("0", "0")), "chart-in") == [0]
        assert "<svg" in chart()

    def test_it_has_a_title_a_description_and_no_style(self) -> None:
        svg = chart(("1", "-1"))
        assert 'role="img" aria-labelledby="flow-title flow-text"' in svg
        assert '<title id="flow-title">Flow &amp; more</title><desc id="flow-text">In 30 days</desc>' in svg
        assert "day 0 &lt;b&gt;" in svg
        assert "style=" not in svg
