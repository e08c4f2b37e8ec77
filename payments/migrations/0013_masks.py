"""Masks numbers of accounts that stand as they were typed: partner payouts and destinations from before they were masked."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from payments.providers.redaction import mask_account, mask_numbers

MASKS = {"PartnerPayout": mask_account, "OwnDestination": mask_numbers}


def mask(apps: Any, _editor: Any) -> None:
    for name, masked in MASKS.items():
        rows = apps.get_model("payments", name).objects
        for row in rows.exclude(shown__contains="***").only("shown").iterator(chunk_size=500):
            if (shown := masked(row.shown)) != row.shown:
                rows.filter(pk=row.pk).update(shown=shown, is_card=True)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0012_bid_links"),
    ]

    operations = [
        migrations.RunPython(mask, migrations.RunPython.noop),
    ]
