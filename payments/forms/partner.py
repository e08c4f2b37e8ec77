"""The forms of partner payouts. They check syntax only; the balance and who may are rules of services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.fields import keyed_digest
from backoffice.kit.forms import DecisionForm, NoteField, form_field
from payments.models import OwnDestination, PartnerPayout, PartnerProgram
from payments.providers import PROVIDERS

BOOK, ACCOUNT, NOTE, CONFIRM = "_destination", "account", "_note", "_confirm_account"


class PartnerPayoutForm(forms.Form):
    """How and where the whole balance is to be paid out: the provider's own fields, our own book, our purpose.

    `ways`: what the exchanger told of each way to be paid out, by its number; `book`: our approved destinations that
    one of them takes.
    """

    def __init__(
        self,
        *args: Any,
        program: PartnerProgram,
        ways: Mapping[str, dict[str, str]],
        book: Iterable[OwnDestination],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [(number, self._shown(told)) for number, told in ways.items()]
        for field in PROVIDERS[program.account.provider].partner_payout_fields:
            self.fields[field.name] = form_field(field, choices=choices)
        self.book = {str(one.pk): one for one in book}
        self._own_fields()
        self.order_fields(("method_id", BOOK, ACCOUNT, NOTE, CONFIRM))

    def _own_fields(self) -> None:
        propose = reverse("payments:owndestination_create")
        listed = [(pk, f"{one.label} · {one.shown} · {one.method}") for pk, one in self.book.items()]
        nothing = _("Another one, typed below") if listed else _("Nothing approved yet")
        self.fields[BOOK] = forms.ChoiceField(
            label=gettext_lazy("Into one of our own destinations"),
            choices=[("", nothing), *listed],
            help_text=format_html(
                '{} <a href="{}" target="_blank" rel="noopener">{}</a>',
                _("From the approved book: two people have looked at each of them."),
                propose,
                _("Propose another one"),
            ),
            required=False,
        )
        box = self.fields[ACCOUNT]
        box.label = gettext_lazy("Or to this account")
        box.help_text = gettext_lazy("Wallet, account or card number. Paste it rather than typing it.")
        box.required = False  # the service says what is missing
        box.widget.attrs |= {"spellcheck": "false", "class": "mono"}
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver reads this. It is not sent."),
            max_length=PartnerPayout._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )
        # Drawn by hand as a tick whose value is `likeness`, and only where the service asks.
        self.fields[CONFIRM] = forms.CharField(label=gettext_lazy("Right all the same?"), required=False)

    @staticmethod
    def _shown(one: dict[str, str]) -> str:
        parts = [one["title"]]
        if one.get("amount"):
            parts.append(_("now %s") % one["amount"])
        if one.get("commission"):
            parts.append(_("fee %s") % one["commission"])
        return " · ".join(parts)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        chosen = self.book.get(given.get(BOOK, ""))
        if chosen is not None and given.get(ACCOUNT) and given[ACCOUNT].strip() != chosen.address:
            self.add_error(ACCOUNT, _("Choose one of the book, or type another one: not both."))
        return given

    # --- Drawing ---
    def boxes(self) -> list[BoundField]:
        """All but the tick."""
        return [self[name] for name in self.fields if name != CONFIRM]

    def likeness(self) -> str:
        """What the tick speaks of: this way to this account, and no other."""
        told = (str(self[name].value() or "").strip() for name in ("method_id", BOOK, ACCOUNT))
        return keyed_digest(" ".join(told), "partner account")[:16]

    def is_confirmed(self) -> bool:
        """Whether the tick is set, and for just this account."""
        return self[CONFIRM].value() == self.likeness()

    def asks(self) -> bool:
        """Whether the tick is shown: the service asked for it, or it is set."""
        return self.is_confirmed() or bool(self.is_bound and self.errors.get(CONFIRM))

    def to_service(self) -> dict[str, Any]:
        """What was typed, as services.partner.request_payout takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in (BOOK, CONFIRM)}
        if chosen := self.book.get(self.cleaned_data[BOOK]):
            given[ACCOUNT] = chosen.address
        return given | {CONFIRM: self.is_confirmed()}

    def in_boxes(self, error: ValidationError) -> ValidationError:
        """A refusal of the service, at the box that was used."""
        if not self.cleaned_data[BOOK] or ACCOUNT not in getattr(error, "error_dict", {}):
            return error
        return ValidationError(
            {BOOK if name == ACCOUNT else name: what for name, what in error.error_dict.items()}
        )


class ResolvePayoutForm(DecisionForm):
    """What became of a payout in doubt."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What became of it"),
        choices=[
            ("complete", gettext_lazy("Complete: the money has arrived")),
            ("failed", gettext_lazy("Failed: the exchanger never took it")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("outcome", "note")
