"""The forms of wallets: a new one, built from its provider's fields, and whom it is for. Syntax only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import Section, form_field
from payments.models import Method, ProviderAccount, Wallet
from payments.providers import PROVIDERS

from .networks import in_boxes, one_box, spelled

CUSTOMER, LABEL, SIMILAR = "_customer_reference", "_label", "_confirm_similar"


def _text(label: Any, help_text: Any, column: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=getattr(Wallet._meta.get_field(column), "max_length", None),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class WalletForm(forms.Form):
    """Currency and network, whom it is for, and a conversion, which is off unless chosen."""

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}))
        found = account.methods.filter(enabled=True, for_wallet=True).order_by("currency", "network")
        self.methods: dict[str, Method] = {method.code: method for method in found}
        codes = [(code, f"{method.currency} · {method.network}") for code, method in self.methods.items()]
        for field in one_box(PROVIDERS[account.provider].wallet_fields):
            self.fields[field.name] = form_field(field, choices=codes if field.name == "paysys" else ())
        self.fields[CUSTOMER] = _text(
            gettext_lazy("Customer"),
            gettext_lazy("Your own name or number for whoever pays there. It is not sent."),
            "customer",
        )
        self.fields[LABEL] = _text(
            gettext_lazy("Label"), gettext_lazy("What it is for. It is not sent."), "label"
        )
        self.fields[SIMILAR] = forms.BooleanField(
            label=gettext_lazy("Another address for the same customer is meant"), required=False
        )
        if len(codes) == 1:
            self.initial.setdefault("paysys", codes[0][0])

    def asks_similar(self) -> bool:
        """Whether the tick is shown: the service asked for it, or it is set."""
        return bool(self.is_bound and (self.errors.get(SIMILAR) or self[SIMILAR].value()))

    def sections(self) -> list[Section]:
        """The fields in the order of the page; the conversion is folded while nobody has chosen one."""
        own = [CUSTOMER, LABEL]
        rest = [name for name in self.fields if name.startswith("convert_")]
        first = [name for name in self.fields if name not in (*own, *rest, SIMILAR)]
        if self.asks_similar():
            own.append(SIMILAR)
        folded = [self[name] for name in rest]
        return [
            Section("what", gettext_lazy("What arrives there"), [self[name] for name in first]),
            Section("whom", gettext_lazy("For whom"), [self[name] for name in own]),
            Section(
                "rest",
                gettext_lazy("Conversion: off unless chosen, and another person must approve it"),
                folded,
                is_folded=True,
                is_open=any(field.errors or field.value() for field in folded),
            ),
        ]

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names, as services.wallets.create takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None, False)}
        return spelled(given, self.methods.get(str(given.get("paysys", ""))))

    def in_boxes(self, error: ValidationError) -> ValidationError:
        """A refusal of the service, at the boxes that stand for its names."""
        return in_boxes(error)


class GiveForm(forms.Form):
    """Whom an address is for."""

    customer = _text(gettext_lazy("Customer"), "", "customer")
    label = _text(gettext_lazy("Label"), "", "label")
    confirm = forms.BooleanField(
        label=gettext_lazy("It is meant that this address goes to another customer"), required=False
    )
