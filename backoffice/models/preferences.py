"""What a person chose for themselves: language, zone, theme, and views of lists.

Written only by backoffice.services.preferences and backoffice.services.saved_views.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Preference(models.Model):
    """One row per user. An empty zone means the books' zone (settings.TIME_ZONE)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference")
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    theme = models.CharField(
        _("theme"),
        max_length=6,
        blank=True,
        choices=[("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))],
    )

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.user_id)


class SavedView(models.Model):
    """Filters, order and columns of one list under a name, for one person.

    `list_name` is the list's route; `query` a query string without cursors and without anything secret.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    list_name = models.CharField(_("list"), max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(max_length=2000, blank=True)
    is_default = models.BooleanField(_("opens the list"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "list_name", "name"], name="saved_view_name"),
            models.UniqueConstraint(
                fields=["user", "list_name"], condition=models.Q(is_default=True), name="saved_view_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name
