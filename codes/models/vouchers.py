"""Vouchers: codes that whoever holds them can redeem. Written only by the services of codes (one door per state change)."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, KeyedDigestField, MoneyField
from payments.models import Tracked


def spelled(code: str) -> str:
    """One spelling of a code, to compare by: nobody knows whether the provider minds capitals and dashes."""
    plain = code.replace("-", "").lower()
    if len(plain) == 16 and plain.isalnum():
        return "-".join(plain[start : start + 4] for start in range(0, 16, 4))
    return code.lower()


class Voucher(Tracked):
    """`issued`: made from our balance, owed until somebody redeems it. `received`: somebody's code that we redeem.

    Code and password are kept encrypted and never shown but by an audited reveal. `amount` is in `currency`; of a
    received one both are empty until the provider tells them. Vouchers that were requested together share `bulk`.
    """

    class Direction(models.TextChoices):
        ISSUED = "issued", _("Issued")
        RECEIVED = "received", _("Received")

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        CREATING = "creating", _("Creating")
        REDEEMING = "redeeming", _("Redeeming")
        UNKNOWN = "unknown", _("Unknown")
        ACTIVE = "active", _("Active")
        REDEEMED = "redeemed", _("Redeemed")
        DISABLED = "disabled", _("Disabled")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        CANCELED = "canceled", _("Canceled")

    TRANSITIONS = {
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED, Status.CANCELED},
        Status.APPROVED: {Status.CREATING, Status.AWAITING_APPROVAL, Status.CANCELED},
        Status.CREATING: {
            *(Status.ACTIVE, Status.REDEEMED, Status.DISABLED),
            *(Status.FAILED, Status.UNKNOWN, Status.APPROVED),
        },
        Status.REDEEMING: {Status.REDEEMED, Status.FAILED, Status.UNKNOWN, Status.CANCELED},
        Status.UNKNOWN: {Status.ACTIVE, Status.REDEEMED, Status.DISABLED, Status.FAILED},
        Status.ACTIVE: {Status.REDEEMED, Status.DISABLED},
        # A code that was switched off there can be switched on again: it is owed as before.
        Status.DISABLED: {Status.ACTIVE, Status.REDEEMED},
        Status.REDEEMED: set(),
        Status.FAILED: set(),
        Status.REJECTED: set(),
        Status.CANCELED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.CREATING: "info",
        Status.REDEEMING: "info",
        Status.UNKNOWN: "warn",
        Status.ACTIVE: "ok",
        Status.REDEEMED: "muted",
        Status.DISABLED: "bad",
        Status.FAILED: "bad",
        Status.REJECTED: "muted",
        Status.CANCELED: "muted",
    }
    # An issued one in these states may still be debited: its reservation stands.
    OPEN = (Status.APPROVED, Status.CREATING, Status.UNKNOWN)
    # In these states nothing has come of it, so that the same code may be typed again.
    NOTHING = (Status.FAILED, Status.REJECTED, Status.CANCELED)

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.AWAITING_APPROVAL
    )
    bulk = models.UUIDField(default=uuid4, editable=False)
    position = models.PositiveSmallIntegerField(_("number in the request"), default=1)
    currency = models.CharField(_("currency"), max_length=16, blank=True)
    amount = MoneyField(_("amount"), null=True, blank=True)
    # What the provider's list states, where it differs from what was asked for.
    stated = MoneyField(_("stated by the provider"), null=True, blank=True)
    code = EncryptedTextField(_("code"))
    code_digest = KeyedDigestField(of="code", purpose="voucher code", spelled=spelled)
    password = EncryptedTextField(_("password"))
    has_password = models.BooleanField(_("needs a password"), default=False)
    # Nobody has seen a password that was made here; one that was typed is known to who typed it.
    password_made = models.BooleanField(_("password made here"), default=False)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    payee = models.CharField(_("for whom"), max_length=120, blank=True)
    purpose = models.CharField(_("what for"), max_length=300, blank=True)
    # The digest of what was let through without a second person; empty where one approves.
    free_digest = models.CharField(max_length=64, blank=True)
    found = models.BooleanField(_("found in the provider's list"), default=False)
    refusal = models.CharField(max_length=32, blank=True)
    created_text = models.CharField(_("made, as the provider writes it"), max_length=100, blank=True)
    applied_text = models.CharField(_("redeemed, as the provider writes it"), max_length=100, blank=True)
    listed_at = models.DateTimeField(_("last seen in the provider's list"), null=True, blank=True)
    not_found_at = models.DateTimeField(_("not in the provider's list"), null=True, blank=True)
    # The evidence of a redemption in doubt: {currency: amount as text} right before it was sent, and since.
    balances_before = models.JSONField(default=dict)
    balances_before_at = models.DateTimeField(null=True, blank=True)
    balances_after = models.JSONField(default=dict)
    balances_after_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "awaiting_approval",
                        "approved",
                        "creating",
                        "redeeming",
                        "unknown",
                        "active",
                        "redeemed",
                        "disabled",
                        "failed",
                        "rejected",
                        "canceled",
                    ]
                ),
                name="voucher_status",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["issued", "received"]), name="voucher_direction"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__isnull=True) | models.Q(amount__gt=0), name="voucher_amount"
            ),
            # Who owes must know how much: only a received one learns its amount later.
            models.CheckConstraint(
                condition=models.Q(direction="received")
                | (models.Q(amount__isnull=False) & ~models.Q(currency="")),
                name="voucher_issued_amount",
            ),
            models.UniqueConstraint(
                fields=["account", "direction", "code_digest"],
                condition=~models.Q(code_digest="")
                & ~models.Q(status__in=["failed", "rejected", "canceled"]),
                name="voucher_code",
            ),
            models.UniqueConstraint(
                fields=["created_by", "form_token", "position"], name="voucher_form_token"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="voucher_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="voucher_status_created"),
            models.Index(fields=["account", "status", "-created_at", "-id"], name="voucher_account_status"),
            models.Index(fields=["bulk"], name="voucher_bulk"),
            models.Index(
                fields=["code_digest", "-created_at"],
                name="voucher_digest",
                condition=~models.Q(code_digest=""),
            ),
            models.Index(
                fields=["next_check_at"],
                name="voucher_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("codes:voucher", kwargs={"pk": self.pk})

    @property
    def is_issued(self) -> bool:
        """Whether we owe it; otherwise it was given to us."""
        return self.direction == self.Direction.ISSUED

    @property
    def worth(self) -> Decimal | None:
        """What it is worth in `currency`: as the provider states it, else as it was asked for."""
        return self.amount if self.stated is None else self.stated

    @property
    def is_in_hand(self) -> bool:
        """Whether a worker has it in hand now."""
        return self.claimed_until is not None and self.claimed_until > timezone.now()

    @property
    def has_code(self) -> bool:
        """Whether the code is known here. Does not decrypt it."""
        return bool(self.code_digest)
