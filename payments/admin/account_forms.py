"""The forms of an account in the administration: its address, switches and keys; the opening of a balance.

Keys are write-only: a stored one is never sent to the browser, nor is a typed one sent back.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import SecretField
from backoffice.kit.forms import AmountField, NoteField
from backoffice.kit.service_admin import ServiceForm
from payments.forms.account_keys import KEY, is_always_needed
from payments.models import ProviderAccount
from payments.providers import PROVIDERS
from payments.services import accounts


class AccountForm(ServiceForm):
    """Address, switches, and one box per credential of the provider, write-only for a secret."""

    base_url = forms.CharField(
        label=_("Base URL"),
        max_length=300,
        widget=forms.URLInput(attrs={"class": "vURLField", "size": 60, "placeholder": "https://"}),
    )

    class Meta:
        model = ProviderAccount
        fields = ("provider", "name", "base_url", "batches_on", *accounts.OPTIONS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = accounts.stored_keys(self.instance) if self.instance.pk else frozenset()
        self.plain = accounts.stored_plain(self.instance) if self.instance.pk else {}
        here = [PROVIDERS[self.instance.provider]] if self.instance.pk else list(PROVIDERS.values())
        self.fields["base_url"].help_text = ", ".join(
            f"{client.title}: {client.live_base_url}" for client in here if client.live_base_url
        )
        if self.instance.pk and self.instance.makes_batches:
            self.fields["money_out"].help_text = _("Batch payouts may be requested.")
        if "provider" in self.fields and len(PROVIDERS) == 1:
            self.initial.setdefault("provider", next(iter(PROVIDERS)))
        for name, field in self.fields.items():
            if name.startswith(KEY) and not isinstance(field, SecretField):
                self.initial[name] = self.plain.get(name.removeprefix(KEY), "")
            elif name.startswith(KEY) and name.removeprefix(KEY) in stored:
                field.help_text = _("A value is stored. Leave this empty to keep it.")
            elif name.startswith(KEY):
                field.widget.clearable = False
                # While the provider is being chosen, only what every one of them needs.
                field.required = field.widget.is_required = not self.instance.pk and is_always_needed(name)

    def field_for(self, name: str) -> str | None:
        return super().field_for(name) or super().field_for(KEY + name)

    def clean(self) -> dict[str, Any]:
        """The service's own checks, so that all errors are seen at once."""
        cleaned = super().clean()
        provider = cleaned.get("provider") or self.instance.provider
        if provider and "base_url" in cleaned:
            try:
                accounts.check(
                    provider=provider, base_url=cleaned["base_url"], credentials=self.credentials(cleaned)
                )
            except ValidationError as error:
                self.take_over(error)
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            return
        for name in list(self.cleaned_data):
            if isinstance(self.fields[name], SecretField) and self.cleaned_data[name]:
                self.add_error(name, _("Enter this once more: a key is never sent back to the page."))

    def _stands(self, name: str) -> str | None:
        """What a box that is no secret was drawn with: the same again was not typed."""
        if isinstance(self.fields[name], SecretField):
            return None
        return self.plain.get(name.removeprefix(KEY), "")

    def credentials(self, cleaned: dict[str, Any]) -> dict[str, str] | None:
        """All keys after this form, or None if none was typed or removed."""
        typed = {
            name.removeprefix(KEY): value
            for name, value in cleaned.items()
            if name.startswith(KEY) and value not in (None, self._stands(name))
        }
        if typed:  # with a new key goes what stands beside it, also to another server
            typed |= {
                name: cleaned[KEY + name]
                for name, value in self.plain.items()
                if cleaned.get(KEY + name) == value
            }
        if not self.instance.pk:
            return typed
        return (
            accounts.completed(account=self.instance, typed=typed, base_url=cleaned["base_url"])
            if typed
            else None
        )


class OpeningForm(forms.Form):
    """What the provider's own page shows of one currency, and where it was read."""

    currency = forms.ChoiceField(label=_("Currency"))
    amount = AmountField(label=_("Balance there now"))
    note = NoteField(
        label=_("Note"), help_text=_("Where you read it. It stays in the audit trail."), max_length=300
    )

    def __init__(self, *args: Any, account: ProviderAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = account.methods.order_by("currency").values_list("currency", flat=True).distinct()
        self.fields["currency"].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]
