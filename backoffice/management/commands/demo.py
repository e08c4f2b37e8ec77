"""`manage.py demo`: logins, currencies and what each app adds, on the simulated providers only. Never in production."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from backoffice import permissions
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


class Command(BaseCommand):
    help = "Make the demo: one login per role, the currencies, and the sandbox's address and keys."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo is for development: DEBUG is off here.")
        lines = self._logins(settings.HOME / FILE)
        for step in office.registry.demo_steps:
            lines += step()
        lines += self._sandbox()
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

    def _sandbox(self) -> list[tuple[str, str]]:
        """Where the simulated providers are, and the keys of their demo account."""
        lines = []
        for host in sorted(settings.PROVIDER_INTERNAL_HOSTS):
            try:
                answer = requests.get(f"http://{host}/_control/bitloga/accounts", timeout=5)
                answer.raise_for_status()
            except requests.RequestException:
                continue
            for account in answer.json()["accounts"]:
                if account["name"] == "demo":
                    lines += [
                        ("bitloga base URL", account["base_url"]),
                        ("bitloga api_key", account["api_key"]),
                        ("bitloga api_secret", account["api_secret"]),
                        ("sandbox control page", f"http://{host}/_control/"),
                    ]
        return lines or [("sandbox", "not running: python manage.py sandbox")]
