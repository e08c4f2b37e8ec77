from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

from backoffice import triggers


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0001_initial")]
    operations = [
        TrigramExtension(),
        triggers.FUNCTION,
        triggers.append_only("backoffice_auditentry"),
        triggers.append_only("backoffice_rolechange"),
    ]
