"""Parts of forms that every app shares: amounts, codes, fields built from data, sections, reasons and notes.

Checks syntax only. Knows no provider and no object; limits and currencies are the services' rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import money, typed

Choices = Sequence[tuple[str, Any]]


class Field(Protocol):
    """A field as data: what the providers declare."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def choices(self) -> Choices: ...
    @property
    def secret(self) -> bool: ...
    @property
    def help(self) -> str: ...
    @property
    def max_length(self) -> int | None: ...


@dataclass(frozen=True)
class Section:
    """Some fields under a heading. `is_open`: a folded section that has something to show."""

    name: str
    title: Any
    fields: list[BoundField]
    is_folded: bool = False
    is_open: bool = True


_CODE = re.compile(r"[A-Za-z0-9_-]{2,32}", re.ASCII)


class AmountField(forms.CharField):
    """An exact amount that stays the text that was typed: services read it at the currency's scale."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "amount"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, "strip": True} | kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text:
            try:
                money.parse(text)
            except money.BadAmount as error:
                raise ValidationError(_(str(error)), code="invalid") from error
        return text


class CodesInput(forms.widgets.ChoiceWidget):
    """Known codes as ticks, and a box for codes that are not listed, parted by commas or spaces."""

    template_name = "widgets/codes.html"
    allow_multiple_selected = True
    use_fieldset = True

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        known = {str(code) for code, _label in self.choices}
        values = context["widget"]["value"]
        context["widget"]["other_name"] = f"{name}-other"
        context["widget"]["other_value"] = ", ".join(code for code in values if code not in known)
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        ticked = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        typed = re.split(r"[,;\s]+", data.get(f"{name}-other", ""))
        return list(dict.fromkeys(code for code in [*ticked, *typed] if code))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def id_for_label(self, id_: str, index: Any = None) -> str:
        return f"{id_}_other" if id_ else ""


class CodesField(forms.MultipleChoiceField):
    """Several codes: known ones and, because a provider may know more than we do, any that look like one."""

    widget = CodesInput
    default_error_messages = {
        "invalid_choice": gettext_lazy("This is no code of a payment system: %(value)s")
    }

    def valid_value(self, value: Any) -> bool:
        return _CODE.fullmatch(str(value)) is not None


def form_field(field: Field, *, choices: Choices = ()) -> forms.Field:
    """The form field of a provider's field.

    `choices`, those that this account offers, fill a choice whose own list is empty; a multichoice filled so
    also takes codes that are not in the list. Raises ValueError for a kind that is not in the contract.
    """
    common: dict[str, Any] = {
        "label": gettext_lazy(field.label),
        "help_text": gettext_lazy(field.help) if field.help else "",
        "required": field.required,
    }
    listed = [(value, gettext_lazy(label)) for value, label in field.choices]
    match field.kind:
        case "amount":
            return AmountField(**common)
        case "choice":
            nothing = gettext_lazy("Choose …") if field.required else gettext_lazy("No choice")
            return forms.ChoiceField(choices=[("", nothing), *(listed or choices)], **common)
        case "multichoice":
            if listed:
                return forms.MultipleChoiceField(
                    choices=listed, widget=forms.CheckboxSelectMultiple, **common
                )
            return CodesField(choices=choices, **common)
        case "text" | "textarea" | "email" | "url":
            return _TEXTS[field.kind](widget=_text_widget(field), max_length=field.max_length, **common)
    raise ValueError(f"{field.name}: {field.kind} is no kind of field")


_TEXTS: dict[str, type[forms.CharField]] = {
    "text": forms.CharField,
    "textarea": forms.CharField,
    "email": forms.EmailField,
    # The scheme is the service's to judge; a missing one is not guessed.
    "url": forms.CharField,
}


def _text_widget(field: Field) -> forms.Widget:
    attrs = {"autocomplete": "off"}
    if field.secret:
        return forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    match field.kind:
        case "textarea":
            return forms.Textarea(attrs=attrs | {"rows": 3})
        case "email":
            return forms.EmailInput(attrs=attrs)
        case "url":
            return forms.URLInput(attrs=attrs | {"placeholder": "https://"})
    return forms.TextInput(attrs=attrs)


# --- Notes ---
class NoteField(forms.CharField):
    """A text that a person writes and many read, in a box of so many `rows`. Takes no card number and no voucher code."""

    default_validators = [typed.refuse]

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        super().__init__(**{"widget": forms.Textarea(attrs={"rows": rows}), **kwargs})


# --- Decisions ---
class ReasonForm(forms.Form):
    """Why a request is refused."""

    reason = NoteField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The person who requested it reads this."),
        max_length=300,
    )


class DecisionForm(forms.Form):
    """What somebody found out about something whose outcome is not known."""

    note = NoteField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("What you found, where, and what you decided. It stays in the timeline."),
        max_length=2000,
        rows=4,
    )
