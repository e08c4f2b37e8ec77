"""`manage.py invariants`: checks the promises that each app registers in kit.office. Writes nothing."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.kit import office


class Command(BaseCommand):
    help = "Check what must always be true of the database. Exits with 1 on a breach."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = {
            name: {"promise": str(part.promise), "breaches": part.check()}
            for name, part in sorted(office.registry.invariants.items())
        }
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            for name, row in found.items():
                self.stdout.write(f"{name}  {'ok' if not row['breaches'] else 'BROKEN'}  {row['promise']}")
                for breach in row["breaches"]:
                    self.stdout.write(f"    {breach}")
        broken = sum(len(row["breaches"]) for row in found.values())
        if broken:
            raise CommandError(f"{broken} breaches")
