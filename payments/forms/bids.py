"""The forms of exchange bids: the calculator, a bid built from its direction's own fields, imports and decisions.

They check syntax only; limits, the book of our own addresses and the rate are rules of services.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.filters import DayField
from backoffice.kit.forms import DecisionForm, NoteField, Section, form_field
from payments import form_words
from payments.models import Bid, Direction, OwnDestination
from payments.providers import PROVIDERS
from payments.providers.base import Field

CUSTOMER, NOTE, QUOTE = "_customer_reference", "_note", "_quote"
AMOUNT, ACTION, PARTNER = "calc_amount", "calc_action", "partner_id"
ACCOUNT = "account2"  # where the exchanger pays to
DEFAULT_ACTION = "1"


def stored_fields(direction: Direction, part: str) -> list[Field]:
    """The direction's own fields of one part (give, get, direction), as they were last told."""
    return [
        Field(**(spec | {"choices": tuple((value, label) for value, label in spec["choices"])}))
        for spec in direction.form.get(part, ())
    ]


def foreign_field(field: Field) -> forms.Field:
    """The form field of what an exchanger asks for. Its words are text, whatever they look like."""
    made = form_field(field)
    made.label = format_html("{}", field.label)
    made.help_text = format_html(
        "{}", " · ".join(line.strip() for line in field.help.splitlines() if line.strip())
    )
    made.widget.attrs["autocomplete"] = "off"
    if not field.choices and field.kind != "email":  # that one checks itself

        def check(value: str) -> None:
            if problem := form_words.typed_problem(value, field.label, field.help, is_email=False):
                raise ValidationError(problem)

        made.validators.append(check)
    return made


class CalculatorForm(forms.Form):
    """An amount, what it means, and the direction's fields that change the calculation."""

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        direction: Direction,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial={ACTION: DEFAULT_ACTION} | dict(initial or {}))
        self.direction = direction
        offered = {field.name: field for field in PROVIDERS[direction.account.provider].bid_fields}
        for name in (AMOUNT, ACTION):
            self.fields[name] = form_field(offered[name])
        self.fields[ACTION].choices = self.fields[ACTION].choices[1:]  # type: ignore[attr-defined]
        self.fields[AMOUNT].help_text = self._limits()
        self.counted = [
            field.name
            for part in ("give", "get", "direction")
            for field in stored_fields(direction, part)
            if field.calculates
        ]
        self._own_fields()

    def _own_fields(self) -> None:
        for part in ("give", "get", "direction"):
            for field in stored_fields(self.direction, part):
                if field.calculates:
                    self.fields[field.name] = foreign_field(field)

    def _limits(self) -> str:
        said, parts = self.direction.said, []
        for side, code, word in (
            ("give", self.direction.give_code, _("give")),
            ("get", self.direction.get_code, _("receive")),
        ):
            low, high = said.get(f"min_{side}", ""), said.get(f"max_{side}", "")
            values = {"word": word, "low": low, "high": high, "code": code}
            if low and high:
                parts.append(_("%(word)s %(low)s to %(high)s %(code)s") % values)
            elif low:
                parts.append(_("%(word)s at least %(low)s %(code)s") % values)
            elif high:
                parts.append(_("%(word)s at most %(high)s %(code)s") % values)
        return " · ".join(parts)

    def value(self, name: str) -> str:
        """What stands in a field now, as text."""
        return str(self[name].value() or "") if name in self.fields else ""

    def unit(self) -> str:
        """The currency of the amount."""
        return self.direction.give_code if self.value(ACTION) in ("1", "3") else self.direction.get_code

    def triggers(self) -> str:
        """The boxes whose change asks for another calculation, as htmx names them."""
        waits = [f"input delay:600ms from:#id_{AMOUNT}", f"change from:#id_{ACTION}"]
        return ", ".join([*waits, *(f"change delay:100ms from:#id_{name}" for name in self.counted)])

    def sections(self) -> list[Section]:
        """All fields, in one."""
        return [Section("amount", _("How much"), [self[name] for name in self.fields])]

    def to_calculate(self, typed: Any) -> dict[str, Any]:
        """What counts of what was typed, not judged yet."""
        names = (AMOUNT, ACTION, *self.counted)
        return {"direction_id": self.direction.provider_id} | {name: typed.get(name, "") for name in names}


