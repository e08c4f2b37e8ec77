"""What open money-out holds back of a balance. Written only by services.reservations."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField

from .balances import Balance
from .references import Reference


class Reservation(models.Model):
    """`amount` (in the balance's currency) is not available until `ended_at`: one open row per reference and balance.

    There are two where a fee is taken from another balance than the amount.
    """

    reference = models.ForeignKey(
        Reference, models.PROTECT, related_name="reservations", verbose_name=_("reference")
    )
    balance = models.ForeignKey(
        Balance, models.PROTECT, related_name="reservations", verbose_name=_("balance")
    )
    amount = MoneyField(_("reserved"))
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "balance"],
                condition=models.Q(ended_at__isnull=True),
                name="reservation_open",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="reservation_amount"),
        ]
        indexes = [
            models.Index(
                fields=["balance"], name="reservation_balance", condition=models.Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.balance.currency}"
