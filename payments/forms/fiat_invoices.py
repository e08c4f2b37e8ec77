"""The forms of bills that are paid in ordinary money: with the payer's address typed, or by a link. Syntax only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from backoffice.kit import html
from backoffice.kit.forms import NoteField, Section, form_field
from payments.models import Invoice, InvoicePayment, Method, ProviderAccount
from payments.providers import PROVIDERS

from .networks import in_boxes, one_box, spelled

FINDABLE = dt.timedelta(days=90)
CUSTOMER = "_customer_reference"


def deposit_limits(method: Method) -> str:
    """What the provider lets a payer pay by this method, in words; "" where it names no limits."""
    low = "" if method.min_deposit is None else html.amount_text(method.min_deposit, places=0)
    high = "" if method.max_deposit is None else html.amount_text(method.max_deposit, places=0)
    if not low and not high:
        return ""
    return f"{low or '0'} – {high} {method.currency}" if high else f"≥ {low} {method.currency}"


def deposit_fee(method: Method) -> str:
    """What the provider keeps of a payment, in words; "" where it does not say."""
    parts = []
    if method.deposit_fee_fixed:
        parts.append(f"{html.amount_text(method.deposit_fee_fixed, places=0)} {method.currency}")
    if method.deposit_fee_rate:
        parts.append(f"{html.amount_text(method.deposit_fee_rate * 100, places=0)} %")
    return " + ".join(parts)


class FiatInvoiceForm(forms.Form):
    """The fields of this account's provider with one choice of currency and network.

    `typed` draws what was typed so far without judging it. `by_link`: the payer's address is taken later.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        typed: Any = None,
        initial: Mapping[str, Any] | None = None,
        by_link: bool = False,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}))
        self.account = account
        found = account.methods.filter(enabled=True, for_invoice=True).order_by("currency", "network")
        self.methods: dict[str, Method] = {method.code: method for method in found}
        codes = [(code, self._label(method)) for code, method in self.methods.items()]
        for field in one_box(PROVIDERS[account.provider].invoice_fields):
            if not (by_link and (field.name == "client_ip" or field.name.startswith("convert_"))):
                self.fields[field.name] = form_field(field, choices=codes if field.name == "paysys" else ())
        self.fields[CUSTOMER] = forms.CharField(
            label=gettext_lazy("Customer"),
            help_text=gettext_lazy("Your own name or number for the customer. The payer does not see it."),
            max_length=getattr(Invoice._meta.get_field("customer"), "max_length", None),
            required=False,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        if len(codes) == 1:
            self.initial.setdefault("paysys", codes[0][0])
        if typed is not None:
            for name, box in self.fields.items():
                self.initial[name] = box.widget.value_from_datadict(typed, {}, name)
        self.method = self.methods.get(str(self["paysys"].value() or ""))
        if self.method is not None and (limits := deposit_limits(self.method)):
            self.fields["amount"].help_text = format_html("{}. {}", limits, self.fields["amount"].help_text)

    @staticmethod
    def _label(method: Method) -> str:
        about = [part for part in (deposit_limits(method), deposit_fee(method)) if part]
        return f"{method.currency} · {method.network}" + (f" ({', '.join(about)})" if about else "")

    def unit(self) -> str:
        """The currency of the amount, once it is chosen."""
        return self.method.currency if self.method else ""

    def sections(self) -> list[Section]:
        """The fields in the order of the page; what is seldom needed is folded."""
        first = [name for name in ("paysys", "amount", "client_ip") if name in self.fields]
        pages = [name for name in ("payment_url", "cancel_url") if name in self.fields]
        orders = [name for name in self.fields if name.startswith("convert_")]
        found = [
            Section("amounts", gettext_lazy("What is billed"), [self[name] for name in first]),
            Section("whom", gettext_lazy("For whom"), [self[CUSTOMER]]),
            self._folded("rest", gettext_lazy("More: return pages"), pages),
        ]
        if orders:
            title = gettext_lazy("Conversion: off unless chosen, and another person must approve it")
            found.append(self._folded("orders", title, orders))
        return found

    def _folded(self, name: str, title: Any, names: Sequence[str]) -> Section:
        fields = [self[one] for one in names]
        is_open = any(field.errors or field.value() for field in fields)
        return Section(name, title, fields, is_folded=True, is_open=is_open)

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
        return spelled(given, self.method)

    def in_boxes(self, error: ValidationError) -> ValidationError:
        """A refusal of the service, at the boxes that stand for its names."""
        return in_boxes(error)


class AssignForm(forms.Form):
    """Of which bill a payment is, and how that is known."""

    invoice = forms.ModelChoiceField(
        label=gettext_lazy("Invoice"), queryset=Invoice.objects.none(), empty_label=gettext_lazy("Choose …")
    )
    note = NoteField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("How you know. It stays in the timeline."),
        max_length=2000,
    )

    def __init__(self, *args: Any, payment: InvoicePayment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unpaid = Invoice.objects.filter(
            account=payment.account_id,
            method=payment.method,
            payments__isnull=True,
            created_at__gt=payment.arrived_at - FINDABLE,
        ).exclude(status__in=["awaiting_approval", "approved", "rejected"])
        box = self.fields["invoice"]
        box.queryset = unpaid.select_related("reference").order_by("-created_at")  # type: ignore[attr-defined]
        box.label_from_instance = self._label  # type: ignore[attr-defined]

    @staticmethod
    def _label(invoice: Invoice) -> str:
        amount = "" if invoice.expected is None else html.amount_text(invoice.expected, invoice.currency)
        return f"{invoice.reference.value} · {amount} {invoice.currency} · {invoice.customer}".strip(" ·")
