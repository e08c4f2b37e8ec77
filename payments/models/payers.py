"""What stands between a bill and its payer: links that make a bill when they are opened, and payments that name no bill.

Written only by services.payer_links and services.invoice_payments.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, MoneyField

from .accounts import ProviderAccount
from .invoices import Invoice


class PayerLink(models.Model):
    """A public address that shows an amount and makes the bill, once, for the IP address of whoever opens it.

    Found by the SHA-256 of its token; `fields` are those of the bill without the payer's address.
    """

    uuid = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+", verbose_name=_("account"))
    token = EncryptedTextField()
    digest = models.CharField(max_length=64, unique=True)
    fields = models.JSONField(_("asked for"), default=dict)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=16)
    customer = models.CharField(_("customer reference"), max_length=120, blank=True)
    form_token = models.UUIDField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("opened"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    invoice = models.OneToOneField(
        Invoice, models.PROTECT, null=True, blank=True, related_name="payer_link", verbose_name=_("invoice")
    )

    class Meta:
        verbose_name = _("payer's link")
        verbose_name_plural = _("payers' links")
        constraints = [
            models.UniqueConstraint(fields=["created_by", "form_token"], name="payer_link_form_token")
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="payer_link_created")]

    def __str__(self) -> str:
        return f"{self.account}: {self.created_at:%Y-%m-%d %H:%M}"


class InvoicePayment(models.Model):
    """A payment of some bill, as the provider's history lists it: it does not say of which.

    `amount` is what we get, after the `fee`. `invoice` is None until it is certain, or a person has said so.
    """

    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+", verbose_name=_("account"))
    invoice = models.ForeignKey(
        Invoice, models.PROTECT, null=True, blank=True, related_name="payments", verbose_name=_("invoice")
    )
    matched_by = models.CharField(_("how it was matched"), max_length=16, blank=True)
    method = models.CharField(_("payment system"), max_length=64)
    currency = models.CharField(_("currency"), max_length=16)
    amount = MoneyField(_("amount"))
    fee = MoneyField(_("fee"), default=0)
    gross = MoneyField(_("paid"))
    txid = models.CharField(_("transaction"), max_length=200, blank=True)
    arrived_at = models.DateTimeField(_("seen by the provider"))
    ordinal = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(_("status"), max_length=16, blank=True)
    provider_status = models.CharField(_("provider's word"), max_length=64, blank=True)
    told = models.JSONField(_("said besides"), default=dict, blank=True)
    created_at = models.DateTimeField(_("first seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("payment of an invoice")
        verbose_name_plural = _("payments of invoices")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "txid", "method", "amount", "arrived_at", "ordinal"],
                name="invoice_payment_identity",
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "method", "gross"],
                name="invoice_payment_open",
                condition=models.Q(invoice__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.gross} {self.currency} {self.arrived_at:%Y-%m-%d %H:%M}"
