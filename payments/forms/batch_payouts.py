"""The forms of batch payouts: the request with its rows (typed, pasted, or a file), how the deposit is paid, decisions.

They check syntax only; addresses, amounts and who may pay are rules of services.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import AmountField, DecisionForm, NoteField, form_field
from payments.models import BatchPayout, ProviderAccount, Withdrawal
from payments.providers import PROVIDERS

ROWS, FILE, MAX_FEE, NOTE, SIMILAR = "payouts", "_rows_file", "_max_fee", "_note", "_confirm_similar"
OURS = "_confirm_own"
MOST_BYTES = 256 * 1024


class BatchPayoutForm(forms.Form):
    """The fields of this account's provider under its own names. A file's lines go into the box of rows, so that
    what is wrong with one of them can be put right there."""

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.account = account
        for field in PROVIDERS[account.provider].batch_fields:
            self.fields[field.name] = form_field(field)
        rows = self.fields[ROWS]
        rows.required = False  # a file may bring them
        rows.widget.attrs |= {
            "rows": 8,
            "spellcheck": "false",
            "class": "mono",
            "wrap": "off",
            "data-rows": "",
        }
        self.fields[FILE] = forms.FileField(
            label=gettext_lazy("Or a CSV file"),
            help_text=gettext_lazy(
                "Address and amount per line. Its lines are put under “Payouts” above, where they can be corrected."
            ),
            required=False,
            widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        )
        self.fields[MAX_FEE] = AmountField(
            label=gettext_lazy("The most that the fee may be"),
            help_text=gettext_lazy(
                "In BTC. The provider states its fee when the batch is created; above this it is held. Empty: any fee, "
                "which the approver of the deposit sees."
            ),
            required=False,
        )
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver reads this. It is not sent."),
            max_length=BatchPayout._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )
        self.fields[SIMILAR] = forms.BooleanField(
            label=gettext_lazy("A second batch with the same payees and amounts is meant"), required=False
        )
        # Drawn by hand as a tick whose value is `own_likeness`.
        self.fields[OURS] = forms.CharField(
            label=gettext_lazy("Payouts to addresses of our own are meant"), required=False
        )
        self.order_fields(("delay", ROWS, FILE, MAX_FEE, NOTE))

    def asks_similar(self) -> bool:
        """Whether the tick is shown: the service asked for it, or it is set."""
        return bool(self.is_bound and (self.errors.get(SIMILAR) or self[SIMILAR].value()))

    def is_confirmed(self) -> bool:
        """Whether the tick is set."""
        return bool(self[SIMILAR].value())

    def similar_errors(self) -> list[Any]:
        """Why the tick is asked for."""
        return list(self.errors.get(SIMILAR, ()))

    def asks_own(self) -> bool:
        """The same for payees that are addresses of our own."""
        return bool(self.is_bound and (self.errors.get(OURS) or self[OURS].value()))

    def own_likeness(self) -> str:
        """What that tick speaks of: just those addresses of ours that the service has named, and no other."""
        asked = self.errors.as_data().get(OURS, []) if self.is_bound else []
        return str(asked[0].code if asked else self[OURS].value() or "")

    def is_own_confirmed(self) -> bool:
        """Whether that tick is set; not if the service asks anew."""
        return bool(self[OURS].value()) and not self.errors.get(OURS)

    def own_errors(self) -> list[Any]:
        """Why that tick is asked for."""
        return list(self.errors.get(OURS, ()))

    def main_fields(self) -> list[Any]:
        """All fields but the rows and the ticks, which are drawn apart."""
        return [field for field in self.visible_fields() if field.name not in (ROWS, "delay", SIMILAR, OURS)]

    def rows_field(self) -> Any:
        """The box of rows."""
        return self[ROWS]

    def bad_lines(self) -> str:
        """What is wrong with which line of the box, as JSON: the editor shows it at its row."""
        told = self.errors.as_data().get(ROWS, []) if self.is_bound else []
        return json.dumps(
            {
                str(error.params["line"]): str(error.params["why"])
                for error in told
                if error.code == "line" and error.params
            }
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file = cleaned.pop(FILE, None)
        if file is None:
            if not cleaned.get(ROWS) and ROWS not in self.errors:
                self.add_error(ROWS, _("Enter at least one address with its amount, or choose a file."))
            return cleaned
        if cleaned.get(ROWS):
            self.add_error(FILE, _("Payees are typed above as well. Keep one of the two."))
            return cleaned
        try:
            cleaned[ROWS] = self._read(file)
        except ValidationError as error:
            self.add_error(FILE, error)
            return cleaned
        # What the file said stands in the box from now on.
        self.data = {**{name: self.data[name] for name in self.data}, ROWS: cleaned[ROWS]}
        return cleaned

    @staticmethod
    def _read(file: Any) -> str:
        if file.size > MOST_BYTES:
            raise ValidationError(_("The file is larger than 256 KiB."))
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValidationError(_("This is not a text file (UTF-8). Export it as CSV.")) from error
        if "\0" in text:
            raise ValidationError(_("This is not a text file (UTF-8). Export it as CSV."))
        return text

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names, as services.batch_payouts.request takes it."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}


class DepositForm(forms.Form):
    """From which of our accounts the deposit is paid. Amount and address are the batch's."""

    way = forms.ChoiceField(label=gettext_lazy("Paid by"))
    currency = forms.ChoiceField(
        label=gettext_lazy("From the balance in"), help_text=gettext_lazy("Usually BTC.")
    )

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        ways: Sequence[tuple[str, Any]],
        currencies: Sequence[str],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.fields["way"].choices = [("", _("Choose …")), *ways]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [(code, code) for code in currencies]  # type: ignore[attr-defined]
        if len(ways) == 1:
            self.initial.setdefault("way", ways[0][0])
        if "BTC" in currencies:
            self.initial.setdefault("currency", "BTC")
        self.fields["_max_debit"] = AmountField(
            label=gettext_lazy("The most that may be debited"),
            help_text=gettext_lazy("Empty: the estimated debit with the reserve on top."),
            required=False,
        )
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver of the withdrawal reads this. It is not sent."),
            max_length=Withdrawal._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )


class PaidOutsideForm(forms.Form):
    """How the deposit was paid, by somebody who paid it elsewhere."""

    note = NoteField(
        label=gettext_lazy("How it was paid"),
        help_text=gettext_lazy("From which wallet, by whom, and the transaction if there is one yet."),
        max_length=BatchPayout._meta.get_field("paid_outside_note").max_length,
    )


class BatchResolveForm(DecisionForm):
    """What became of a batch whose answer was lost."""

    outcome = forms.ChoiceField(label=gettext_lazy("What became of it"), widget=forms.RadioSelect)
    field_order = ("outcome", "note")

    def __init__(self, *args: Any, candidates: Sequence[dict[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(one["id"], _("It is %(id)s, created %(created)s, “%(word)s”") % one) for one in candidates]
        none = _("There is none, or none of these: close it as failed. Nothing is ever paid for it.")
        self.fields["outcome"].choices = [*known, ("failed", none)]  # type: ignore[attr-defined]
