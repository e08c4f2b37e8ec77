"""HTML of the sandbox: templates of its own, rendered without the product's template settings.
Holds the engine and how amounts and times are shown; what a page shows comes from its caller."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.template import Context, Engine

from sandbox.wire import Reply, page, plain

HERE = Path(__file__).resolve().parent
STYLE_PATH = "/_static/sandbox.css"
DIGITS = 3


def prepare() -> None:
    """Let words and templates work without any Django project, as in a test of the sandbox alone."""
    if not settings.configured and not os.environ.get(ENVIRONMENT_VARIABLE):
        settings.configure(USE_I18N=False)


@cache
def _engine() -> Engine:
    prepare()
    return Engine(
        dirs=[str(HERE / "templates")],
        libraries={"i18n": "django.templatetags.i18n"},
        autoescape=True,
    )


def render(template: str, context: dict[str, Any], *, status: int = 200) -> Reply:
    """A page from a template of this package."""
    html = _engine().get_template(template).render(Context({**context, "style": STYLE_PATH}))
    return page(html, status)


def style() -> Reply:
    """The one style sheet."""
    css = (HERE / "static" / "sandbox" / "sandbox.css").read_bytes()
    return Reply(200, css, "text/css; charset=utf-8", {"Cache-Control": "no-cache"})


def money(amount: Decimal | str) -> str:
    """An amount for people: thousands apart by thin spaces, at least two decimals."""
    text = plain(Decimal(amount))
    minus, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, decimals = text.partition(".")
    groups: list[str] = []
    while len(whole) > DIGITS:
        whole, group = whole[:-DIGITS], whole[-DIGITS:]
        groups.insert(0, group)
    return f"{minus}{chr(0x202F).join([whole, *groups])}.{decimals.ljust(2, '0')}"


def moment(timestamp: str) -> str:
    """A time for people, in UTC to the second."""
    return f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M:%S}" if timestamp else ""
