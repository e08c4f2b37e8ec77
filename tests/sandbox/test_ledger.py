"""The ledger: durable before the answer, exact, and found again after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from sandbox import server
from sandbox.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
# The command under settings of its own: it needs nothing of the product's.
START = """
import sys, django
from django.conf import settings
settings.configure(DEBUG=sys.argv[1] == "debug", INSTALLED_APPS=["sandbox"], HOME=sys.argv[2], USE_I18N=False)
django.setup()
from django.core.management import call_command
call_command("sandbox", port=0)
"""


def start(home: Path, mode: str = "debug") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, mode, str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": ""},
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split()[-1].removesuffix("/_control/")


class TestLedger:
    def test_transaction_is_all_or_nothing(self, tmp_path):
        ledger = Ledger(tmp_path / "l.sqlite3")
        with pytest.raises(RuntimeError), ledger.transaction() as db:
            db.execute("insert into counters values ('a', 1)")
            raise RuntimeError
        with ledger.transaction() as db:
            assert db.execute("select count(*) from counters").fetchone()[0] == 0
        ledger.close()

    def test_nested_transactions_are_one(self, tmp_path):
        ledger = Ledger(tmp_path / "l.sqlite3")
        with pytest.raises(RuntimeError), ledger.transaction():
            with ledger.transaction() as db:
                db.execute("insert into counters values ('a', 1)")
            raise RuntimeError
        with ledger.transaction() as db:
            assert db.execute("select count(*) from counters").fetchone()[0] == 0
        ledger.close()

    def test_threads_take_turns(self, tmp_path):
        ledger = Ledger(tmp_path / "l.sqlite3")
        with ledger.transaction() as db:
            db.execute("insert into counters values ('a', 0)")

        def add() -> None:
            for _ in range(20):
                with ledger.transaction() as db:
                    value = db.execute("select value from counters").fetchone()[0]
                    db.execute("update counters set value = ?", (value + 1,))

        threads = [threading.Thread(target=add) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with ledger.transaction() as db:
            assert db.execute("select value from counters").fetchone()[0] == 200
        ledger.close()

    def test_file_is_for_its_owner_only(self, tmp_path):
        Ledger(tmp_path / "new" / "l.sqlite3").close()
        assert stat.S_IMODE((tmp_path / "new" / "l.sqlite3").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    def test_file_of_another_version_is_refused(self, tmp_path):
        connection = sqlite3.connect(tmp_path / "l.sqlite3")
        connection.execute("pragma user_version = 99")
        connection.close()
        with pytest.raises(RuntimeError, match="another version"):
            Ledger(tmp_path / "l.sqlite3")

    def test_amounts_are_kept_as_text(self, api, box):
        api.withdraw("1", amount="10.000001")
        with sqlite3.connect(box.engine.ledger.path) as db:
            kinds = db.execute(
                "select distinct typeof(amount) from entries union select typeof(amount) from balances"
            )
            assert kinds.fetchall() == [("text",)]
        db.close()

    def test_journal_adds_up_to_the_balances(self, api, box):
        api.invoice("1", amount="0.1", paysys="USDTBALANCE")
        for number in range(2, 12):
            api.withdraw(str(number), amount="1.1")
            api.invoice(f"i{number}", amount="3.3")
            box.control(f"bitloga/invoices/i{number}/pay", {})
        box.control("bitloga/withdrawals/5/fail", {})
        rows = api.rows()
        assert sum(len(row["effects"]) for row in rows) == 21
        with box.engine.ledger.transaction() as db:
            for row in db.execute("select * from balances").fetchall():
                query = "select amount, after from entries where account_id = ? and currency = ? order by id"
                lines = db.execute(query, (row["account_id"], row["currency"])).fetchall()
                assert lines[-1]["after"] == row["amount"]


class TestRestart:
    def test_everything_is_found_again(self, tmp_path, api):
        path = tmp_path / "l.sqlite3"
        with server.running(ledger=path) as box:
            keys = dict(box.account())
            first = type(api)(box)
            first.invoice("1")
            box.control("settings", {"withdraw_delay": 7})
            box.control("clock", {"advance": 100})
        with server.running(ledger=path) as box:
            assert {**keys, "base_url": ""} == {**box.account(), "base_url": ""}
            second = type(api)(box)
            assert second.invoice("1")["message"] == "Received Unique ID has already been used"
            assert box.control("settings")["bitloga"]["withdraw_delay"] == 7
            assert box.control("clock")["offset_seconds"] == 100


class TestCommand:
    def test_killed_process_has_written_what_it_answered(self, tmp_path, api):
        process = start(tmp_path)
        try:
            url = url_of(process)
            keys = requests.get(url + "/_control/bitloga/accounts", timeout=5).json()["accounts"][0]
            client = type(api).__new__(type(api))
            client.keys, client.session = keys, requests.Session()
            assert client.withdraw("1")["success"] is True
            process.send_signal(signal.SIGKILL)
            process.wait(5)
        finally:
            process.kill()
            process.communicate()
        path = tmp_path / "sandbox" / "ledger.sqlite3"
        with server.running(ledger=path) as box:
            (row,) = box.control("bitloga/transactions")["transactions"]
            assert (row["uniqueid"], row["net"]) == ("1", "-10.05")

    def test_listens_on_loopback_and_ends_on_sigterm(self, tmp_path):
        process = start(tmp_path)
        try:
            assert url_of(process).startswith("http://127.0.0.1:")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        finally:
            process.kill()
            process.communicate()

    def test_refuses_to_run_in_production(self, tmp_path):
        process = start(tmp_path, "production")
        _, errors = process.communicate(timeout=10)
        assert process.returncode != 0
        assert "does not run in production" in errors
        assert not (tmp_path / "sandbox").exists()
