"""Items that need a person. Written only by services.exceptions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .accounts import ProviderAccount
from .references import Reference


class ExceptionItem(models.Model):
    """One thing a person must look at. `key` is unique among open items: the same trouble is one item."""

    class Kind(models.TextChoices):
        HOLD = "hold", _("Held")
        UNKNOWN_WORD = "unknown_word", _("Unknown status word")
        UNKNOWN_REFERENCE = "unknown_reference", _("Unknown reference")
        FORGED_CALLBACK = "forged_callback", _("Forged callbacks")
        MISMATCH = "mismatch", _("Callback and provider differ")
        TAKEN_BACK = "taken_back", _("Final word taken back")
        OVER_DEBIT = "over_debit", _("Debited more than approved")
        LATE_PAYMENT = "late_payment", _("Paid after it was closed")
        OVERPAID = "overpaid", _("Overpaid")
        UNEXPLAINED_BALANCE = "unexplained_balance", _("Unexplained balance")
        DEAD_CALLBACK = "dead_callback", _("Callback could not be processed")
        VOUCHER_DISABLED = "voucher_disabled", _("Voucher disabled")
        VOUCHER_MISSING = "voucher_missing", _("Voucher not in the provider's list")
        AMBIGUOUS = "ambiguous", _("Ambiguous match")
        AML_FLAG = "aml_flag", _("Flagged by the provider's AML check")
        DEPOSIT_REJECTED = "deposit_rejected", _("Deposit rejected")
        EXPIRED_PAID = "expired_paid", _("Expired after our deposit")
        DEPOSIT_UNSEEN = "deposit_unseen", _("Our deposit is not seen there")
        BAD_ROW = "bad_row", _("Line that could not be read")
        DENIED = "denied", _("Keys refused")
        ACCOUNT_MOVED = "account_moved", _("Account moved")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    TONES = {Status.OPEN: "warn", Status.CLOSED: "muted"}

    kind = models.CharField(_("kind"), max_length=24, choices=Kind.choices)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    key = models.CharField(max_length=120)
    title = models.CharField(_("what"), max_length=300)
    reference = models.ForeignKey(
        Reference,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("reference"),
    )
    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    facts = models.JSONField(_("evidence"), default=dict)
    seen = models.PositiveIntegerField(_("times seen"), default=1)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    last_seen_at = models.DateTimeField(_("last seen"), auto_now_add=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    resolution = models.TextField(_("resolution"), blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(status="open"), name="exception_open_key"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["open", "closed"]), name="exception_status"
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="exception_opened"),
            models.Index(fields=["status", "-opened_at", "-id"], name="exception_status_opened"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("payments:exceptionitem", kwargs={"pk": self.pk})

    @property
    def is_of_hold(self) -> bool:
        """Whether it tells why a transaction is held; of an AML check only where money came in."""
        came_in = self.reference is not None and self.reference.kind == Reference.Kind.DEPOSIT
        return self.kind == self.Kind.HOLD or (self.kind == self.Kind.AML_FLAG and came_in)

    @property
    def is_held(self) -> bool:
        """Whether it ends by releasing its transaction, not by closing."""
        return self.is_of_hold and self.reference is not None and self.reference.held_at is not None
