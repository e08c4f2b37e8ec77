"""Exchange bids, their status history, and what people have the exchanger do with them. Written only by services.bids
and its neighbours (one door per state change)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, MoneyField

from .accounts import ProviderAccount
from .destinations import OwnDestination
from .directions import Direction
from .references import Tracked


class Bid(Tracked):
    """`expected_*` is what was quoted, `amount_*` what the exchanger made of it: kept side by side, never mixed.

    `quote` and `answer` hold the exchanger's numbers as exact texts. `typed` are the parameters as they were typed
    (JSON, encrypted: accounts may be cards), `fields` the same for people, masked. `handle` is the exchanger's hash:
    whoever has it can cancel or complete the bid, so it stands in no list, log or page; the `*_url` repeat it.
    """

    class Status(models.TextChoices):
        CREATING = "creating", _("Creating")
        UNKNOWN = "unknown", _("Unknown")
        NEW = "new", _("Waits for payment")
        PAID = "paid", _("Paid, as claimed")
        PROCESSING = "processing", _("Processing")
        COMPLETE = "complete", _("Complete")
        CANCELED = "canceled", _("Canceled")
        FAILED = "failed", _("Failed")
        REFUNDED = "refunded", _("Refunded")

    #: What we owe a payment for: made here, not held.
    TO_PAY = models.Q(status="new", is_imported=False, reference__held_at__isnull=True)

    # The exchanger leads: between new, paid and processing it goes where it likes. Failed and refunded are only people's.
    TRANSITIONS = {
        Status.CREATING: {
            *(Status.NEW, Status.PAID, Status.PROCESSING, Status.COMPLETE, Status.CANCELED),
            Status.UNKNOWN,
        },
        Status.UNKNOWN: {
            *(Status.NEW, Status.PAID, Status.PROCESSING, Status.COMPLETE, Status.CANCELED),
            *(Status.FAILED, Status.REFUNDED),
        },
        Status.NEW: {
            *(Status.PAID, Status.PROCESSING, Status.COMPLETE, Status.CANCELED),
            *(Status.FAILED, Status.REFUNDED),
        },
        Status.PAID: {
            *(Status.NEW, Status.PROCESSING, Status.COMPLETE, Status.CANCELED),
            *(Status.FAILED, Status.REFUNDED),
        },
        Status.PROCESSING: {
            *(Status.NEW, Status.PAID, Status.COMPLETE, Status.CANCELED),
            *(Status.FAILED, Status.REFUNDED),
        },
        Status.COMPLETE: set(),
        Status.CANCELED: set(),
        Status.FAILED: set(),
        Status.REFUNDED: set(),
    }
    TONES = {
        Status.CREATING: "info",
        Status.UNKNOWN: "warn",
        Status.NEW: "info",
        Status.PAID: "info",
        Status.PROCESSING: "info",
        Status.COMPLETE: "ok",
        Status.CANCELED: "muted",
        Status.FAILED: "bad",
        Status.REFUNDED: "muted",
    }
    FINAL = frozenset({Status.COMPLETE, Status.CANCELED, Status.FAILED, Status.REFUNDED})
    #: States in which the exchanger has it and has not ended it.
    LIVE = frozenset({Status.NEW, Status.PAID, Status.PROCESSING})

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.CREATING)
    direction = models.ForeignKey(
        Direction, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("direction")
    )
    direction_number = models.CharField(_("direction's number"), max_length=64, blank=True)
    give_system = models.CharField(_("give"), max_length=200, blank=True)
    get_system = models.CharField(_("get"), max_length=200, blank=True)
    give_currency = models.CharField(_("we give: currency"), max_length=16)
    get_currency = models.CharField(_("we receive: currency"), max_length=16)
    expected_give = MoneyField(_("to give, as quoted"), null=True, blank=True)
    expected_get = MoneyField(_("to receive, as quoted"), null=True, blank=True)
    amount_give = MoneyField(_("to give, as stated"), null=True, blank=True)
    amount_get = MoneyField(_("to receive, as stated"), null=True, blank=True)
    quote = models.JSONField(_("quote"), default=dict)
    answer = models.JSONField(_("answer"), default=dict)
    typed = EncryptedTextField(_("asked for"))
    fields = models.JSONField(_("asked for, as shown"), default=list)
    form = models.JSONField(_("form"), default=list)
    destination = models.ForeignKey(
        OwnDestination,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("own destination"),
    )
    customer = models.CharField(_("customer reference"), max_length=120, blank=True)
    purpose = models.CharField(_("what for"), max_length=300, blank=True)
    # What a refusal said, by field: the form is shown again with it.
    errors = models.JSONField(_("what was refused"), default=dict)
    handle = EncryptedTextField(_("exchanger's handle"))
    page_url = EncryptedTextField(_("page of the bid"))
    pay_url = EncryptedTextField(_("page to pay it"))
    cancel_url = EncryptedTextField(_("page to cancel it"))
    actions = models.JSONField(_("what may be done there"), default=dict)
    instruction = EncryptedTextField(_("instruction"))
    pay_amount = MoneyField(_("amount to pay"), null=True, blank=True)
    pay_amount_text = models.CharField(_("amount to pay, as stated"), max_length=200, blank=True)
    pay_address = EncryptedTextField(_("address to pay to"))
    pay_tag = models.CharField(_("tag or memo"), max_length=200, blank=True)
    is_imported = models.BooleanField(_("made elsewhere"), default=False)
    provider_time = models.CharField(_("made, as stated"), max_length=200, blank=True)
    # When a whole scan of the exchanger's list last ended without finding it.
    missed_at = models.DateTimeField(_("not in the list"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("bid")
        verbose_name_plural = _("bids")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "creating",
                        "unknown",
                        "new",
                        "paid",
                        "processing",
                        "complete",
                        "canceled",
                        "failed",
                        "refunded",
                    ]
                ),
                name="bid_status",
            ),
            models.UniqueConstraint(fields=["created_by", "form_token"], name="bid_form_token"),
            models.UniqueConstraint(
                fields=["account", "provider_id"],
                condition=~models.Q(provider_id=""),
                name="bid_provider_id",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="bid_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="bid_status_created"),
            models.Index(fields=["account", "status", "-created_at", "-id"], name="bid_account_status"),
            models.Index(
                fields=["next_check_at"],
                name="bid_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:bid", kwargs={"pk": self.pk})

    @property
    def give(self) -> object:
        """What we give: as the exchanger states it, before that as quoted."""
        return self.expected_give if self.amount_give is None else self.amount_give

    @property
    def get(self) -> object:
        return self.expected_get if self.amount_get is None else self.amount_get


class BidStatus(models.Model):
    """One line of a bid's history: as the exchanger told it, or (`is_told` false) as we saw it change.

    Texts of time are the exchanger's own, in a zone that it does not tell: shown, never ordered by.
    """

    bid = models.ForeignKey(Bid, models.CASCADE, related_name="history")
    provider_status = models.CharField(_("provider's word"), max_length=64)
    status = models.CharField(_("our word"), max_length=16, blank=True)
    time_text = models.CharField(_("time, as stated"), max_length=200, blank=True)
    date_text = models.CharField(_("date, as stated"), max_length=200, blank=True)
    is_told = models.BooleanField(default=False)
    seen_at = models.DateTimeField(_("seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("status of a bid")
        verbose_name_plural = _("statuses of bids")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["bid", "provider_status", "time_text", "date_text"],
                condition=models.Q(is_told=True),
                name="bidstatus_told",
            )
        ]

    def __str__(self) -> str:
        return self.provider_status

    def get_status_display(self) -> str:
        return str(Bid.Status(self.status).label) if self.status else ""


class BidAct(models.Model):
    """What a person had the exchanger do with a bid: cancel it, be told that we have paid, or declare it complete.

    Sent by a worker, once. `awaiting`: a second person must confirm (only `complete`). `dropped`: it was not sent and
    will not be. Fences of one bid's acts never meet, so that an attempt belongs to one of them.
    """

    class Act(models.TextChoices):
        CANCEL = "cancel", _("Cancel")
        PAY = "pay", _("We have paid")
        COMPLETE = "complete", _("Complete")

    class Status(models.TextChoices):
        AWAITING = "awaiting", _("Waits for a second person")
        ASKED = "asked", _("To be sent")
        SENDING = "sending", _("Sending")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")
        UNKNOWN = "unknown", _("Unknown")
        DROPPED = "dropped", _("Not sent")

    TRANSITIONS = {
        Status.AWAITING: {Status.ASKED, Status.DROPPED},
        Status.ASKED: {Status.SENDING, Status.DROPPED, Status.AWAITING},
        Status.SENDING: {Status.DONE, Status.REFUSED, Status.UNKNOWN, Status.ASKED},
        Status.UNKNOWN: {Status.DONE},
        Status.DONE: set(),
        Status.REFUSED: set(),
        Status.DROPPED: set(),
    }
    TONES = {
        Status.AWAITING: "warn",
        Status.ASKED: "info",
        Status.SENDING: "info",
        Status.DONE: "ok",
        Status.REFUSED: "bad",
        Status.UNKNOWN: "warn",
        Status.DROPPED: "muted",
    }
    OPEN = ("awaiting", "asked", "sending")

    bid = models.ForeignKey(Bid, models.PROTECT, related_name="acts", verbose_name=_("bid"))
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+")
    act = models.CharField(_("what"), max_length=8, choices=Act.choices)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.ASKED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("confirmed by"),
    )
    note = models.CharField(_("note"), max_length=2000, blank=True)
    provider_status = models.CharField(_("provider's word"), max_length=64, blank=True)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    check_failures = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("act on a bid")
        verbose_name_plural = _("acts on bids")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["bid"],
                condition=models.Q(status__in=["awaiting", "asked", "sending"]),
                name="bidact_open",
            ),
            # Declaring a bid complete is never repeated, except where nothing can have come of it.
            models.UniqueConstraint(
                fields=["bid"],
                condition=models.Q(
                    act="complete", status__in=["awaiting", "asked", "sending", "done", "unknown"]
                ),
                name="bidact_complete_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"],
                name="bidact_due",
                condition=models.Q(status__in=["asked", "sending"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.bid}: {self.get_act_display()}"


class BidImport(models.Model):
    """How far the bids that were made elsewhere have been read, per account. Oldest first, in windows.

    `cursor`: everything up to here has been read. The worker goes on from there, also after it was killed.
    """

    account = models.OneToOneField(ProviderAccount, models.CASCADE, related_name="bid_import")
    since = models.DateTimeField(_("read from"))
    cursor = models.DateTimeField(_("read up to"))
    is_on = models.BooleanField(_("goes on"), default=True)
    seen = models.PositiveIntegerField(_("lines read"), default=0)
    added = models.PositiveIntegerField(_("bids added"), default=0)
    bad = models.PositiveIntegerField(_("lines set aside"), default=0)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)
    read_at = models.DateTimeField(_("last read"), null=True, blank=True)
    next_check_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("import of bids")
        verbose_name_plural = _("imports of bids")

    def __str__(self) -> str:
        return str(self.account)
