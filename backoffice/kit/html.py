"""Small pieces of HTML, each built from escaped parts: the one place of the house that marks text as safe.

Tables and template tags share them. Holds no query and no decision about what is shown to whom.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

import segno
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.formats import get_format, localize
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from .money import plain

TONES = frozenset({"ok", "warn", "bad", "info", "muted"})
EMPTY = SafeString('<span class="nothing">—</span>')


def _two(_currency: str) -> int:
    return 2


_places: Callable[[str], int] = _two


def places_by(function: Callable[[str], int]) -> None:
    """Say how many decimals a currency is shown with at least (JPY 0, EUR 2, BTC 8). Never cuts a digit.

    The app that owns the currencies calls this once, from its office.py. Without it: 2.
    """
    global _places
    _places = function


@functools.lru_cache(maxsize=512)
def icon(name: str, size: int = 18) -> SafeString:
    """A lucide icon, hidden from screen readers: the word stands beside it. Raises for an unknown name."""
    svg = lucide(name, size=size, aria_hidden="true", focusable="false", **{"class": "icon"})
    return SafeString(">".join(part.strip() for part in svg.split(">")))


def shown(value: Any) -> str:
    """A value as a template would show it: HTML as it is, text escaped, numbers and times in the person's language.

    A template's variable costs several times as much, which counts where there are hundreds, as in a table.
    """
    if isinstance(value, Promise):
        value = str(value)
    if isinstance(value, SafeString):
        return value
    if isinstance(value, str):
        return escape(value)
    return when(value) if isinstance(value, dt.datetime) else conditional_escape(localize(value))


def table_rows(
    records: Iterable[Any],
    cells: Sequence[tuple[str, Callable[[Any], Any]]],
    row_class: Callable[[Any], str] | None = None,
) -> SafeString:
    """The rows of a table. cells: attributes (of `class_attr` and such) and content, a function of the record."""
    lines = []
    for record in records:
        css = class_attr(row_class(record)) if row_class else ""
        drawn = "".join([f"<td{attrs}>{shown(content(record))}</td>" for attrs, content in cells])
        lines.append(f"<tr{css}>{drawn}</tr>\n")
    return SafeString("".join(lines))


def headings(cells: Iterable[tuple[Any, str, str, str]]) -> SafeString:
    """The header cells of a table: label, attributes (of `class_attr`), address where a click sorts by it ("": it
    cannot), and "ascending" or "descending" where it does now.
    """
    return SafeString("".join([_heading(*cell) for cell in cells]))


def _heading(label: Any, attrs: str, address: str, order: str) -> str:
    if not address:
        return f'<th scope="col"{attrs}>{shown(label)}</th>'
    sorts = f' aria-sort="{order}"' if order else ""
    sign = {"ascending": "arrow-up", "descending": "arrow-down"}.get(order, "chevrons-up-down")
    href = escape(address)
    return (
        f'<th scope="col"{attrs}{sorts}><a class="sort" href="{href}" hx-get="{href}" hx-target="#list"'
        f' hx-swap="outerHTML" hx-push-url="true" hx-indicator="#list">{shown(label)}{icon(sign, 14)}</a></th>'
    )


def menu(sections: Iterable[tuple[Any, Iterable[tuple[str, str, Any, bool]]]]) -> SafeString:
    """Lists of places under their labels ("": none); a place is its address, its icon, its name and whether it is here."""
    drawn = []
    for number, (label, places) in enumerate(sections, 1):
        lines = []
        for url, sign, name, is_here in places:
            mark = ' aria-current="page"' if is_here else ""
            inside = f"{icon(sign)}<span>{shown(name)}</span>"
            lines.append(f'<li><a href="{escape(url)}"{mark}>{inside}</a></li>')
        head = f'<p class="menu-label" id="menu-{number}">{shown(label)}</p>' if label else ""
        of = f' aria-labelledby="menu-{number}"' if label else ""
        drawn.append(f'{head}<ul class="menu"{of}>{"".join(lines)}</ul>')
    return SafeString("".join(drawn))


def pill(text: Any, tone: str) -> SafeString:
    """A state as a word on a tint. An unknown tone is shown muted."""
    return SafeString(f'<span class="pill pill-{tone if tone in TONES else "muted"}">{shown(text)}</span>')


@functools.lru_cache(maxsize=64)
def _separators(language: str | None) -> tuple[str, str]:
    return (
        get_format("DECIMAL_SEPARATOR", language, use_l10n=True),
        get_format("THOUSAND_SEPARATOR", language, use_l10n=True),
    )


def amount_text(amount: Decimal, currency: str = "", *, places: int | None = None) -> str:
    """The exact amount, grouped by thousands in the person's language; at least the currency's decimals."""
    point, group = _separators(get_language())
    whole, _dot, rest = plain(amount).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if len(digits) > 3:
        digits = f"{int(digits):,}".replace(",", group)
    rest = rest.ljust(_places(currency) if places is None else places, "0")
    return f"{sign}{digits}{point}{rest}" if rest else f"{sign}{digits}"


def money(amount: Decimal | None, currency: str, *, signed: bool = False) -> SafeString:
    """An amount with its currency. `signed` shows a plus and colours what came in."""
    if amount is None or amount == "":
        return EMPTY
    text = amount_text(amount, currency)
    css = "money"
    if signed and amount > 0:
        text, css = f"+{text}", "money money-in"
    return SafeString(
        f'<span class="{css}">{escape(text)} <span class="currency">{escape(currency)}</span></span>'
    )


def when(moment: dt.datetime | None, *, seconds: bool = False) -> SafeString:
    """A time in the person's zone; the title says it in UTC, to the second. Takes aware datetimes."""
    if moment is None:
        return EMPTY
    local = timezone.localtime(moment).isoformat(" ", "seconds" if seconds else "minutes")
    local = local[: 19 if seconds else 16]  # without the offset
    utc = moment.astimezone(dt.UTC).isoformat(" ", "seconds")[:19]
    return SafeString(f'<time datetime="{utc.replace(" ", "T")}Z" title="{utc} UTC">{local}</time>')


