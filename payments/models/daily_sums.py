"""Sums of movements per day and month, so that pages and reports need not read millions of rows. They can always be made anew.

Written only by services.daily_sums, and by the trigger that notes each new movement (migration 0005).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .accounts import ProviderAccount
from .movements import Movement


class Sums(models.Model):
    """What came, what went and how often, of one account, currency and kind.

    True only together with the movements that are not folded in yet: read it through services.daily_sums.
    """

    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(_("currency"), max_length=16)
    kind = models.CharField(_("kind"), max_length=16)
    on_balance = models.BooleanField(_("on balance"))
    count = models.BigIntegerField(_("movements"))
    # Wider than an amount: a million of the largest ones still fit.
    came = models.DecimalField(_("in"), max_digits=54, decimal_places=18)
    went = models.DecimalField(_("out"), max_digits=54, decimal_places=18)

    class Meta:
        abstract = True


class DailySum(Sums):
    """That of one day of the books' zone."""

    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("daily sum")
        verbose_name_plural = _("daily sums")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "kind", "on_balance", "day"], name="daily_sum_unique"
            )
        ]
        indexes = [models.Index(fields=["day"], name="daily_sum_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.account_id} {self.currency} {self.kind}"


class MonthlySum(Sums):
    """That of the days of one month (`month` is its first), so that years are not read day by day."""

    month = models.DateField(_("month"))

    class Meta:
        verbose_name = _("monthly sum")
        verbose_name_plural = _("monthly sums")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "kind", "on_balance", "month"], name="monthly_sum_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.account_id} {self.currency} {self.kind}"


class UnfoldedMovement(models.Model):
    """A movement that no daily sum holds yet. A trigger writes it in the movement's own transaction."""

    movement = models.OneToOneField(
        Movement, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="unfolded"
    )

    class Meta:
        verbose_name = _("movement to be folded")
        verbose_name_plural = _("movements to be folded")

    def __str__(self) -> str:
        return str(self.pk)


class BooksZone(models.Model):
    """The zone whose days the daily sums are of; one row. Not that of the settings: the sums are made anew."""

    zone = models.CharField(max_length=64)
    folded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("zone of the books")
        verbose_name_plural = _("zones of the books")

    def __str__(self) -> str:
        return self.zone
