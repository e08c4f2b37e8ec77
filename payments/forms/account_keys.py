"""The boxes for an account's keys, built from what its provider declares; while the provider is still being chosen,
those of all providers. Holds no key: boxes of secrets are write-only.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import SecretField
from payments.providers import PROVIDERS
from payments.providers.base import Field

KEY = "key_"


def key_fields(provider: str | None) -> dict[str, forms.Field]:
    """One box per key, by the form's name for it. Without a provider each says whose key it is."""
    holders: dict[str, dict[str, Field]] = {}
    for name, client in PROVIDERS.items():
        if provider in (None, name):
            for field in client.credentials:
                holders.setdefault(field.name, {})[client.title] = field
    return {KEY + name: _box(held, is_chosen=provider is not None) for name, held in holders.items()}


def _box(held: dict[str, Field], *, is_chosen: bool) -> forms.Field:
    fields = list(held.values())
    label: Any = _(fields[0].label)
    helped: Any = _(fields[0].help)
    if not is_chosen and len(PROVIDERS) > 1:
        if len(held) < len(PROVIDERS):
            label = format_lazy("{} ({})", label, ", ".join(held))
        else:
            helped = ""  # each provider has its own way to one
    if not any(field.secret for field in fields):
        return forms.CharField(
            label=label,
            help_text=helped,
            required=False,
            max_length=fields[0].max_length,
            widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        )
    clearable = not all(field.required for field in fields)
    return SecretField(clearable=clearable, label=label, help_text=helped, required=False)


def is_always_needed(name: str) -> bool:
    """Whether each provider needs this key."""
    needed = ({field.name for field in client.credentials if field.required} for client in PROVIDERS.values())
    return all(name.removeprefix(KEY) in names for names in needed)
