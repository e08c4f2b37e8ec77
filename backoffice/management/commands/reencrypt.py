"""Bring every secret under the first key of FIELD_ENCRYPTION_KEYS, so that the other keys can be removed.

Works in small transactions and skips what is done already: it may be stopped and started again at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction

from backoffice.accounts import MFA_PLACE
from backoffice.kit.fields import (
    EncryptedTextField,
    KeyedDigestField,
    SecretUnreadable,
    is_current,
    seal,
    unseal,
)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=200, help="rows per transaction (200)")

    def handle(self, *args: Any, batch_size: int, **options: Any) -> None:
        unreadable = 0
        for model, renew in self._work():
            done = fresh = 0
            for pks in _chunks(model, batch_size):
                with transaction.atomic():
                    for row in model._base_manager.select_for_update().filter(pk__in=pks).order_by("pk"):
                        try:
                            changed = renew(row)
                        except SecretUnreadable as error:
                            unreadable += 1
                            self.stderr.write(str(error))
                            continue
                        done += 1
                        if changed:
                            fresh += 1
                            model._base_manager.filter(pk=row.pk).update(**changed)
            self.stdout.write(f"{model._meta.label}: {done} under the first key, {fresh} of them just now.")
        if unreadable:
            raise CommandError(
                f"{unreadable} rows cannot be read with these keys. Keep every key and look at them."
            )
        self.stdout.write("Everything is under the first key. The other keys may be removed.")

    def _work(self) -> Iterator[tuple[type[models.Model], Any]]:
        for model in apps.get_models():
            fields = [
                f for f in model._meta.local_fields if isinstance(f, (EncryptedTextField, KeyedDigestField))
            ]
            if fields and not model._meta.proxy:
                yield (
                    model,
                    lambda row, fields=fields: {f.attname: v for f in fields if (v := f.renewed(row))},
                )
        yield Authenticator, _renew_authenticator


def _chunks(model: type[models.Model], size: int) -> Iterator[list[Any]]:
    last: Any = None
    while True:
        rows = model._base_manager.order_by("pk")
        pks = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", flat=True)[:size])
        if not pks:
            return
        yield pks
        last = pks[-1]


def _renew_authenticator(row: Authenticator) -> dict[str, Any]:
    data = {
        name: seal(unseal(value, MFA_PLACE), MFA_PLACE)
        for name, value in row.data.items()
        if name in {"secret", "seed"} and not is_current(value)
    }
    return {"data": row.data | data} if data else {}
