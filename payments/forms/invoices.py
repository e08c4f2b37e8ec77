"""The form of a new invoice, built from its provider's fields.

Checks syntax and where the money goes; amounts, limits and what a payment system needs are rules of services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import html
from backoffice.kit.forms import Section, form_field
from payments.models import Invoice, Method, OwnDestination, ProviderAccount
from payments.providers import PROVIDERS

CUSTOMER = "_customer_reference"
# Where a field stands on the page. What a provider has beyond these stands last, among the rest.
SECTIONS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("into", gettext_lazy("Where it arrives"), ("paysys", "purse")),
    ("amounts", gettext_lazy("How much: one of the two"), ("amount", "pay_amount")),
    ("ways", gettext_lazy("How it is paid"), ("paylist", "comis")),
    ("whom", gettext_lazy("For whom"), (CUSTOMER, "desc")),
)
REST = gettext_lazy("More: tag, payer's name and e-mail, return pages")
# Our words where the two amounts stand side by side.
LABELS = {
    "amount": gettext_lazy("We want to receive"),
    "pay_amount": gettext_lazy("Or the payer pays, worth"),
}


def limits_text(method: Method) -> str:
    """What an admin entered as the limits of a payment system, in its currency; "" where there are none."""
    values = {
        "currency": method.currency,
        "low": html.amount_text(method.min_amount, places=0) if method.min_amount is not None else "",
        "high": html.amount_text(method.max_amount, places=0) if method.max_amount is not None else "",
    }
    if values["low"] and values["high"]:
        return _("%(low)s to %(high)s %(currency)s") % values
    if values["low"]:
        return _("at least %(low)s %(currency)s") % values
    return _("at most %(high)s %(currency)s") % values if values["high"] else ""


class InvoiceForm(forms.Form):
    """The fields of this account's provider under its own names, with our customer reference.

    `typed` draws what was typed so far without judging it, for the payment system that is chosen now.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        account: ProviderAccount,
        typed: Any = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}))
        self.account = account
        methods = account.methods.filter(enabled=True, for_invoice=True)
        self.methods: dict[str, Method] = {method.code: method for method in methods}
        self.fields[CUSTOMER] = forms.CharField(
            label=gettext_lazy("Customer"),
            help_text=gettext_lazy("Your own name or number for the customer. The payer does not see it."),
            max_length=Invoice._meta.get_field("customer").max_length,
            required=False,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        codes = [(code, self._label(method)) for code, method in self.methods.items()]
        for field in PROVIDERS[account.provider].invoice_fields:
            self.fields[field.name] = form_field(field, choices=codes)
        for name in LABELS.keys() & self.fields.keys():
            self.fields[name].label = LABELS[name]
        if "comis" in self.fields:
            self.fields["comis"].choices = self.fields["comis"].choices[1:]  # type: ignore[attr-defined]
            self.fields["comis"].help_text = ""
        if len(self.methods) == 1:
            self.initial.setdefault("paysys", next(iter(self.methods)))
        if typed is not None:
            for name, shown in self.fields.items():
                self.initial[name] = shown.widget.value_from_datadict(typed, {}, name)
        self.method = self.methods.get(str(self["paysys"].value() or "")) if "paysys" in self.fields else None
        self._follow_method()

    @staticmethod
    def _label(method: Method) -> str:
        limits = limits_text(method)
        return f"{method.code} · {method.title} ({limits or method.currency})"

    # --- What the chosen payment system needs ---
    def _follow_method(self) -> None:
        method = self.method
        if "paylist" in self.fields:
            self.fields["paylist"].choices = [  # type: ignore[attr-defined]
                (code, code) for code, known in self.methods.items() if not known.internal_balance
            ]
        if method is not None and "amount" in self.fields and (limits := limits_text(method)):
            self.fields["amount"].help_text = format_html("{}. {}", limits, self.fields["amount"].help_text)
        if "purse" in self.fields:
            self._purse(method)

    def _purse(self, method: Method | None) -> None:
        field = self.fields["purse"]
        if method is not None and not self._pays_out(method) and not self["purse"].value():
            del self.fields["purse"]
            return
        wanted = [method] if method else [known for known in self.methods.values() if self._pays_out(known)]
        book = OwnDestination.objects.filter(
            status=OwnDestination.Status.APPROVED, method__in=[one.code for one in wanted]
        ).order_by("label", "pk")
        groups: dict[str, list[tuple[str, str]]] = {}
        for destination in book:
            groups.setdefault(destination.method, []).append((str(destination.pk), self._shown(destination)))
        if method is not None:
            choices: list[Any] = groups.get(method.code, [])
        else:
            choices = [(code, group) for code, group in sorted(groups.items())]
        nothing = _("Choose …") if choices else _("Nothing approved yet")
        self.fields["purse"] = forms.CharField(
            label=field.label,
            required=False,
            widget=forms.Select(choices=[("", nothing), *choices]),
            help_text=format_html(
                '{} <a href="{}?method={}" target="_blank" rel="noopener">{}</a>',
                _("One of our own destinations, from the approved book."),
                reverse("payments:owndestination_create"),
                method.code if method else "",
                _("Propose another one"),
            ),
        )

    @staticmethod
    def _pays_out(method: Method) -> bool:
        return method.needs_purse and not method.internal_balance

    @staticmethod
    def _shown(destination: OwnDestination) -> str:
        tag = f" · {_('tag')} {destination.tag}" if destination.tag else ""
        return f"{destination.label} · {destination.shown}{tag}"

    # --- Checking ---
    def clean_purse(self) -> OwnDestination | None:
        chosen = self.cleaned_data["purse"]
        if not chosen:
            return None
        known = OwnDestination.objects.filter(status=OwnDestination.Status.APPROVED)
        found = known.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
        if found is None:
            raise ValidationError(_("Choose one of our own destinations that are approved."))
        if self.method is not None and self._pays_out(self.method) and found.method != self.method.code:
            raise ValidationError(
                _("This destination is for %(theirs)s. Choose one for %(ours)s.")
                % {"theirs": found.method, "ours": self.method.code}
            )
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        destination, tag = cleaned.get("purse"), cleaned.get("dtag", "")
        if isinstance(destination, OwnDestination) and tag and tag != destination.tag:
            self.add_error(
                "dtag",
                _("In the book this destination has the tag %(tag)s. Leave this empty to use it.")
                % {"tag": destination.tag}
                if destination.tag
                else _(
                    "In the book this destination has no tag. Propose it with this one, or leave this empty."
                ),
            )
        return cleaned

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names, as services.invoices.create takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None, [])}
        destination = given.get("purse")
        if isinstance(destination, OwnDestination):
            given["purse"] = destination.address
            if destination.tag:
                given["dtag"] = destination.tag
        return given

    # --- Drawing ---
    def sections(self) -> list[Section]:
        """The fields in the order of the page; the last section is folded while it has nothing to say."""
        placed = {name for _name, _title, names in SECTIONS for name in names}
        rest = [name for name in self.fields if name not in placed]
        needed = [name for name in rest if self.fields[name].required or self._is_needed(name)]
        for name in needed:
            # Only drawn so: the service says what is missing, together with all else that is wrong.
            self.fields[name].required = True
        found = []
        for section, title, names in SECTIONS:
            own = [name for name in names if name in self.fields]
            if section == "into":
                own += needed
            if own:
                found.append(Section(section, title, [self[name] for name in own]))
        folded = [self[name] for name in rest if name not in needed]
        if folded:
            is_open = any(field.errors or field.value() for field in folded)
            found.append(Section("rest", REST, folded, is_folded=True, is_open=is_open))
        return found

    def _is_needed(self, name: str) -> bool:
        if self.method is None:
            return False
        if name in ("name", "surname"):
            return self.method.needs_names
        return name == "dtag" and self.method.needs_tag and not self._pays_out(self.method)

    def unit(self) -> str:
        """The currency of the amount, once the payment system is chosen."""
        return self.method.currency if self.method else ""
