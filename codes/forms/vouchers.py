"""The forms of vouchers: a request and a redemption, built from the provider's fields, and what people found out.

They check syntax only. Code and password are never sent back to the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import AmountField, DecisionForm, NoteField, Section, form_field
from codes.models import Voucher
from payments.models import ProviderAccount
from payments.providers import PROVIDERS

PAYEE, NOTE, MAKE, COUNT = "_customer_reference", "_note", "_make_password", "count"
LOST = "password_lost"
MOST = 100
SECTIONS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("costs", gettext_lazy("How much, and how many"), ("amount", "currency", COUNT)),
    ("secret", gettext_lazy("Password"), (MAKE, "pass")),
    ("whom", gettext_lazy("For whom and what for"), (PAYEE, "desc", NOTE)),
)
AGAIN = gettext_lazy("Type it again: a password is never sent back to the page.")
FORGOTTEN = gettext_lazy("Type the password once more. Leave it empty for vouchers without one.")
# Neither kept by the browser nor offered to its password store.
SECRET = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "data-lpignore": "true"}


class VoucherForm(forms.Form):
    """The fields of this account's provider under its own names, with ours: for whom, what for, how many.

    `balances`: (currency, label) of those that it can be made from. `typed` draws what was typed so far without
    judging it; a password that was typed is lost then, and the form says so.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        balances: Sequence[tuple[str, Any]],
        typed: Any = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        if data is not None and data.get("pass"):
            data = data.copy()
            data[LOST] = "1"
        super().__init__(data, files, initial={COUNT: 1, MAKE: account.split_handover, **(initial or {})})
        choices = {"currency": list(balances)}
        for field in PROVIDERS[account.provider].voucher_fields:
            self.fields[field.name] = form_field(field, choices=choices.get(field.name, ()))
        self._own_fields()
        if len(balances) == 1:
            self.initial.setdefault("currency", balances[0][0])
        if typed is not None:
            for name, box in self.fields.items():
                self.initial[name] = box.widget.value_from_datadict(typed, {}, name)
            self.initial[LOST] = bool(typed.get("pass") or typed.get(LOST))
        if (typed or data or {}).get("pass"):
            self.fields["pass"].help_text = AGAIN

    def _own_fields(self) -> None:
        text = forms.TextInput(attrs={"autocomplete": "off"})
        self.fields[COUNT] = forms.IntegerField(
            label=gettext_lazy("How many"),
            help_text=gettext_lazy("Each of this amount, under one approval."),
            min_value=1,
            max_value=MOST,
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        )
        self.fields[MAKE] = forms.BooleanField(
            label=gettext_lazy("Make a password for me"),
            help_text=gettext_lazy("Each voucher gets its own; nobody sees it before it is shown."),
            required=False,
        )
        self.fields[PAYEE] = forms.CharField(
            label=gettext_lazy("For whom"),
            help_text=gettext_lazy("Your own name or number for whoever gets it. It is not sent."),
            max_length=Voucher._meta.get_field("payee").max_length,
            required=False,
            widget=text,
        )
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver reads this. It is not sent."),
            max_length=Voucher._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )
        self.fields[LOST] = forms.BooleanField(required=False, widget=forms.HiddenInput)
        if "pass" in self.fields:
            self.fields["pass"].widget.attrs |= SECRET
        if "desc" in self.fields:
            self.fields["desc"].widget = forms.Textarea(attrs={"rows": 2, "autocomplete": "off"})
            self.fields["desc"].help_text = gettext_lazy(
                "Sent to the provider after our reference, and seen in its list."
            )

    def clean(self) -> dict[str, Any]:
        """A password that was typed and lost is asked for again, once: no voucher goes without it unnoticed."""
        cleaned = super().clean() or {}
        if cleaned.get(LOST) and not cleaned.get("pass") and not cleaned.get(MAKE):
            self.add_error("pass", FORGOTTEN)
            data: Any = self.data
            self.data = data.copy()
            del self.data[LOST]  # type: ignore[attr-defined]
        return cleaned

    def value(self, name: str) -> str:
        """What stands in a field now, as text."""
        return str(self[name].value() or "") if name in self.fields else ""

    def typed(self) -> dict[str, str]:
        """What stands in the fields that the cost depends on."""
        return {name: self.value(name) for name in ("amount", "currency", COUNT)}

    def sections(self) -> list[Section]:
        """The fields in the order of the page; what a provider has beyond ours stands with the last."""
        placed = {LOST, *(name for _name, _title, names in SECTIONS for name in names)}
        rest = tuple(name for name in self.fields if name not in placed)
        found = []
        for section, title, names in SECTIONS:
            own = [name for name in (*names, *(rest if section == "whom" else ())) if name in self.fields]
            found.append(Section(section, title, [self[name] for name in own]))
        return found

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names, as services.vouchers.request takes it."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in (COUNT, LOST) and value not in ("", None, False)
        }


class RedeemForm(forms.Form):
    """A code and its password, under the provider's names. Neither is ever sent back to the page."""

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial={})
        for field in PROVIDERS[account.provider].redeem_fields:
            self.fields[field.name] = form_field(field)
            self.fields[field.name].widget.attrs |= SECRET | {"class": "mono"}


# --- Decisions ---
class ResolveForm(DecisionForm):
    """What became of a voucher in doubt; what a redeemed one was credited with."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What became of it"),
        choices=[
            ("redeemed", gettext_lazy("Redeemed: it was credited to our balance")),
            ("failed", gettext_lazy("Failed: nothing was credited")),
        ],
        widget=forms.RadioSelect,
    )
    amount = AmountField(
        label=gettext_lazy("Credited"),
        help_text=gettext_lazy("Only if it was redeemed: what the balance shows that nothing else explains."),
        required=False,
    )
    currency = forms.ChoiceField(label=gettext_lazy("To which balance"), required=False)
    field_order = ("outcome", "amount", "currency", "note")

    def __init__(self, *args: Any, currencies: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = [("", gettext_lazy("No choice")), *((code, code) for code in currencies)]
        self.fields["currency"].choices = choices  # type: ignore[attr-defined]


class CloseForm(DecisionForm):
    """Why a new voucher in doubt does not exist: the machine would have found it."""
