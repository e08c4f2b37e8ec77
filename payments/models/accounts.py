"""Our accounts at providers, with their encrypted keys, switches and health. Written only by services.accounts
and services.calls (health)."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, MoneyField
from payments.providers import PROVIDERS, offers
from payments.providers.base import Balances, Callbacks, Withdrawals
from payments.providers.batches import BatchPayouts
from payments.providers.partner import Partner


def provider_choices() -> list[tuple[str, str]]:
    """The providers of the registry; a callable, so that a new one needs no migration."""
    return [(name, client.title) for name, client in PROVIDERS.items()]


class BitcoinNetwork(models.TextChoices):
    """Which network the addresses of an account belong to; they look alike in the provider's document."""

    MAIN = "mainnet", _("main network")
    TEST = "testnet", _("test network")


class ProviderAccount(models.Model):
    """One account of ours at one provider. `credentials` is a JSON object under the provider's own names."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.CharField(_("provider"), max_length=32, choices=provider_choices)
    name = models.CharField(_("name"), max_length=80, unique=True)
    base_url = models.URLField(_("base URL"), max_length=300)
    credentials = EncryptedTextField(_("credentials"), blank=True, default="")
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Off: the account is not called at all.")
    )
    money_in = models.BooleanField(
        _("money in"), default=True, help_text=_("Invoices may be created, and vouchers redeemed.")
    )
    money_out = models.BooleanField(
        _("money out"), default=False, help_text=_("Withdrawals and vouchers may be requested.")
    )
    rate_limit = models.DecimalField(
        _("calls per second"),
        max_digits=6,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.1")), MaxValueValidator(Decimal("500"))],
        help_text=_("Empty: the assumed limit of the provider."),
    )
    invoice_lifetime_days = models.PositiveSmallIntegerField(
        _("invoice lifetime (days)"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("An invoice without payment expires after this time. A later payment still counts."),
    )
    reserve_margin = models.DecimalField(
        _("reserve margin"),
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.02"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=_("Share of the estimated debit that is held back on top: 0.02 is 2 %."),
    )
    voucher_free_amount = MoneyField(
        _("vouchers without approval up to"),
        default=0,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("A request for vouchers up to this total needs no second person. 0: each needs one."),
    )
    voucher_free_currency = models.CharField(
        _("in this currency"),
        max_length=16,
        blank=True,
        help_text=_("Empty: the number above counts in every currency alike. Better name one."),
    )
    split_handover = models.BooleanField(
        _("hand over code and password apart"),
        default=False,
        help_text=_("Nobody sees both the code and the password of a voucher."),
    )
    rate_tolerance = models.DecimalField(
        _("rate tolerance"),
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.005"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=_(
            "A bid whose rate is worse than the quote by more than this share is held: 0.005 is 0.5 %."
        ),
    )
    batches_on = models.BooleanField(
        _("batch payouts"),
        default=False,
        help_text=_(
            "The provider is a mixer. Switching it on needs a note that says why; it stays in the audit trail."
        ),
    )
    bitcoin_network = models.CharField(
        _("Bitcoin network"), max_length=8, choices=BitcoinNetwork.choices, default=BitcoinNetwork.MAIN
    )
    batch_lifetime_hours = models.PositiveSmallIntegerField(
        _("a batch waits for its deposit (hours)"),
        default=72,
        validators=[MinValueValidator(2), MaxValueValidator(720)],
        help_text=_(
            "Assumed: the provider does not say. The deposit is paid in the first half of this time only."
        ),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    # How long its provider takes lately (ms). Put here by the pages that show it, from services.health.paces.
    pace: int | None = None

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("payments:provideraccount", kwargs={"pk": self.pk})

    @property
    def keys(self) -> dict[str, str]:
        """The decrypted credentials. Only services.accounts and services.calls may read this."""
        return json.loads(self.credentials) if self.credentials else {}

    @property
    def title(self) -> str:
        """The provider's name as people write it."""
        return PROVIDERS[self.provider].title

    @property
    def makes_batches(self) -> bool:
        """Whether the provider pays out in batches at all; whether it may is `batches_on`."""
        return offers(self.provider, BatchPayouts)

    @property
    def keeps_money(self) -> bool:
        """Whether money of ours lies there at all."""
        return any(offers(self.provider, way) for way in (Balances, Withdrawals, Partner))

    @property
    def takes_callbacks(self) -> bool:
        """Whether the provider sends callbacks, so that the account has an address for them."""
        return offers(self.provider, Callbacks)


