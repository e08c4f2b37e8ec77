"""Forms of the office's own pages: notes, preferences. They check syntax; rules are the services'."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.models import Note, Preference


class NoteForm(forms.Form):
    """One remark on one transaction."""

    text = forms.CharField(
        label=_("Note"),
        max_length=Note._meta.get_field("text").max_length,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


# The regions of the IANA list. Its other names are old, wrong way round (Etc/GMT+3 is west), or no place.
REGIONS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()  # noqa: SIM905
)


def _zones(chosen: str) -> list[str]:
    """The zones that a person may pick: places, UTC, and what they have already."""
    places = (zone for zone in zoneinfo.available_timezones() if zone.partition("/")[0] in REGIONS)
    return sorted({*places, "UTC", chosen} - {""})


class PreferenceForm(forms.ModelForm):
    """Language, zone and theme of the person who is logged in."""

    class Meta:
        model = Preference
        fields = ("language", "time_zone", "theme")
        widgets = {"theme": forms.RadioSelect}
        help_texts = {
            "time_zone": _("Times on every page and in every file are shown in this zone."),
            "theme": _("For this browser at once, and for every browser that has chosen nothing else."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = [("", _("As the browser asks for")), *settings.LANGUAGES]
        books = _("The zone of the books: %(zone)s") % {"zone": settings.TIME_ZONE}
        zones = [
            ("", books),
            *((zone, zone.replace("_", " ")) for zone in _zones(self.instance.time_zone)),
        ]
        self.fields["language"] = forms.ChoiceField(label=_("Language"), choices=languages, required=False)
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"),
            choices=zones,
            required=False,
            help_text=self.fields["time_zone"].help_text,
        )
