"""Model fields: encrypted text with its write-only form field, keyed digests, masks, and exact amounts.

Imports nothing of ours and knows no model. The key ring is settings.FIELD_ENCRYPTION_KEYS: the first key
writes, all keys read; `manage.py reencrypt` brings everything under the first one.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django import forms
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _


class SecretUnreadable(Exception):
    """No key of the ring opens this secret, or it was moved here from another row or field."""


# --- The ring ---
@functools.lru_cache(maxsize=8)
def _fernets(keys: tuple[str, ...]) -> tuple[Fernet, ...]:
    return tuple(Fernet(key) for key in keys)


def _ring() -> tuple[Fernet, ...]:
    return _fernets(tuple(settings.FIELD_ENCRYPTION_KEYS))


def seal(value: str, place: str) -> str:
    """Encrypt under the first key, bound to `place`: only `unseal` with the same place opens it."""
    text = json.dumps({"for": place, "value": value}, ensure_ascii=False)
    return _ring()[0].encrypt(text.encode()).decode()


def unseal(sealed: str, place: str) -> str:
    """Decrypt with any key of the ring.

    Raises SecretUnreadable when no key opens it, it was changed, or it belongs to another place.
    """
    try:
        found = json.loads(MultiFernet(_ring()).decrypt(sealed.encode()))
    except InvalidToken:
        raise SecretUnreadable(f"No key of FIELD_ENCRYPTION_KEYS opens {place}.") from None
    if found["for"] != place:
        raise SecretUnreadable(f"The secret at {place} belongs to another place.")
    return found["value"]


def is_current(sealed: str) -> bool:
    """Whether the first key of the ring wrote it, so that the other keys are not needed for it."""
    try:
        _ring()[0].decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


# --- Digests and masks ---
@functools.lru_cache(maxsize=64)
def _digest_key(key: str, purpose: str) -> bytes:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"keyed digest: {purpose}".encode())
    return derived.derive(base64.urlsafe_b64decode(key))


def keyed_digests(value: str, purpose: str) -> list[str]:
    """The digest under every key of the ring, first key first: look up with `filter(digest__in=...)`.

    HMAC-SHA256 (hex); its key is derived from a ring key and `purpose`, so a copy of the database alone
    cannot be searched by trying all card numbers. Looking up under every key keeps lookups right while keys
    rotate: `manage.py reencrypt` writes KeyedDigestFields anew before an old key may be removed.
    """
    return [
        hmac.new(_digest_key(key, purpose), value.encode(), hashlib.sha256).hexdigest()
        for key in settings.FIELD_ENCRYPTION_KEYS
    ]


def keyed_digest(value: str, purpose: str) -> str:
    """The digest to store: that of the first key. See `keyed_digests` for looking up."""
    return keyed_digests(value, purpose)[0]


def mask_card(number: str) -> str:
    """A card number with its first 6 and last 4 digits. Below 12 digits only the last 4, below 8 none."""
    digits = "".join(character for character in number if character.isdecimal())
    if len(digits) >= 12:
        return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]
    return "*" * (len(digits) - 4) + digits[-4:] if len(digits) >= 8 else "*" * len(digits)


# --- The model fields ---
class Sealed(str):
    """An encrypted text as it stands in the database."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


