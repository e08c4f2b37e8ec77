"""The forms of partner payouts. They check syntax only; the balance and who may are rules of services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import DecisionForm, form_field
from payments.models import PartnerPayout, PartnerProgram
from payments.providers import PROVIDERS

NOTE = "_note"


class PartnerPayoutForm(forms.Form):
    """How and where the whole balance is to be paid out: the provider's own fields, with our purpose."""

    def __init__(self, *args: Any, program: PartnerProgram, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = [(one["id"], self._shown(one)) for one in program.methods]
        for field in PROVIDERS[program.account.provider].partner_payout_fields:
            self.fields[field.name] = form_field(field, choices=ways)
        self.fields[NOTE] = forms.CharField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver reads this. It is not sent."),
            max_length=PartnerPayout._meta.get_field("purpose").max_length,
            required=False,
            widget=forms.Textarea(attrs={"rows": 2}),
        )

    @staticmethod
    def _shown(one: dict[str, str]) -> str:
        parts = [one["title"]]
        if one.get("amount"):
            parts.append(_("now %s") % one["amount"])
        if one.get("commission"):
            parts.append(_("fee %s") % one["commission"])
        return " · ".join(parts)


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
