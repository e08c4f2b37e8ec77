"""`manage.py sandbox`: the simulated providers as a process of their own. Holds the start and the end."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from sandbox.engine import Engine
from sandbox.server import LOOPBACK, Box


class Command(BaseCommand):
    """Serves until it gets SIGINT or SIGTERM. Refuses to start where DEBUG is off."""

    help = "Serve the simulated payment providers, with a control page under /_control/."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen and what to remember."""
        parser.add_argument("--port", type=int, default=8001, help="port, default 8001; 0 takes a free one")
        parser.add_argument(
            "--host", default=LOOPBACK, help="address, default loopback; control has no login"
        )
        parser.add_argument(
            "--ledger", type=Path, help="file of the ledger, default sandbox/ledger.sqlite3 in HOME"
        )
        parser.add_argument(
            "--speed", type=float, default=1.0, help="shortens all pauses: 2 is twice as fast"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve. Raises CommandError in production or where the port is taken."""
        if not settings.DEBUG:
            raise CommandError(_("The sandbox does not run in production: DEBUG is off."))
        ledger = options["ledger"] or Path(settings.HOME) / "sandbox" / "ledger.sqlite3"
        try:
            engine = Engine(ledger=ledger, speed=options["speed"])
        except (ValueError, RuntimeError) as error:
            raise CommandError(str(error)) from error
        try:
            box = Box(engine, host=options["host"], port=options["port"])
        except OSError as error:
            engine.stop()
            raise CommandError(
                _("Port %(port)s cannot be used: %(error)s") % {"port": options["port"], "error": error}
            ) from error
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        engine.start()
        self.stdout.write(_("Sandbox: %(url)s/_control/") % {"url": box.url})
        for provider in engine.providers.values():
            self.stdout.write(f"  {provider.title}: {provider.base_url}")
        self.stdout.flush()
        ended.wait()
        box.stop()