class _OpensWhenRead(DeferredAttribute):
    """Keeps what the database holds and decrypts whenever the attribute is read: lists do not pay."""

    field: EncryptedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        kept = super().__get__(instance, cls)
        return unseal(kept, self.field.place(instance)) if isinstance(kept, Sealed) else kept

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """Text that is encrypted at rest and bound to its row: the model needs a `uuid` field with a default.

    Reading the attribute may raise SecretUnreadable. Only `isnull` and "is empty" can be asked of the
    database; `save()` and `bulk_create()` are the ways in, `update()` and `bulk_update()` refuse values.
    Never null. Fixtures (dumpdata) and forms get an empty text.
    """

    descriptor_class = _OpensWhenRead
    description = _("Encrypted text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        names = {field.name for field in self.model._meta.get_fields() if isinstance(field, models.UUIDField)}
        if "uuid" not in names:
            found.append(
                checks.Error(
                    f"{self.model.__name__} needs a UUIDField named uuid.", obj=self, id="backoffice.E020"
                )
            )
        if self.null or self.unique or getattr(self, "db_index", False):
            found.append(
                checks.Error(
                    "An encrypted text is never null, unique or indexed.", obj=self, id="backoffice.E021"
                )
            )
        return found

    def place(self, instance: models.Model) -> str:
        """What a value of this row is bound to. Stable while the model and the field keep their names."""
        return f"{self.model._meta.label_lower}:{uuid.UUID(str(instance.uuid))}:{self.name}"  # type: ignore[attr-defined]

    # Out of the database, into it
    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        kept = model_instance.__dict__.get(self.attname, "")
        if isinstance(kept, Sealed):
            return kept
        sealed = Sealed(seal(str(kept), self.place(model_instance))) if kept else ""
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def get_prep_value(self, value: Any) -> str:
        if value == "" or isinstance(value, Sealed):
            return str(value)
        raise FieldError(f"{self.name} is encrypted: it cannot be compared, and only save() writes it.")

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in ("isnull", "exact"):
            raise FieldError(f"{self.name} is encrypted: {lookup_name} cannot work.")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted: {lookup_name} cannot work.")

    # Out to forms and fixtures: nothing
    def value_from_object(self, obj: models.Model) -> Any:
        return ""

    def value_to_string(self, obj: models.Model) -> str:
        return ""

    def is_set(self, instance: models.Model) -> bool:
        """Whether the row has a secret here. Does not decrypt."""
        return bool(instance.__dict__.get(self.attname, ""))

    def renewed(self, instance: models.Model) -> Sealed | None:
        """The same secret under the first key, for update(); None if it is. May raise SecretUnreadable."""
        kept = instance.__dict__.get(self.attname, "")
        if not isinstance(kept, Sealed) or is_current(kept):
            return None
        place = self.place(instance)
        return Sealed(seal(unseal(kept, place), place))

    def formfield(self, **kwargs: Any) -> Any:
        # ModelForm and the admin both ask for a textarea here: a secret is never one.
        kwargs = {name: kwargs[name] for name in ("label", "help_text", "required") if name in kwargs}
        return SecretField(
            **{"label": self.verbose_name, "help_text": self.help_text, "required": False} | kwargs
        )

    def save_form_data(self, instance: models.Model, data: str | None) -> None:
        if data is not None:
            setattr(instance, self.name, data)


class KeyedDigestField(models.CharField):
    """The keyed digest of another attribute, kept by save(): `KeyedDigestField(of="number", purpose="card")`.

    Empty when that attribute is. Look up with `filter(<name>__in=keyed_digests(number, purpose))`. `spelled` brings
    values that mean the same into one form first, here and by whoever looks up.
    """

    def __init__(
        self, *args: Any, of: str, purpose: str, spelled: Callable[[str], str] = str, **kwargs: Any
    ) -> None:
        self.of, self.purpose, self.spelled = of, purpose, spelled
        options: dict[str, Any] = {"max_length": 64, "blank": True, "default": "", "editable": False}
        super().__init__(*args, **options | kwargs)

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        return name, path, arguments, options | {"of": self.of, "purpose": self.purpose}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        digest = self._digest(model_instance)
        setattr(model_instance, self.attname, digest)
        return digest

    def renewed(self, instance: models.Model) -> str | None:
        """The digest under the first key, for update(); None if it is that already."""
        digest = self._digest(instance)
        return None if digest == getattr(instance, self.attname) else digest

    def _digest(self, instance: models.Model) -> str:
        value = getattr(instance, self.of)
        return keyed_digest(self.spelled(value), self.purpose) if value else ""


# --- The form field ---
class SecretInput(forms.PasswordInput):
    """A password box that is always empty, with a "remove it" tick beside it."""

    template_name = "widgets/secret.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {"autocomplete": "new-password", "spellcheck": "false"} | (attrs or {}), render_value=False
        )
        self.clearable = True

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["clear_name"] = f"{name}-clear" if self.clearable and not self.is_required else ""
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        """The typed secret, "" to remove the stored one, None to keep it."""
        typed = data.get(name)
        if typed:
            return typed
        return "" if self.clearable and data.get(f"{name}-clear") else None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return self.value_from_datadict(data, files, name) is None

    def id_for_label(self, id_: str) -> str:
        return id_


class SecretField(forms.CharField):
    """Write-only. Cleans to the new secret, "" to remove the stored one, None (nothing typed) to keep it."""

    widget: Any = SecretInput

    def __init__(self, *, clearable: bool = True, **kwargs: Any) -> None:
        # Spaces around a pasted key are never part of it.
        super().__init__(**{"strip": True} | kwargs)
        self.widget.clearable = clearable

    def clean(self, value: Any) -> Any:
        if value is None and not self.required:
            return None
        return super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None


# --- Amounts ---
class MoneyFormField(forms.DecimalField):
    """A typed amount: digits and a point. No exponent, no spaces, no thousands separator."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        return value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value, re.ASCII):
            raise ValidationError(
                _("Enter a number such as 12.50: digits and a point, nothing else."), code="invalid"
            )
        return super().to_python(value)


class MoneyField(models.DecimalField):
    """An exact amount: 36 digits, 18 of them decimals. Always beside a currency code."""

    description = _("Amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 36, "decimal_places": 18} | kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        # The admin asks for a small text box here; ours has the right keyboard on phones.
        kwargs.pop("widget", None)
        return super().formfield(**{"form_class": MoneyFormField} | kwargs)
