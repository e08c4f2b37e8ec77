"""What exchangers exchange, as they last said it. Written only by services.directions."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField

from .accounts import ProviderAccount


class Direction(models.Model):
    """One pair of one account. Its list names titles only; codes, rate, limits and form come when it is asked alone.

    `give_key`, `get_key` are what pairs are compared by over all accounts: the currency's code, or its title while no
    code is known. `rate` is how much one unit given buys, rounded for comparing; `said` holds the exchanger's own
    numbers and words, exactly. `listed_at`: the list named it; `seen_at`: it told its rate.
    """

    account = models.ForeignKey(
        ProviderAccount, models.CASCADE, related_name="directions", verbose_name=_("account")
    )
    provider_id = models.CharField(_("provider's number"), max_length=64)
    give_id = models.CharField(max_length=64)
    give_title = models.CharField(_("give"), max_length=200)
    give_code = models.CharField(_("give: currency"), max_length=16, blank=True)
    give_key = models.CharField(_("we give"), max_length=200)
    get_id = models.CharField(max_length=64)
    get_title = models.CharField(_("get"), max_length=200)
    get_code = models.CharField(_("get: currency"), max_length=16, blank=True)
    get_key = models.CharField(_("we receive"), max_length=200)
    rate = MoneyField(_("rate"), default=0)
    reserve = MoneyField(_("reserve"), null=True, blank=True)
    min_give = MoneyField(_("least to give"), null=True, blank=True)
    max_give = MoneyField(_("most to give"), null=True, blank=True)
    min_get = MoneyField(_("least to receive"), null=True, blank=True)
    max_get = MoneyField(_("most to receive"), null=True, blank=True)
    said = models.JSONField(_("as stated"), default=dict)
    # The exchanger's own fields, as payments.providers.base.Field: by part (give, get, direction).
    form = models.JSONField(_("form"), default=dict)
    url = models.URLField(_("page"), max_length=2000, blank=True)
    is_offered = models.BooleanField(_("offered"), default=True)
    listed_at = models.DateTimeField(_("listed"))
    seen_at = models.DateTimeField(_("rate seen"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("direction")
        verbose_name_plural = _("directions")
        constraints = [
            models.UniqueConstraint(fields=["account", "provider_id"], name="direction_provider_id")
        ]
        indexes = [
            models.Index(fields=["give_key", "get_key", "-rate", "id"], name="direction_pair"),
            models.Index(fields=["get_key", "give_key", "-rate", "id"], name="direction_get"),
            models.Index(fields=["account", "is_offered", "tried_at"], name="direction_due"),
        ]

    def __str__(self) -> str:
        return f"{self.give_title} → {self.get_title}"

    def get_absolute_url(self) -> str:
        return reverse("payments:direction", kwargs={"pk": self.pk})

    @property
    def is_known(self) -> bool:
        """Whether its rate and its form are known, so that something can be calculated and asked for."""
        return self.seen_at is not None and self.is_offered

    def is_older_than(self, age: dt.timedelta) -> bool:
        return self.seen_at is None or timezone.now() - self.seen_at > age


class DirectionList(models.Model):
    """When an account's list of directions was last read, and what went wrong if it was not."""

    account = models.OneToOneField(ProviderAccount, models.CASCADE, related_name="direction_list")
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("list of directions")
        verbose_name_plural = _("lists of directions")

    def __str__(self) -> str:
        return str(self.account)