def span(moment: dt.datetime | None) -> str:
    """How much time has passed since: "less than a minute", "3 min", "2 h", "5 days"."""
    if moment is None:
        return _("an unknown time")
    seconds = max((timezone.now() - moment).total_seconds(), 0)
    if seconds < 60:
        return _("less than a minute")
    if seconds < 3600:
        return _("%(n)d min") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return _("%(n)d h") % {"n": seconds // 3600}
    days = int(seconds // 86400)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def age(moment: dt.datetime | None) -> str:
    """How long ago: "just now", "3 min ago", "2 h ago", "5 days ago"; "never" for None."""
    if moment is None:
        return _("never")
    if (timezone.now() - moment).total_seconds() < 60:
        return _("just now")
    return _("%(span)s ago") % {"span": span(moment)}


def ago(moment: dt.datetime | None) -> SafeString:
    """The same with the exact time in the title."""
    if moment is None:
        return EMPTY
    utc = moment.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}Z" title="{} UTC">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%S}",
        f"{utc:%Y-%m-%d %H:%M:%S}",
        age(moment),
    )


def link(url: str, text: Any, css: str = "") -> SafeString:
    """A link with the text escaped. `url` comes from reverse() or get_absolute_url(), never from outside."""
    return SafeString(f'<a class="{escape(css)}" href="{escape(url)}">{shown(text)}</a>')


def outside_link(url: str, text: Any = "") -> SafeString:
    """A link to somebody else's page, opened apart. Anything but http and https is shown as plain text."""
    if not url.startswith(("https://", "http://")):
        return format_html('<span class="text-break">{}</span>', url)
    return format_html(
        '<a class="text-break" href="{}" target="_blank" rel="noopener noreferrer">{}{}</a>',
        url,
        text or url,
        format_html(
            ' {}<span class="visually-hidden">{}</span>', icon("external-link", 14), _("(opens apart)")
        ),
    )


def copy_button(text: Any, label: Any = "") -> SafeString:
    """A button that copies the text. Hidden without scripts: then the text can be marked by hand."""
    return format_html(
        '<button type="button" class="btn-copy js-only" data-copy="{}" data-copied="{}" aria-label="{}">'
        "{}{}</button>",
        text,
        _("Copied"),
        _("Copy %(what)s") % {"what": label} if label else _("Copy"),
        icon("copy", 15),
        icon("check", 15),
    )


def copyable(text: Any, label: Any = "") -> SafeString:
    """A text in fixed width with its copy button; an empty one is a dash."""
    if text in (None, ""):
        return EMPTY
    return format_html(
        '<span class="copyable"><span class="mono text-break">{}</span>{}</span>',
        text,
        copy_button(text, label),
    )


def qr(text: str, label: Any = "") -> SafeString:
    """A QR code as inline SVG, on white in both themes. Raises ValueError for over 2,300 bytes."""
    svg = segno.make(text, error="m", micro=False).svg_inline(
        border=2, omitsize=True, svgclass="qr", lineclass=None
    )
    return format_html(
        '<div class="qr-box" role="img" aria-label="{}">{}</div>', label or _("QR code"), SafeString(svg)
    )


def class_attr(css: str) -> SafeString:
    """The attribute ` class="…"`, or nothing."""
    return format_html(' class="{}"', css) if css else SafeString("")


def field(attrs: dict[str, Any]) -> SafeString:
    """An <input> of these attributes."""
    return SafeString(f"<input{flatatt(attrs)}>")


def select(attrs: dict[str, Any], choices: Iterable[tuple[Any, Any]], chosen: Collection[str]) -> SafeString:
    """A list of options, of which `chosen` are selected by their values. `choices` as forms have them, without groups."""
    options = []
    for value, label in choices:
        text = "" if value is None else str(value)
        mark = " selected" if text in chosen else ""
        options.append(f'<option value="{escape(text)}"{mark}>{shown(label)}</option>')
    return SafeString(f"<select{flatatt(attrs)}>{''.join(options)}</select>")


def fact(label: Any, content: str) -> SafeString:
    """One line of a list of facts. `content` is HTML that a template rendered; empty shows a dash."""
    inside = content.strip()
    return format_html("<div><dt>{}</dt><dd>{}</dd></div>", label, SafeString(inside) if inside else EMPTY)


def panel(title: Any, content: str, *, note: Any = "", css: str = "") -> SafeString:
    """A card with a heading. `content` is HTML that a template rendered."""
    aside = format_html('<span class="card-note">{}</span>', note) if note else ""
    head = format_html('<header class="card-header"><h2>{}</h2>{}</header>', title, aside) if title else ""
    return format_html(
        '<section class="{}">{}<div class="card-body">{}</div></section>',
        f"card {css}".strip(),
        head,
        SafeString(content),
    )


def folded_facts(label: Any, pairs: Iterable[tuple[Any, Any]]) -> SafeString:
    """Names and texts, folded behind a word; nothing when there are none."""
    lines = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", pairs)
    return (
        format_html(
            '<details class="fold"><summary>{}</summary><dl class="facts facts-small">{}</dl></details>',
            label,
            lines,
        )
        if lines
        else SafeString("")
    )
