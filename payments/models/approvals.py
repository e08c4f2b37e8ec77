"""Approvals of money-out, bound to a digest of what will leave. Written only by services.approvals."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .references import Reference


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Approvals by what they are good for."""

    def standing(self, *steps: str) -> ApprovalQuerySet:
        """Proposals to do one of these steps that wait for a second person: open, and younger than 24 hours."""
        return self.filter(
            step__in=steps, used_at__isnull=True, voided_at__isnull=True, expires_at__gt=timezone.now()
        )


class Approval(models.Model):
    """One person's yes to exactly these bytes: account, base URL, payload and the most that may be debited.

    `step` says to what: sending, or a decision about an unknown outcome (its `outcome` and note).
    """

    class Step(models.TextChoices):
        SEND = "send", _("Send")
        RESEND = "resend", _("Send again")
        RESOLVE = "resolve", _("Resolve")
        COMPLETE = "complete", _("Complete")

    reference = models.ForeignKey(
        Reference, models.PROTECT, related_name="approvals", verbose_name=_("reference")
    )
    step = models.CharField(_("to what"), max_length=8, choices=Step.choices)
    digest = models.CharField(max_length=64)
    outcome = models.CharField(_("outcome"), max_length=16, blank=True)
    note = models.TextField(_("note"), blank=True)
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("approver")
    )
    created_at = models.DateTimeField(_("given"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    voided_at = models.DateTimeField(_("void since"), null=True, blank=True)
    void_reason = models.CharField(_("why it is void"), max_length=200, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "step"],
                condition=models.Q(used_at__isnull=True, voided_at__isnull=True),
                name="approval_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.step}"
