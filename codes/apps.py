"""The codes app. Holds no rule; its parts register themselves in office.py."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CodesConfig(AppConfig):
    name = "codes"
    verbose_name = _("Vouchers")
