"""Encrypts the links of bids, which repeat the handle, and masks what stood in their fields as it was typed."""

from __future__ import annotations

from typing import Any

from django.db import migrations

import backoffice.kit.fields
from payments import form_words
from payments.providers.redaction import mask_account, mask_numbers

LINKS = ("pay_url", "cancel_url")
MASKED = ("account1", "account2")


def _masked(line: list[str]) -> list[str]:
    name, label, text = line
    is_account = name in MASKED or form_words.asks_for_account(label)
    # What was masked already stays as it is.
    return line if "***" in text else [name, label, mask_account(text) if is_account else mask_numbers(text)]


def seal(apps: Any, _editor: Any) -> None:
    """By rows: each link is bound to its own."""
    bids = apps.get_model("payments", "Bid").objects.only("uuid", "url", "actions", "fields")
    for bid in bids.iterator(chunk_size=500):
        bid.page_url = bid.url
        for name in LINKS:
            setattr(bid, name, bid.actions.pop(name, ""))
        bid.fields = [_masked(line) for line in bid.fields]
        bid.save(update_fields=["page_url", *LINKS, "actions", "fields"])


def unseal(apps: Any, _editor: Any) -> None:
    bids = apps.get_model("payments", "Bid").objects.only("uuid", "page_url", *LINKS, "actions")
    for bid in bids.iterator(chunk_size=500):
        bid.url = bid.page_url
        bid.actions |= {name: getattr(bid, name) for name in LINKS}
        bid.save(update_fields=["url", "actions"])


def _link(name: str, title: str) -> Any:
    field = backoffice.kit.fields.EncryptedTextField(blank=True, default="", verbose_name=title)
    return migrations.AddField(model_name="bid", name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0011_exceptions_coinjoin"),
    ]

    operations = [
        _link("page_url", "page of the bid"),
        _link("pay_url", "page to pay it"),
        _link("cancel_url", "page to cancel it"),
        migrations.RunPython(seal, unseal),
        migrations.RemoveField(model_name="bid", name="url"),
    ]
