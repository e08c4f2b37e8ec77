"""`manage.py demo`: logins, currencies and a played month, on the simulated providers only. Never in production.

What is planted is asked about afterwards, row by row: if the sandbox tells anything else, the command fails.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import random
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from backoffice import demo, permissions
from backoffice.kit import office
from backoffice.services import roles

# login: role. Three approvers, because two of them are needed now and then.
LOGINS = {
    "viewer": permissions.VIEWER,
    "operator": permissions.OPERATOR,
    "approver1": permissions.APPROVER,
    "approver2": permissions.APPROVER,
    "approver3": permissions.APPROVER,
    "finance": permissions.FINANCE,
    "admin": permissions.ADMIN,
}
FILE = "demo-logins.txt"
KEYS = ("api_login", "api_key", "api_secret", "secret_key")
MONTH = 2711  # the same month each time


class Command(BaseCommand):
    help = "Make the demo: one login per role, the currencies, a month of business, and the sandbox's address and keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bare", action="store_true", help="without the month")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo is for development: DEBUG is off here.")
        lines = self._logins(settings.HOME / FILE)
        for step in office.registry.demo_steps:
            lines += step()
        lines += self._sandbox()
        if not options["bare"]:
            lines += self._month()
        for label, value in lines:
            self.stdout.write(f"{label:<28}{value}")

    def _logins(self, path: Path) -> list[tuple[str, str]]:
        known = dict(line.split(None, 1) for line in path.read_text().splitlines()) if path.is_file() else {}
        users = get_user_model().objects
        with transaction.atomic():
            for name, role in LOGINS.items():
                user = users.filter(username=name).first()
                if user is None or name not in known:
                    known[name] = "-".join(secrets.token_hex(3) for _part in range(3))
                    user = user or users.create_user(username=name)
                    user.set_password(known[name])
                    user.save()
                if role not in permissions.roles(user):
                    roles.give(actor=None, user=user, role=role)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name} {known[name].strip()}\n" for name in LOGINS)
        return [(name, known[name].strip()) for name in LOGINS]

    def _month(self) -> list[tuple[str, str]]:
        """Play the month, once per installation, and compare every row with the sandbox."""
        host = next((host for host in sorted(settings.PROVIDER_INTERNAL_HOSTS) if demo.accounts(host)), "")
        if not host:
            return []
        accounts = apps.get_model("payments.ProviderAccount").objects
        if accounts.exists():
            strange = [one.name for one in accounts.all() if urlsplit(one.base_url).netloc != host]
            if strange:
                raise CommandError(f"The demo is for the sandbox only. These accounts are not: {strange}")
            return []
        users = get_user_model().objects
        now = timezone.now()
        stage = office.Stage(
            people={name: users.get(username=name) for name in LOGINS},
            box=demo.box(host),
            chance=random.Random(MONTH),  # noqa: S311 (no secret)
            begin=(now - dt.timedelta(days=30)).replace(hour=6, minute=0),
            end=now,
        )
        logging.disable(logging.INFO)  # a line per call would bury the logins
        try:
            count = demo.play(stage)
            broken = demo.check()
        finally:
            logging.disable(logging.NOTSET)
        if broken:
            raise CommandError("The demo differs from the sandbox:\n" + "\n".join(broken))
        return [("demo month", f"{count} scenes, every row as the sandbox tells it")]

    def _sandbox(self) -> list[tuple[str, str]]:
        """Where the simulated providers are, and the keys of their demo accounts."""
        lines = []
        for host in sorted(settings.PROVIDER_INTERNAL_HOSTS):
            for provider, found in demo.accounts(host).items():
                for account in found:
                    if account["name"] == "demo":
                        lines.append((f"{provider} base URL", account["base_url"]))
                        lines += [(f"{provider} {name}", account[name]) for name in KEYS if name in account]
            if lines:
                lines.append(("sandbox control page", f"http://{host}/_control/"))
        return lines or [("sandbox", "not running: python manage.py sandbox")]
