"""The book of our own receiving addresses. Written only by services.destinations."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, KeyedDigestField


class OwnDestination(models.Model):
    """An address, purse or card of ours under a payment system's code.

    Cards are kept encrypted and shown masked (`shown`); everything is looked up by keyed digest.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        RETIRED = "retired", _("Retired")

    TRANSITIONS = {
        Status.PROPOSED: {Status.APPROVED, Status.REJECTED},
        Status.APPROVED: {Status.RETIRED},
        Status.REJECTED: set(),
        Status.RETIRED: set(),
    }
    TONES = {
        Status.PROPOSED: "warn",
        Status.APPROVED: "ok",
        Status.REJECTED: "muted",
        Status.RETIRED: "muted",
    }

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    method = models.CharField(_("payment system"), max_length=32)
    label = models.CharField(_("label"), max_length=80)
    address = EncryptedTextField(_("address"))
    shown = models.CharField(_("address"), max_length=200)
    digest = KeyedDigestField(of="address", purpose="own destination")
    tag = models.CharField(_("tag or memo"), max_length=64, blank=True)
    is_card = models.BooleanField(_("card"), default=False)
    checked = models.CharField(_("address check"), max_length=120, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    form_token = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("proposed"), auto_now_add=True)

    class Meta:
        verbose_name = _("own destination")
        verbose_name_plural = _("own destinations")
        constraints = [
            models.UniqueConstraint(
                fields=["method", "digest", "tag"],
                condition=models.Q(status__in=["proposed", "approved"]),
                name="own_destination_live",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["proposed", "approved", "rejected", "retired"]),
                name="own_destination_status",
            ),
            models.UniqueConstraint(fields=["proposed_by", "form_token"], name="own_destination_form_token"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="own_destination_created")]

    def __str__(self) -> str:
        return f"{self.label} ({self.shown})"

    def get_absolute_url(self) -> str:
        return reverse("payments:owndestination", kwargs={"pk": self.pk})
