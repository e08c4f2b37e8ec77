"""The forms of our own destinations: proposing one, and the reason of a decision. They check syntax only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.kit.forms import NoteField
from payments.models import Direction, Method, OwnDestination


class OwnDestinationForm(forms.Form):
    """A proposal for the book of our own receiving addresses."""

    method = forms.ChoiceField(label=_("Payment system"))
    label = forms.CharField(
        label=_("Label"),
        help_text=_("What everybody here calls it, such as “Cold wallet”."),
        max_length=OwnDestination._meta.get_field("label").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    address = forms.CharField(
        label=_("Address"),
        help_text=_(
            "Wallet, account or card number. Paste it rather than typing it: the approver compares it too."
        ),
        max_length=OwnDestination._meta.get_field("shown").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    tag = forms.CharField(
        label=_("Tag or memo"),
        help_text=_("Only if the address is shared and needs one. Without it such money gets lost."),
        max_length=OwnDestination._meta.get_field("tag").max_length,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Method.objects.filter(for_invoice=True, internal_balance=False).order_by("code", "pk")
        titles = {method.code: f"{method.code} · {method.title}" for method in known}
        exchanged = Direction.objects.exclude(get_code="").order_by("get_code", "get_title")
        for code, title in exchanged.values_list("get_code", "get_title").distinct():
            titles.setdefault(
                code, _("%(code)s · from an exchange, such as %(title)s") % {"code": code, "title": title}
            )
        self.fields["method"].choices = [("", _("Choose …")), *titles.items()]  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why something is refused or taken out of use."""

    reason = NoteField(
        label=_("Reason"),
        help_text=_("The person who proposed it reads this."),
        max_length=OwnDestination._meta.get_field("reason").max_length,
    )
