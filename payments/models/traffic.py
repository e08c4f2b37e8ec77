"""What went over the wire: our calls (attempts) and the callback inbox, with the secrets taken out.

Calls are written only by services.calls, callbacks by views.callbacks (one INSERT) and services.callbacks.
"""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .accounts import ProviderAccount
from .references import Reference


class ProviderCall(models.Model):
    """One call to a provider. A row with an empty outcome began and its end was never seen: it may have left.

    A call that creates or moves is written before its socket opens; a read when it is done.
    """

    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="calls", verbose_name=_("account")
    )
    reference = models.ForeignKey(
        Reference, models.PROTECT, null=True, blank=True, related_name="calls", verbose_name=_("reference")
    )
    number = models.PositiveIntegerField(_("attempt"), default=1)
    operation = models.CharField(_("operation"), max_length=32)
    safe = models.BooleanField(_("only reads"), default=True)
    method = models.CharField(max_length=8)
    url = models.CharField(_("address"), max_length=300)
    request = models.TextField(_("request"), blank=True)
    request_digest = models.CharField(max_length=64)
    fence = models.PositiveBigIntegerField(default=0)
    deadline = models.DateTimeField(_("deadline"), null=True, blank=True)
    started_at = models.DateTimeField(_("began"))
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("took (ms)"), null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    response = models.TextField(_("answer"), blank=True)
    response_digest = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(_("outcome"), max_length=24, blank=True)
    error = models.CharField(_("problem"), max_length=300, blank=True)
    reason = models.CharField(max_length=16, blank=True)  # of a refusal: only "not_found" says that it looked
    request_id = models.CharField(max_length=64, blank=True)

    # The error classes of providers.errors as people read them; "" is a call whose end was never seen.
    OUTCOMES = {
        "ok": _("Answered"),
        "Refused": _("Refused"),
        "Denied": _("Keys refused"),
        "RateLimited": _("Too many calls"),
        "Unavailable": _("Not reached, nothing sent"),
        "OutcomeUnknown": _("Outcome unknown"),
        "Invalid": _("Our mistake, nothing sent"),
        "NotSupported": _("Not possible there"),
        "": _("No end seen"),
    }
    TONES = {
        "ok": "ok",
        "Refused": "muted",
        "Denied": "bad",
        "RateLimited": "warn",
        "Unavailable": "bad",
        "OutcomeUnknown": "warn",
        "Invalid": "bad",
        "NotSupported": "muted",
        "": "warn",
    }

    class Meta:
        verbose_name = _("provider call")
        verbose_name_plural = _("provider calls")
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="call_started"),
            models.Index(fields=["account", "-started_at", "-id"], name="call_account"),
            models.Index(fields=["reference", "operation"], name="call_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("payments:providercall", kwargs={"pk": self.pk})

    def get_outcome_display(self) -> str:
        return str(self.OUTCOMES.get(self.outcome, self.outcome))

    @property
    def says_not_found(self) -> bool:
        """Whether the provider looked and has no such transaction. Another refusal means that it did not look."""
        return self.outcome == "Refused" and self.reason == "not_found"

    @property
    def tone(self) -> str:
        return self.TONES.get(self.outcome, "bad")


class Callback(models.Model):
    """One callback as it came. The row is the hand-off: a worker looks every second.

    `digest` = SHA-256(token, body, signature), unique among rows nobody has claimed: a burst is one row.
    """

    class Status(models.TextChoices):
        NEW = "new", _("New")
        WORKING = "working", _("In work")
        WAITING = "waiting", _("Waiting for the provider")
        DONE = "done", _("Done")
        FORGED = "forged", _("Forged")
        STRAY = "stray", _("Not ours")
        DEAD = "dead", _("Could not be processed")

    TONES = {
        Status.NEW: "info",
        Status.WORKING: "info",
        Status.WAITING: "warn",
        Status.DONE: "ok",
        Status.FORGED: "bad",
        Status.STRAY: "warn",
        Status.DEAD: "bad",
    }

    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="callbacks", verbose_name=_("account")
    )
    reference = models.ForeignKey(
        Reference,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="callbacks",
        verbose_name=_("reference"),
    )
    # The object that a per-object token belongs to: what the body claims is then only a hint.
    token_reference = models.ForeignKey(Reference, models.PROTECT, null=True, blank=True, related_name="+")
    is_retired_token = models.BooleanField(_("came by a retired address"), default=False)
    content_type = models.CharField(max_length=80, blank=True)
    signature = models.CharField(max_length=256, blank=True)
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.NEW)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    result = models.CharField(_("result"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"))
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callback inbox")
        constraints = [
            models.UniqueConstraint(
                fields=["digest"], condition=models.Q(status="new"), name="callback_new_digest"
            )
        ]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="callback_received"),
            models.Index(
                fields=["next_try_at"],
                name="callback_due",
                condition=models.Q(status__in=["new", "working", "waiting"]),
            ),
            models.Index(fields=["account", "status", "-received_at"], name="callback_account_status"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("payments:callback", kwargs={"pk": self.pk})
