"""Template tags of the house: states, amounts, times, icons, buttons, cards. They draw; none decides."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString

from backoffice.kit import html, verbs
from backoffice.kit.office import Card
from backoffice.kit.views.actions import Offer

register = template.Library()


@register.simple_tag
def status(obj: Any, name: str = "status") -> SafeString:
    """The state of an object as a pill: `{% status invoice %}`, `{% status call "outcome" %}`."""
    value = getattr(obj, name)
    shown = getattr(obj, f"get_{name}_display", lambda: value)()
    return html.pill(shown, getattr(obj, "TONES", {}).get(value, "muted"))


@register.simple_tag
def pill(text: Any, tone: str = "muted") -> SafeString:
    """A word on a tint: ok, warn, bad, info, muted."""
    return html.pill(text, tone)


@register.simple_tag
def money(amount: Decimal | None, currency: str, signed: bool = False) -> SafeString:
    """An exact amount with its currency."""
    return html.money(amount, currency, signed=signed)


@register.simple_tag
def when(moment: dt.datetime | None, seconds: bool = False) -> SafeString:
    """A time in the person's zone."""
    return html.when(moment, seconds=seconds)


@register.simple_tag
def ago(moment: dt.datetime | None) -> SafeString:
    """How long ago, with the exact time in the title."""
    return html.ago(moment)


@register.filter
def age(moment: dt.datetime | None) -> str:
    """How long ago, as plain words for a sentence."""
    return html.age(moment)


@register.filter
def span(moment: dt.datetime | None) -> str:
    """How much time has passed since."""
    return html.span(moment)


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """A lucide icon."""
    return html.icon(str(name), size)


@register.simple_tag
def copy(text: Any, label: Any = "") -> SafeString:
    """A copy button alone."""
    return html.copy_button(text, label)


@register.simple_tag
def copyable(text: Any, label: Any = "") -> SafeString:
    """A text in fixed width with its copy button."""
    return html.copyable(text, label)


@register.simple_tag
def outside(url: str, text: Any = "") -> SafeString:
    """A link to a page that is not ours."""
    return html.outside_link(url, text)


@register.simple_tag
def qr(text: str, label: Any = "") -> SafeString:
    """A QR code on white."""
    return html.qr(text, label)


@register.filter
def sentence(verb: str) -> str:
    """An audit verb as a person reads it."""
    return verbs.sentence(verb)


@register.filter
def grouped(number: int) -> str:
    """A whole number, grouped by thousands in the person's language."""
    return html.amount_text(Decimal(number), places=0)


@register.filter
def number(value: Decimal | str) -> str:
    """An exact number (a rate, a share; also spelled, as providers' words are kept), grouped, without zeros at its end."""
    try:
        return html.amount_text(Decimal(value), places=0)
    except (ArithmeticError, ValueError):  # not a number after all: as it was said
        return str(value)


@register.filter
def initials(name: str) -> str:
    """Two letters for a round badge."""
    parts = [part for part in name.replace(".", " ").replace("_", " ").replace("-", " ").split() if part]
    letters = "".join(part[0] for part in parts[:2]) if len(parts) > 1 else name[:2]
    return letters.upper()


@register.simple_tag
def encoded(**pairs: Any) -> str:
    """Names and values as a piece of a query string: `{% encoded q=q %}`."""
    return urlencode({name: str(value) for name, value in pairs.items()})


@register.simple_block_tag
def fact(content: str, label: Any) -> SafeString:
    """One line of a `<dl class="facts">`: `{% fact _("Amount") %}…{% endfact %}`; a dash if empty."""
    return html.fact(label, content)


@register.simple_block_tag
def panel(content: str, title: Any = "", note: Any = "", css: str = "") -> SafeString:
    """A card: `{% panel _("Payment") %}…{% endpanel %}`. css="card-flush" takes the inner margin away."""
    return html.panel(title, content, note=note, css=css)


@register.inclusion_tag("partials/action.html")
def action(offer: Offer) -> dict[str, Any]:
    """The button of an action that is allowed now: `{% action offer %}`."""
    return {"offer": offer}


@register.simple_tag(takes_context=True)
def dashboard_card(context: Context, card: Card) -> SafeString:
    """The inside of a dashboard card, drawn with what its app gives for this user."""
    request = context["request"]
    asked = {name: request.GET.get(name, "") for name in card.options}
    with context.push(card=card, **card.context(request.user, **asked)):
        template: Any = get_template(card.template)
        return template.template.render(context)
