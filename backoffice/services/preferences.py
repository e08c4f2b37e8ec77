"""What a person chose for themselves: the only writer of the model."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from backoffice.models import Preference
from backoffice.permissions import guarded


@guarded("backoffice.change_preference")
def change(*, actor: Any, language: str, time_zone: str, theme: str) -> Preference:
    """Keep the actor's language, zone (IANA name, "" for the books' zone) and theme ("", "light", "dark").

    Raises ValidationError, by field, for what does not exist.
    """
    errors = {}
    if language and language not in dict(settings.LANGUAGES):
        errors["language"] = _("This language is not available.")
    if time_zone and time_zone not in zoneinfo.available_timezones():
        errors["time_zone"] = _("This time zone does not exist.")
    if theme not in dict(Preference._meta.get_field("theme").choices or ()):
        errors["theme"] = _("This theme does not exist.")
    if errors:
        raise ValidationError(errors)
    preference, _created = Preference.objects.update_or_create(
        user=actor, defaults={"language": language, "time_zone": time_zone, "theme": theme}
    )
    return preference
