"""System checks: what must be right before this may run, above all in production (DEBUG off).

`manage.py check` fails on errors. Encrypted fields check themselves: E020, E021.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from backoffice import embedded, permissions
from backoffice.accounts import mail_works

# The stand-ins of settings.py, which anybody can read.
DEVELOPMENT_SECRET = "development-only-"  # noqa: S105  (a prefix, no secret)
DEVELOPMENT_FIELD_KEY = "ZGV2ZWxvcG1lbnQt"
SHORTEST_TOKEN = 16


@register()
def keys_are_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Every key of the ring can be used."""
    found: list[CheckMessage] = []
    for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            found.append(
                Error(
                    f"Key {number} of FIELD_ENCRYPTION_KEYS is not a key.",
                    hint="Make one with: python -c 'from cryptography.fernet import Fernet; "
                    "print(Fernet.generate_key().decode())'",
                    id="backoffice.E001",
                )
            )
    return found


@register()
def roles_are_known(**_kwargs: Any) -> list[CheckMessage]:
    """Every permission of the table is given to roles that exist, and to at least one."""
    return [
        Error(f"{permission} names no role, or one that does not exist.", id="backoffice.E002")
        for permission, roles in permissions.TABLE.items()
        if not roles or not roles <= permissions.EVERYBODY
    ]


@register()
def production_is_closed(**_kwargs: Any) -> list[CheckMessage]:
    """Nothing of a development set-up is left where real money is."""
    if settings.DEBUG:
        return []
    wrong = [
        (
            "E010",
            any(key.startswith(DEVELOPMENT_FIELD_KEY) for key in settings.FIELD_ENCRYPTION_KEYS),
            "FIELD_ENCRYPTION_KEYS holds the development key, which is public.",
        ),
        (
            "E011",
            settings.SECRET_KEY.startswith(DEVELOPMENT_SECRET),
            "SECRET_KEY is the development one, which is public.",
        ),
        ("E012", settings.FAILPOINTS, "BACKOFFICE_FAILPOINTS is on: it breaks processes on purpose."),
        ("E009", settings.TESTING, "BACKOFFICE_TESTING is on."),
        ("E013", "sandbox" in settings.INSTALLED_APPS, "The sandbox is installed: it invents money."),
        ("E014", not settings.PUBLIC_URL.startswith("https://"), "PUBLIC_URL does not begin with https://."),
        ("E015", "*" in settings.ALLOWED_HOSTS, "ALLOWED_HOSTS admits every name."),
        (
            "E016",
            len(settings.METRICS_TOKEN) < SHORTEST_TOKEN,
            f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters.",
        ),
        (
            "E017",
            embedded.database_url(settings.HOME) == settings.DATABASE_URL,
            "DATABASE_URL names the embedded PostgreSQL, which is for first runs and tests. Set up a server.",
        ),
        (
            "E018",
            embedded.redis_url(settings.HOME) == settings.REDIS_URL,
            "REDIS_URL names the embedded Valkey, which is for first runs and tests. Set up a server.",
        ),
    ]
    return [Error(message, id=f"backoffice.{number}") for number, bad, message in wrong if bad]


@register()
def internal_hosts_are_encrypted(**_kwargs: Any) -> list[CheckMessage]:
    """In production no provider is spoken to in the clear, not even inside."""
    if settings.DEBUG:
        return []
    return [
        Error(
            f"PROVIDER_INTERNAL_HOSTS lists {host} without https.",
            hint="Write it as https://host:port, or leave it out.",
            id="backoffice.E019",
        )
        for host in sorted(settings.PROVIDER_INTERNAL_HOSTS)
        if not host.startswith("https://")
    ]


@register(deploy=True)
def letters_leave(**_kwargs: Any) -> list[CheckMessage]:
    """A forgotten password can be set anew by letter only if letters are sent."""
    if mail_works():
        return []
    return [
        Warning("EMAIL_URL sends no letters: forgotten passwords are set by an admin.", id="backoffice.W001")
    ]
