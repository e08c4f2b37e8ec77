"""A person's own preferences: language, zone, theme."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from backoffice.forms import PreferenceForm
from backoffice.kit.views import StaffView
from backoffice.kit.views.forms import add_errors
from backoffice.models import Preference
from backoffice.navigation import THEME_COOKIE
from backoffice.services import preferences

YEAR = 365 * 24 * 3600


class PreferenceView(StaffView):
    permission = "backoffice.change_preference"
    template_name = "backoffice/preferences.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.render(form=PreferenceForm(instance=self._mine()))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = PreferenceForm(request.POST, instance=self._mine())
        if not form.is_valid():
            return self.render(form=form)
        chosen: dict[str, Any] = form.cleaned_data
        try:
            preferences.change(actor=request.user, **chosen)
        except ValidationError as error:
            add_errors(form, error)
            return self.render(form=form)
        with translation.override(chosen["language"] or translation.get_language()):
            messages.success(request, _("Your preferences are saved."))
        response = HttpResponseRedirect(reverse("preferences"))
        response.set_cookie(
            THEME_COOKIE,
            chosen["theme"] or "system",
            max_age=YEAR,
            samesite="Lax",
            secure=request.is_secure(),
        )
        return response

    def _mine(self) -> Preference:
        user: Any = self.request.user
        return getattr(user, "preference", None) or Preference(user=user)