class AccountHealth(models.Model):
    """What the last calls told of an account: the breaker's memory, shared by all processes and shown on pages."""

    class State(models.TextChoices):
        NEW = "new", _("Not asked yet")
        OK = "ok", _("Answers")
        FAILING = "failing", _("Failing")
        DOWN = "down", _("Down")
        DENIED = "denied", _("Keys refused")

    TONES = {"new": "muted", "ok": "ok", "failing": "warn", "down": "bad", "denied": "bad"}

    account = models.OneToOneField(ProviderAccount, models.CASCADE, related_name="health")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.NEW)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    since = models.DateTimeField(_("since"), auto_now_add=True)
    last_ok_at = models.DateTimeField(_("last good answer"), null=True, blank=True)
    last_error_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    last_error = models.CharField(_("what failed"), max_length=300, blank=True)
    probe_at = models.DateTimeField(_("next try"), null=True, blank=True)
    # What the provider last said about us (address it sees, user, locale ...), and where its answers contradict its document.
    facts = models.JSONField(_("what the provider says about us"), default=dict, blank=True)
    clock_skew_ms = models.IntegerField(_("clock difference (ms)"), null=True, blank=True)

    class Meta:
        verbose_name = _("account health")
        verbose_name_plural = _("account health")

    def __str__(self) -> str:
        return f"{self.account}: {self.get_state_display()}"


class Method(models.Model):
    """One payment system of an account under the provider's code, with what it needs. Edited by admins.

    `currency` is what amounts of this method are in; `internal_balance`: money lands on our balance there.
    `stated_at`: when the provider last listed it. It then writes limits, fees and what is open (not `enabled` and the
    tag, which stay an admin's); a fee is None where it was not stated.
    """

    account = models.ForeignKey(
        ProviderAccount, models.CASCADE, related_name="methods", verbose_name=_("account")
    )
    code = models.CharField(_("code"), max_length=64)
    title = models.CharField(_("title"), max_length=80)
    currency = models.CharField(_("currency"), max_length=16)
    for_invoice = models.BooleanField(_("invoices"), default=False)
    for_withdrawal = models.BooleanField(_("withdrawals"), default=False)
    internal_balance = models.BooleanField(_("our balance there"), default=False)
    needs_purse = models.BooleanField(_("needs a purse"), default=True)
    needs_tag = models.BooleanField(_("needs a tag or memo"), default=False)
    needs_names = models.BooleanField(_("needs name and surname"), default=False)
    is_card = models.BooleanField(_("purse is a card number"), default=False)
    min_amount = MoneyField(_("smallest amount"), null=True, blank=True)
    max_amount = MoneyField(_("largest amount"), null=True, blank=True)
    fee_fixed = MoneyField(
        _("fixed fee"),
        null=True,
        blank=True,
        help_text=_("Of a withdrawal. Both empty: the fee is not known."),
    )
    fee_rate = models.DecimalField(
        _("fee rate"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=_("Of a withdrawal's amount: 0.01 is 1 %."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    # --- What a provider with networks states about it ---
    network = models.CharField(_("network"), max_length=50, blank=True)
    is_fiat = models.BooleanField(_("ordinary money"), default=False)
    for_wallet = models.BooleanField(_("wallets"), default=False)
    tag_name = models.CharField(
        _("what the tag is called"),
        max_length=32,
        blank=True,
        help_text=_("The provider's own name: destination_tag, memo or payment_id."),
    )
    fee_currency = models.CharField(
        _("fee is in"), max_length=16, blank=True, help_text=_("Empty: in the method's own currency.")
    )
    min_deposit = MoneyField(_("smallest payment in"), null=True, blank=True)
    max_deposit = MoneyField(_("largest payment in"), null=True, blank=True)
    deposit_fee_fixed = MoneyField(_("fixed fee of a payment in"), null=True, blank=True)
    deposit_fee_rate = models.DecimalField(
        _("fee rate of a payment in"), max_digits=9, decimal_places=6, null=True, blank=True
    )
    stated_at = models.DateTimeField(_("listed by the provider"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ["account", "code"]
        constraints = [models.UniqueConstraint(fields=["account", "code"], name="method_code")]

    def __str__(self) -> str:
        return f"{self.code} · {self.title}"


class Currency(models.Model):
    """A currency's display digits. A code that is not listed is shown with up to 8 digits."""

    code = models.CharField(_("code"), max_length=16, unique=True)
    title = models.CharField(_("title"), max_length=64)
    digits = models.PositiveSmallIntegerField(_("digits"), default=8, validators=[MaxValueValidator(18)])
    is_fiat = models.BooleanField(_("state money"), default=False)

    class Meta:
        verbose_name = _("currency")
        verbose_name_plural = _("currencies")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code
