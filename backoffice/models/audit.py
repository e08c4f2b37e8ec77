"""The audit trail's row. Written only by backoffice.audit; the database refuses to change or delete it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnly(models.Model):
    """A row that is written once. A database trigger (see the migration) refuses the rest."""

    append_only: ClassVar[bool] = True

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise TypeError(f"{type(self).__name__} rows are written once.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} rows are never deleted.")


class AuditEntry(AppendOnly):
    """Who did what to which object, when and by which way. `reference` is our 18 digits, if there is one."""

    class Way(models.TextChoices):
        STAFF = "staff", _("Staff")
        REPLY = "reply", _("Provider's answer")
        POLL = "poll", _("Asked the provider")
        CALLBACK = "callback", _("Callback")
        CLOCK = "clock", _("Clock")
        SYSTEM = "system", _("System")

    at = models.DateTimeField(_("time"), auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    # The name as it was: a renamed user does not rename history.
    actor_name = models.CharField(_("name"), max_length=150, blank=True)
    verb = models.CharField(_("what"), max_length=64)
    way = models.CharField(_("way"), max_length=16, choices=Way.choices, default=Way.STAFF)
    object_type = models.CharField(_("kind"), max_length=64)
    object_id = models.CharField(max_length=64)
    object_text = models.CharField(_("object"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=18, blank=True)
    account_id = models.BigIntegerField(null=True, blank=True)
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["verb", "-at", "-id"], name="audit_verb"),
            models.Index(fields=["way", "-at", "-id"], name="audit_way"),
            models.Index(fields=["reference", "id"], name="audit_reference"),
            models.Index(fields=["object_type", "object_id", "id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_text}"
