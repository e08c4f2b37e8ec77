"""Databases full of movements for the benchmarks: made by one INSERT, in seconds per million.

Five accounts of three currencies each, five kinds, every seventh movement an invoice to an outside purse.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from backoffice import embedded
from benchmarks import machine

ACCOUNTS = 5
_PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth import get_user_model
from django.test import Client
from backoffice.services import roles
from payments.services import accounts, methods
methods.ensure_currencies()
for number in range(%d):
    accounts.create(actor=None, provider="bitloga", name=f"bench {number}", base_url="http://127.0.0.1:9/",
        credentials={"api_key": "k", "api_secret": "s"})
users = get_user_model().objects
finance = users.create_user("finance")
roles.give(actor=None, user=finance, role="finance")
client = Client()
client.force_login(finance, backend="backoffice.accounts.PersonBackend")
other = Client()
other.force_login(users.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
print(client.cookies["session"].value, other.cookies["session"].value)
"""
_SEED = """
ALTER TABLE payments_movement DISABLE TRIGGER USER;
INSERT INTO payments_reference (account_id, value, kind, created_at, hold_reason, accepted)
SELECT (SELECT min(id) FROM payments_provideraccount) + n % {accounts}, '26' || lpad(n::text, 16, '0'), 'invoice', now(), '', '[]'
FROM generate_series(1, {references}) n;
INSERT INTO payments_movement
    (account_id, reference_id, kind, currency, amount, on_balance, key, label, tag, way, booked_at)
SELECT (SELECT min(id) FROM payments_provideraccount) + n % {accounts},
       (SELECT min(id) FROM payments_reference) + n % {references},
       (ARRAY['invoice', 'invoice', 'invoice', 'withdrawal', 'fee', 'fee', 'adjustment'])[1 + n % 7],
       (ARRAY['USDT', 'BTC', 'EUR', 'USD', 'RUB', 'ETH'])[1 + (n % {accounts} + n / 35 % 3) % 6],
       (CASE WHEN n % 7 < 3 THEN 1 ELSE -1 END) * ((n::bigint * 7919 % 1000003) + 1) / 100.0,
       n % 7 <> 1, 'bench:' || n, 'Order ' || n, '', 'poll',
       now() - interval '365 days' * ({rows} - n) / {rows}
FROM generate_series(1, {rows}) n;
ALTER TABLE payments_movement ENABLE TRIGGER USER;
"""


def make(home: Path, name: str, rows: int) -> tuple[dict[str, str], str, str]:
    """A database with that many movements of the last year, its daily sums made.

    Gives the product's environment on it, and two session keys: of a person of finance, of a superuser.
    """
    url = embedded.database_url(home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE bench_{name}")
    own = url.replace("/backoffice?", f"/bench_{name}?")
    environment = machine.product(home, own, url="http://127.0.0.1")
    sessions = machine.python(machine.SETUP + _PREPARE % ACCOUNTS, environment).split()
    with psycopg.connect(own, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'payments_movement' AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint WHERE conrelid = 'payments_movement'::regclass)"
        ).fetchall()
        connection.execute("SET maintenance_work_mem = '1GB'")
        for index, _made in indexes:
            connection.execute(f'DROP INDEX "{index}"')
        seed = _SEED.format(rows=rows, references=max(rows // 10, 1), accounts=ACCOUNTS)
        for statement in seed.split(";"):
            connection.execute(statement)
        for _index, made in indexes:
            connection.execute(made)
        machine.python(
            machine.SETUP + "from payments.services import daily_sums; daily_sums.fold_all(); print()",
            environment,
        )
        connection.execute("VACUUM ANALYZE")
    return environment, sessions[0], sessions[1]
