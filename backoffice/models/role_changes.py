"""Who gave or took which role, to whom, when. Written only by backoffice.services.roles."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .audit import AppendOnly


class RoleChange(AppendOnly):
    """One role given or taken. `actor` is None for the system (demo, first start)."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="role_changes")
    role = models.CharField(_("role"), max_length=16)
    given = models.BooleanField(_("given"))
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("role change")
        verbose_name_plural = _("role changes")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.role} {'+' if self.given else '-'} {self.user_id}"
