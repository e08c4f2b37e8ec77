"""The Django app of the sandbox. Holds only its configuration: the sandbox has no models and no URLs here."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SandboxConfig(AppConfig):
    """Installed only when DEBUG is on; brings the command `manage.py sandbox`."""

    name = "sandbox"
    label = "sandbox"
    verbose_name = _("Sandbox")