class BidForm(CalculatorForm):
    """The direction's own fields under the exchanger's names, with our customer and purpose."""

    def _own_fields(self) -> None:
        for part in ("give", "get", "direction"):
            for field in stored_fields(self.direction, part):
                self.fields[field.name] = foreign_field(field)
        if ACCOUNT in self.fields:
            self._book()
        self.tags = [
            field.name
            for field in stored_fields(self.direction, "get")
            if field.name != ACCOUNT and form_words.asks_for_tag(f"{field.label} {field.help}")
        ]
        offered = {field.name: field for field in PROVIDERS[self.direction.account.provider].bid_fields}
        self.fields[PARTNER] = form_field(offered[PARTNER])
        self.fields[CUSTOMER] = forms.CharField(
            label=gettext_lazy("Customer"),
            help_text=gettext_lazy("Your own name or number for whom this is. It is not sent."),
            max_length=Bid._meta.get_field("customer").max_length,
            required=False,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("It is not sent."),
            max_length=Bid._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )

    # --- Where it pays to ---
    def _book(self) -> None:
        code = self.direction.get_code
        book = OwnDestination.objects.filter(
            status=OwnDestination.Status.APPROVED, method__startswith=code
        ).order_by("label", "pk")
        choices = [(str(one.pk), self._shown(one)) for one in book]
        label = self.fields[ACCOUNT].label
        tooltip = self.fields[ACCOUNT].help_text
        self.fields[ACCOUNT] = forms.CharField(
            label=label,
            required=self.fields[ACCOUNT].required,
            widget=forms.Select(
                choices=[("", _("Choose …") if choices else _("Nothing approved yet")), *choices]
            ),
            help_text=format_html(
                '{}{}{} <a href="{}?method={}" target="_blank" rel="noopener">{}</a>',
                tooltip,
                " · " if tooltip else "",
                _("One of our own destinations, from the approved book."),
                reverse("payments:owndestination_create"),
                code,
                _("Propose another one"),
            ),
        )

    @staticmethod
    def _shown(destination: OwnDestination) -> str:
        tag = f" · {_('tag')} {destination.tag}" if destination.tag else ""
        return f"{destination.label} · {destination.shown}{tag}"

    def clean_account2(self) -> OwnDestination | None:
        chosen = self.cleaned_data[ACCOUNT]
        if not chosen:
            return None
        known = OwnDestination.objects.filter(status=OwnDestination.Status.APPROVED)
        found = known.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
        if found is None:
            raise ValidationError(_("Choose one of our own destinations that are approved."))
        asked = next(one for one in stored_fields(self.direction, "get") if one.name == ACCOUNT)
        is_email = asked.kind == "email"
        if problem := form_words.typed_problem(found.address, asked.label, asked.help, is_email=is_email):
            raise ValidationError(problem)
        return found

    # --- Drawing ---
    def sections(self) -> list[Section]:
        """The fields in the order of the page; what is rarely needed is folded."""
        named = {
            part: [field.name for field in stored_fields(self.direction, part)]
            for part in ("give", "get", "direction")
        }
        titles = (
            ("amount", _("How much"), [AMOUNT, ACTION, *self.counted]),
            ("give", _("What we give: %s") % self.direction.give_title, named["give"]),
            ("get", _("What we receive: %s") % self.direction.get_title, named["get"]),
            ("direction", _("What the exchanger asks for"), named["direction"]),
            ("whom", _("For whom and what for"), [CUSTOMER, NOTE]),
        )
        drawn: set[str] = set()
        found = []
        for name, title, names in titles:
            own = [one for one in names if one in self.fields and one not in drawn]
            drawn.update(own)
            if own:
                found.append(Section(name, title, [self[one] for one in own]))
        partner = self[PARTNER]
        found.append(
            Section(
                "rest",
                _("More: partner"),
                [partner],
                is_folded=True,
                is_open=bool(partner.errors or partner.value()),
            )
        )
        return found

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the exchanger's names, as services.bids.create takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None, [])}
        destination = given.get(ACCOUNT)
        if isinstance(destination, OwnDestination):
            given[ACCOUNT] = destination.address
            for name in self.tags:
                if destination.tag:
                    given.setdefault(name, destination.tag)
        return given | {"direction_id": self.direction.provider_id, QUOTE: str(self.data.get(QUOTE, ""))}


# --- Decisions ---
class CompleteForm(forms.Form):
    """Why a bid is to be declared complete."""

    note = NoteField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("Why it is complete, and where you saw that. The second person reads this."),
        max_length=2000,
    )


class ResolveBidForm(DecisionForm):
    """What became of a bid in doubt."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What became of it"),
        choices=[
            ("complete", gettext_lazy("Complete: we have what it was for")),
            ("refunded", gettext_lazy("Refunded: what we gave came back")),
            ("failed", gettext_lazy("Failed: there is no such bid, or nothing came of it")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("outcome", "note")


class ImportForm(forms.Form):
    """From which day on bids that were made elsewhere are read."""

    since = DayField(
        label=gettext_lazy("Made since"),
        help_text=gettext_lazy(
            "What was made elsewhere with the same key appears here, and goes on being followed."
        ),
    )

    def moment(self, zone: dt.tzinfo) -> dt.datetime:
        """The beginning of that day."""
        return dt.datetime.combine(self.cleaned_data["since"], dt.time(), tzinfo=zone)
