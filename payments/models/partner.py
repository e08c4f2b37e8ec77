"""The partner programme of an exchanger: our balance there, what it is made of, and its payouts.

Written only by services.partner and its neighbours (payouts: one door per state change).
"""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, MoneyField

from .accounts import ProviderAccount
from .references import Reference, Tracked


class PartnerProgram(models.Model):
    """What an account's exchanger last said about our part in its programme.

    `currency`: of the balance; the exchanger does not tell it there, so it is taken from a payout that is listed when
    the books are opened (`PARTNER` if there is none), and does not change any more. `links` and `payouts` are the newest
    lines as they were told.
    """

    UNTOLD = "PARTNER"

    account = models.OneToOneField(
        ProviderAccount, models.CASCADE, related_name="partner_program", verbose_name=_("account")
    )
    partner_id = models.CharField(_("partner number"), max_length=64, blank=True)
    balance = MoneyField(_("balance"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=16, blank=True)
    min_payout = MoneyField(_("smallest payout"), null=True, blank=True)
    methods = models.JSONField(_("ways to be paid out"), default=list)
    links = models.JSONField(_("links"), default=list)
    payouts = models.JSONField(_("payouts there"), default=list)
    # Rewards of exchanges seen before this are in the opening balance: they are not booked again.
    opened_at = models.DateTimeField(_("books opened"), null=True, blank=True)
    asked_at = models.DateTimeField(_("as of"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("partner programme")
        verbose_name_plural = _("partner programmes")

    def __str__(self) -> str:
        return str(self.account)

    def get_absolute_url(self) -> str:
        return reverse("payments:partnerprogram", kwargs={"pk": self.pk})

    @property
    def is_untold(self) -> bool:
        """Whether no answer has said yet what the balance is in."""
        return self.currency == self.UNTOLD


class PartnerExchange(models.Model):
    """A bid of somebody whom we brought. `reward` is booked once the exchanger says that it is accrued."""

    account = models.ForeignKey(
        ProviderAccount, models.CASCADE, related_name="partner_exchanges", verbose_name=_("account")
    )
    provider_id = models.CharField(_("provider's number"), max_length=64)
    provider_status = models.CharField(_("provider's word"), max_length=64)
    give_system = models.CharField(_("give"), max_length=200, blank=True)
    get_system = models.CharField(_("get"), max_length=200, blank=True)
    give_currency = models.CharField(max_length=16)
    get_currency = models.CharField(max_length=16)
    amount_give = MoneyField(_("given"))
    amount_get = MoneyField(_("received"))
    is_accrued = models.BooleanField(_("accrued"), null=True)
    reward = MoneyField(_("reward"), null=True, blank=True)
    is_booked = models.BooleanField(_("booked"), default=False)
    time_text = models.CharField(_("time, as stated"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("first seen"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("partner exchange")
        verbose_name_plural = _("partner exchanges")
        constraints = [models.UniqueConstraint(fields=["account", "provider_id"], name="partner_exchange_id")]
        indexes = [models.Index(fields=["-created_at", "-id"], name="partner_exchange_created")]

    def __str__(self) -> str:
        return self.provider_id


class PartnerPayout(Tracked):
    """A request to be paid out: always the whole balance, the exchanger takes no amount and no reference of ours.

    `expected` is the balance that was approved; it may have grown by no more than the account's reserve margin when
    it is sent (`max_debit`). `pay_amount` and `original_amount` are the exchanger's own words.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        SENDING = "sending", _("Sending")
        UNKNOWN = "unknown", _("Unknown")
        PENDING = "pending", _("Pending")
        COMPLETE = "complete", _("Complete")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        CANCELED = "canceled", _("Canceled")

    TRANSITIONS = {
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED, Status.CANCELED},
        Status.APPROVED: {Status.SENDING, Status.AWAITING_APPROVAL, Status.CANCELED},
        Status.SENDING: {
            *(Status.PENDING, Status.COMPLETE, Status.FAILED, Status.UNKNOWN, Status.APPROVED),
            Status.AWAITING_APPROVAL,
        },
        Status.UNKNOWN: {Status.PENDING, Status.COMPLETE, Status.FAILED},
        Status.PENDING: {Status.COMPLETE, Status.FAILED},
        Status.COMPLETE: set(),
        Status.FAILED: set(),
        Status.REJECTED: set(),
        Status.CANCELED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.SENDING: "info",
        Status.UNKNOWN: "warn",
        Status.PENDING: "info",
        Status.COMPLETE: "ok",
        Status.FAILED: "bad",
        Status.REJECTED: "muted",
        Status.CANCELED: "muted",
    }
    FINAL = frozenset({Status.COMPLETE, Status.FAILED, Status.REJECTED, Status.CANCELED})
    OPEN = (
        *(Status.AWAITING_APPROVAL, Status.APPROVED, Status.SENDING, Status.UNKNOWN),
        Status.PENDING,
    )

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # By the word of its kind: whoever has a reference finds the transaction by that.
    reference = models.OneToOneField(
        Reference, models.PROTECT, related_name="partner_payout", verbose_name=_("reference")
    )
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.AWAITING_APPROVAL
    )
    method_id = models.CharField(_("way"), max_length=64)
    method = models.CharField(_("paid out in"), max_length=200, blank=True)
    payee_account = EncryptedTextField(_("our account there"))
    shown = models.CharField(_("our account there"), max_length=300)
    is_card = models.BooleanField(_("card"), default=False)
    purpose = models.CharField(_("what for"), max_length=300, blank=True)
    currency = models.CharField(_("currency"), max_length=16)
    expected = MoneyField(_("balance when requested"))
    max_debit = MoneyField(_("the most that may be paid out"))
    pay_amount = MoneyField(_("paid out, as stated"), null=True, blank=True)
    pay_currency = models.CharField(_("in"), max_length=16, blank=True)
    original_amount = MoneyField(_("cost, as stated"), null=True, blank=True)
    original_currency = models.CharField(max_length=16, blank=True)
    complaint = models.CharField(_("what it said all the same"), max_length=300, blank=True)
    # The provider's payouts before this one was sent: what is not among them may be ours.
    known_before = models.JSONField(default=list)
    missed_at = models.DateTimeField(_("not in the list"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("partner payout")
        verbose_name_plural = _("partner payouts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "awaiting_approval",
                        "approved",
                        "sending",
                        "unknown",
                        "pending",
                        "complete",
                        "failed",
                        "rejected",
                        "canceled",
                    ]
                ),
                name="partner_payout_status",
            ),
            models.UniqueConstraint(fields=["created_by", "form_token"], name="partner_payout_form_token"),
            # It has neither amount nor reference: two at once could never be told apart.
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(
                    status__in=["awaiting_approval", "approved", "sending", "unknown", "pending"]
                ),
                name="partner_payout_one_open",
            ),
            models.UniqueConstraint(
                fields=["account", "provider_id"],
                condition=~models.Q(provider_id=""),
                name="partner_payout_provider_id",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="partner_payout_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="partner_payout_status_new"),
            models.Index(
                fields=["next_check_at"],
                name="partner_payout_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:partnerpayout", kwargs={"pk": self.pk})
