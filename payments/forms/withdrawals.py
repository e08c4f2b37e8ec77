"""The forms of withdrawals: a request, built from its provider's fields, and the reasons and notes of decisions.

They check syntax only; limits, balances and what a payment system needs are rules of services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import html
from backoffice.kit.fields import keyed_digest
from backoffice.kit.forms import AmountField, DecisionForm, NoteField, Section, form_field
from payments.models import Freeze, Method, ProviderAccount, Withdrawal
from payments.providers import PROVIDERS

from .invoices import limits_text
from .networks import follow_network, has_networks, in_boxes, one_box, spelled

PAYEE, NOTE, MAX_DEBIT, SIMILAR = "_customer_reference", "_note", "_max_debit", "_confirm_similar"
OURS = "_confirm_own"
SECTIONS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("to", gettext_lazy("Where it goes"), ("paysys", "purse")),
    ("costs", gettext_lazy("How much, and from where"), ("amount", "currency", MAX_DEBIT)),
    ("whom", gettext_lazy("For whom and what for"), (PAYEE, NOTE)),
)
REST = gettext_lazy("More: tag, payee’s name")
REST_OF_NETWORKS = gettext_lazy("More: tag, comment, who pays the fee, buying what is sent")


def fee_text(method: Method) -> str:
    """What an admin entered as the fee of a payment system, in words; "" where it is not known."""
    parts = []
    if method.fee_fixed is not None and method.fee_fixed:
        parts.append(
            f"{html.amount_text(method.fee_fixed, places=0)} {method.fee_currency or method.currency}"
        )
    if method.fee_rate is not None and method.fee_rate:
        parts.append(f"{html.amount_text(method.fee_rate * 100, places=0)} %")
    if parts:
        return _("fee %s") % " + ".join(parts)
    return "" if method.fee_fixed is None and method.fee_rate is None else _("no fee")


class WithdrawalForm(forms.Form):
    """The fields of this account's provider under its own names, with our payee, purpose and most debit.

    `balances`: (currency, label) of those that can be paid from. `typed` draws what was typed so far without judging
    it.
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
        super().__init__(data, files, initial=dict(initial or {}))
        self.account = account
        found = account.methods.filter(enabled=True, for_withdrawal=True).order_by("code")
        self.methods: dict[str, Method] = {method.code: method for method in found}
        choices = {
            "paysys": [(code, self._label(method)) for code, method in self.methods.items()],
            "currency": list(balances),
        }
        known = PROVIDERS[account.provider].withdrawal_fields
        self.has_networks = has_networks(known)
        if self.has_networks:
            # One choice in place of two that depend on each other, and one box whose name follows it.
            del choices["currency"]
        for field in one_box(known) if self.has_networks else known:
            self.fields[field.name] = form_field(field, choices=choices.get(field.name, ()))
        self._own_fields()
        for name, options in choices.items():
            if len(options) == 1 and name in self.fields:
                self.initial.setdefault(name, options[0][0])
        if typed is not None:
            for name, box in self.fields.items():
                self.initial[name] = box.widget.value_from_datadict(typed, {}, name)
        self.method: Method | None = None
        self.method = self.methods.get(self.value("paysys"))
        self._follow_method()

    @staticmethod
    def _label(method: Method) -> str:
        about = (limits_text(method) or method.currency, fee_text(method) or _("fee not known"))
        if method.network:
            return f"{method.currency} · {method.network} ({', '.join(about)})"
        return f"{method.code} · {method.title} ({', '.join(about)})"

    def _own_fields(self) -> None:
        text = forms.TextInput(attrs={"autocomplete": "off"})
        self.fields[MAX_DEBIT] = AmountField(
            label=gettext_lazy("The most that may be debited"),
            help_text=gettext_lazy("Empty: the estimated debit with the reserve on top."),
            required=False,
        )
        self.fields[PAYEE] = forms.CharField(
            label=gettext_lazy("Payee"),
            help_text=gettext_lazy("Your own name or number for whoever gets the money. It is not sent."),
            max_length=Withdrawal._meta.get_field("payee").max_length,
            required=False,
            widget=text,
        )
        self.fields[NOTE] = NoteField(
            label=gettext_lazy("What for"),
            help_text=gettext_lazy("The approver reads this. It is not sent."),
            max_length=Withdrawal._meta.get_field("purpose").max_length,
            required=False,
            rows=2,
        )
        # Drawn by hand as ticks whose values are `likeness` and `own_likeness`, and only where the service asks.
        self.fields[SIMILAR] = forms.CharField(
            label=gettext_lazy("Paid twice?"),
            required=False,
        )
        self.fields[OURS] = forms.CharField(label=gettext_lazy("To ourselves?"), required=False)

    def value(self, name: str) -> str:
        """What stands in a field now, as text. A balance that follows from the payment system counts as chosen."""
        if name == "currency" and self.has_networks:
            return self.method.currency if self.method else ""
        return str(self[name].value() or "") if name in self.fields else ""

    def typed(self) -> dict[str, str]:
        """What stands in all fields now."""
        found = {name: self.value(name) for name in self.fields}
        return found | {"currency": self.value("currency")} if self.has_networks else found

    def likeness(self) -> str:
        """What a tick for a second payment speaks of: this amount to this destination, and no other."""
        return keyed_digest(f"{self.value('purse').strip()} {self.value('amount').strip()}", "similar")[:16]

    # --- What the chosen payment system needs ---
    def _follow_method(self) -> None:
        if "purse" in self.fields:
            self.fields["purse"].widget.attrs |= {"spellcheck": "false", "class": "mono"}
        if self.method is None:
            return
        if self.has_networks:
            follow_network(self.fields, self.method)
        if "amount" in self.fields and (limits := limits_text(self.method)):
            self.fields["amount"].help_text = format_html("{}. {}", limits, self.fields["amount"].help_text)

    def explain_max_debit(self, reason: str) -> None:
        """The most that may be debited must be typed, and this is why."""
        self.fields[MAX_DEBIT].help_text = reason
        self.must_fix_debit = True

    must_fix_debit = False

    # --- Drawing ---
    def sections(self) -> list[Section]:
        """The fields in the order of the page; the last section is folded while it has nothing to say."""
        placed = {name for _name, _title, names in SECTIONS for name in names} | {SIMILAR, OURS}
        rest = [name for name in self.fields if name not in placed]
        needed = [name for name in rest if self._is_needed(name)]
        if self.must_fix_debit:
            needed.append(MAX_DEBIT)
        for name in needed:
            # Only drawn so: the service says what is missing, together with all else that is wrong.
            self.fields[name].required = True
        found = []
        for section, title, names in SECTIONS:
            own = [name for name in names if name in self.fields]
            if section == "to":
                own += [name for name in rest if name in needed]
            found.append(Section(section, title, [self[name] for name in own]))
        folded = [self[name] for name in rest if name not in needed]
        if folded:
            is_open = any(field.errors or field.value() for field in folded)
            title = REST_OF_NETWORKS if self.has_networks else REST
            found.append(Section("rest", title, folded, is_folded=True, is_open=is_open))
        return found

    def _is_needed(self, name: str) -> bool:
        if self.method is None:
            return False
        if name in ("name", "surname"):
            return self.method.needs_names
        return name == "dtag" and self.method.needs_tag

    def is_confirmed(self) -> bool:
        """Whether the tick is set, and for just this payment."""
        return self.value(SIMILAR) == self.likeness()

    def asks_similar(self) -> bool:
        """Whether the tick is shown: the service asked for it, or it is set."""
        return self.is_confirmed() or bool(self.is_bound and self.errors.get(SIMILAR))

    def own_likeness(self) -> str:
        """What a tick for an address of our own speaks of: just that which the service has named, and no other."""
        asked = self.errors.as_data().get(OURS, []) if self.is_bound else []
        return str(asked[0].code) if asked else self.value(OURS)

    def is_own_confirmed(self) -> bool:
        """Whether that tick is set; not if the service asks anew."""
        return bool(self.value(OURS)) and not (self.is_bound and self.errors.get(OURS))

    def asks_own(self) -> bool:
        """Whether that tick is shown: the service asked for it, or it is set."""
        return bool(self.own_likeness())

    def units(self) -> dict[str, str]:
        """The currency behind each amount, as far as it is chosen."""
        return {"amount": self.method.currency if self.method else "", "max_debit": self.value("currency")}

    def to_service(self) -> dict[str, Any]:
        """What was typed, under the provider's names, as services.withdrawals.request takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None, [])}
        given[SIMILAR] = self.is_confirmed()
        return spelled(given, self.method) if self.has_networks else given

    def in_boxes(self, error: ValidationError) -> ValidationError:
        """A refusal of the service, at the boxes that stand for its names."""
        return in_boxes(error) if self.has_networks else error


# --- Decisions ---
class ResolveForm(DecisionForm):
    """The same, with the outcome."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What became of it"),
        choices=[
            ("complete", gettext_lazy("Complete: the money has arrived")),
            ("failed", gettext_lazy("Failed: the money never left")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("outcome", "note")


class FreezeForm(forms.Form):
    """What to stop, and why."""

    account = forms.ModelChoiceField(
        label=gettext_lazy("What to stop"),
        queryset=ProviderAccount.objects.none(),
        empty_label=gettext_lazy("Everything: all accounts"),
        required=False,
    )
    reason = NoteField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Everybody reads this at the top of every page."),
        max_length=Freeze._meta.get_field("reason").max_length,
        rows=2,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = ProviderAccount.objects.order_by("name")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
