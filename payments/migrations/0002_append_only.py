from django.db import migrations

from backoffice import triggers


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("backoffice", "0002_append_only")]
    operations = [
        triggers.append_only("payments_movement"),
        triggers.append_only("payments_balancesnapshot"),
        triggers.never_deleted(
            "payments_providercall",
            fixed=("account_id", "reference_id", "number", "operation", "safe", "started_at"),
        ),
    ]
