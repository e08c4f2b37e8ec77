"""Admin pages that save through services: what a service refuses is shown at its field, as a form does.

Holds no model and no service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from . import money
from .admin import OfficeAdmin
from .fields import SecretUnreadable

UNREADABLE = _("The stored keys cannot be read: another key ring wrote them. Enter them again.")


class ServiceForm(forms.ModelForm):
    """A form whose service may refuse what passed the form: it is then shown again with `refused`."""

    refused: ValidationError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():  # 0.0200 was never typed
            if isinstance(value, Decimal):
                self.initial[name] = Decimal(money.plain(value))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.refused is not None:
            self.take_over(self.refused)
        return cleaned

    def field_for(self, name: str) -> str | None:
        """The form's field of a service's name, or None: then the sentence stands above the form."""
        return name if name in self.fields else None

    def take_over(self, refusal: ValidationError) -> None:
        """Put each sentence of a refusal to its field, unless something is wrong with that already."""
        if not hasattr(refusal, "error_dict"):
            self.add_error(None, refusal)
            return
        for name, problems in refusal.error_dict.items():
            field = self.field_for(name)
            if field is None or not self.has_error(field):
                self.add_error(field, problems)


class ServiceAdmin(OfficeAdmin):
    """Saves through services and shows their refusals as errors of the form: nothing typed is lost."""

    form = ServiceForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"refused": getattr(request, "refused", None)})

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            with _in_words():
                return self.save_and_show(request, *args, **kwargs)
        except ValidationError as error:
            request.refused = error  # type: ignore[attr-defined]
            return self.save_and_show(request, *args, **kwargs)

    def save_and_show(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What Django does, in its transaction."""
        return super().changeform_view(request, *args, **kwargs)


@contextmanager
def _in_words() -> Iterator[None]:
    """What else a save can stumble over, as a refusal."""
    try:
        yield
    except IntegrityError as error:
        raise ValidationError(_("Somebody saved the same in this moment. Look at the list.")) from error
    except SecretUnreadable as error:
        raise ValidationError(UNREADABLE) from error
