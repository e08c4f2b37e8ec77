"""Forms of the office's own pages: notes, preferences, reports. They check syntax; rules are the services'."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.kit import periods
from backoffice.kit.filters import DayField
from backoffice.kit.forms import NoteField
from backoffice.models import Note, Preference


class NoteForm(forms.Form):
    """One remark on one transaction."""

    text = NoteField(
        label=_("Note"),
        max_length=Note._meta.get_field("text").max_length,
        rows=4,
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


class ReportForm(forms.Form):
    """The period of a report, last month unless said otherwise, and what else that report lets one choose.

    choices: as kit.office.Report has them. today: the day that it is in the books' zone.
    """

    period = forms.ChoiceField(
        label=_("Period"), choices=periods.CHOICES, widget=forms.Select(attrs={"class": "form-select"})
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)

    def __init__(
        self,
        data: Any,
        *,
        choices: Iterable[tuple[str, Any, Callable[[], list[tuple[str, str]]]]],
        today: dt.date,
    ) -> None:
        data = data.copy()
        if not data.get("period"):
            data["period"] = periods.OWN if data.get("since") or data.get("until") else periods.LAST_MONTH
        super().__init__(data)
        self.today, self.choices = today, tuple(choices)
        for name, label, made in self.choices:
            self.fields[name] = forms.ChoiceField(
                label=label,
                required=False,
                choices=[("", _("All")), *made()],
                widget=forms.Select(attrs={"class": "form-select"}),
            )
        for name in ("since", "until"):
            self.fields[name].widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("period") == periods.OWN:
            for name in ("since", "until"):
                if name not in self.errors and not cleaned.get(name):
                    self.add_error(name, _("Enter a day."))
            if not self.errors and cleaned["since"] > cleaned["until"]:
                raise ValidationError({"until": _("This day is before the first one.")})
        return cleaned

    def period_days(self) -> tuple[dt.date, dt.date]:
        """The first and the last day. Only of a valid form."""
        word = self.cleaned_data["period"]
        if word == periods.OWN:
            return self.cleaned_data["since"], self.cleaned_data["until"]
        return periods.days(word, self.today)

    def chosen(self) -> dict[str, str]:
        """What was chosen of the report's own choices, "" for all. Only of a valid form."""
        return {name: self.cleaned_data[name] for name, _label, _made in self.choices}
