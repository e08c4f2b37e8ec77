"""B05: a code and its password, or a half of one, stand in nothing that a voucher's life leaves behind.

Searched are all tables as text, the broker with its messages opened, what this process and a real worker log, and mail.
The pages are searched in tests/codes/views.
"""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import os
import string
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from redis import Redis

from backoffice.tasks import index_object
from codes import tasks
from codes.models import Voucher
from codes.services import redemptions, voucher_decisions, vouchers
from payments.models import ExceptionItem, ProviderCall
from payments.providers.errors import ProviderError
from payments.services import exceptions
from tests import factories
from tests.crash import harness
from tests.races import money
from tests.races import voucher_rows as rows

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = 'canary/"pw<9f3k>&Zx'
WRONG = "wrong-canary-77xq"
TYPED = "typed-canary-4m8w"
HEX = frozenset(string.hexdigits)


def needles(code: str) -> list[str]:
    """A code as it might stand somewhere: whole, or any eight letters in a row of it, without its dashes."""
    letters = code.replace("-", "")
    return [letters[start : start + 8] for start in range(len(letters) - 7)]


def spellings(password: str) -> list[str]:
    """A password as a JSON text, a page, an address or an encoding would write it, and each half."""
    half = len(password) // 2
    ways = [
        password,
        json.dumps(password)[1:-1],
        html.escape(password),
        urllib.parse.quote(password, safe=""),
    ]
    ways += [base64.b64encode(password.encode()).decode().rstrip("="), password.encode().hex()]
    return [*dict.fromkeys(ways), password[:half], password[half:]]


def found_in(text: str, codes: list[str], passwords: list[str]) -> list[str]:
    """What of these stands in one text, such as a row or a log."""
    plain = text.casefold()
    bare = plain.replace("-", "")
    hits = [needle for code in codes for needle in needles(code) if needle in bare]
    hits += [way for password in passwords for way in spellings(password) if way.casefold() in plain]
    for code in codes:  # two of its groups, wherever they stand in the row
        # One that could be of a number, a date or a digest stands in many rows by chance.
        telling = [group for group in code.split("-") if not set(group) <= HEX]
        groups = [group for group in telling if group in plain]
        if len(groups) > 1:
            hits.append("-".join(groups))
    return hits


def database() -> Iterator[tuple[str, str]]:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            yield from ((f"table {table}", text) for (text,) in cursor.fetchall())


def broker() -> Iterator[tuple[str, str]]:
    """Every value of the broker; the bodies of messages opened."""
    with Redis.from_url(os.environ["REDIS_URL"]) as client:
        for key in client.scan_iter():
            yield f"broker {key!r}", repr(key) + (client.dump(key) or b"").decode("latin1")
            if client.type(key) == b"list":
                for message in client.lrange(key, 0, -1):
                    body = base64.b64decode(json.loads(message)["body"]).decode()
                    yield f"message in {key!r}", message.decode() + body


def leaks(codes: list[str], passwords: list[str], *texts: tuple[str, str]) -> list[tuple[str, list[str]]]:
    """Where something stands that must not."""
    found = []
    for place, text in (*database(), *broker(), *texts):
        if hits := found_in(text, codes, passwords):
            found.append((f"{place}: {text[:400]}", hits))
    return found


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Everything that is logged here, from DEBUG on, as production would write it."""
    root = logging.getLogger()
    # Not that of pytest, which has handlers of its own here.
    console = next(one for one in root.handlers if type(one) is logging.StreamHandler)
    text, level = io.StringIO(), root.level
    ear = logging.StreamHandler(text)
    ear.setFormatter(console.formatter)
    for one in console.filters:
        ear.addFilter(one)
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(ear)
        root.setLevel(level)


@pytest.fixture
def clean_broker() -> Iterator[None]:
    with Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield
        client.flushdb()


class Life:
    """Everything that can happen to a voucher, with secrets that are known here."""

    def __init__(self, box: Any, account: Any, people: Any) -> None:
        self.box, self.account, self.people = box, account, people
        self.codes: list[str] = []

    def submit(self, row: Voucher) -> Voucher:
        with suppress(Exception):
            vouchers.submit(voucher_id=row.pk)
        row.refresh_from_db()
        if row.has_code:
            self.codes.append(row.code)
        return row

    def made(self, **fault: Any) -> Voucher:
        row = rows.approved(self.account, self.people, **{"pass": TYPED, "desc": "for Ada"})
        if fault:
            money.fault(self.box, action="create", **fault)
        return self.submit(row)

    def redeemed(self, *, password: str = PASSWORD, **fault: Any) -> Voucher:
        code = rows.outside(self.box, password=PASSWORD)
        self.codes.append(code)
        row = vouchers.redeem(
            actor=self.people["operator"], account=self.account, code=code, password=password
        )
        if fault:
            echo = {name: self.filled(value, code) for name, value in fault.items()}
            money.fault(self.box, action="apply", **echo)
        return self.submit(row)

    @staticmethod
    def filled(value: Any, code: str) -> Any:
        """The fault with this code and the password in the place of CODE, BARE and PASS."""
        text = json.dumps(value)
        for name, secret in (("CODE", code), ("BARE", code.replace("-", "").upper()), ("PASS", PASSWORD)):
            text = text.replace(name, json.dumps(secret)[1:-1])
        return json.loads(text)

    def listed(self, row: Voucher, **odd: Any) -> None:
        """The list answers with this voucher's line, changed."""
        line = {"code": row.code, "amount": 10, "currency": "USDT", "desc": "", "status": "Active"}
        line |= {"createtime": "2026-11-21 10:00", **self.filled(odd, row.code)}
        money.fault(self.box, "fields", action="get", fields={"data": [line]})
        with suppress(ProviderError):
            vouchers.refresh(voucher_id=row.pk)
        money.no_faults(self.box)

    def refused_words(self, act: Callable[[], Any]) -> str:
        with pytest.raises(ValidationError) as caught:
            act()
        return f"{caught.value!r} {caught.value}"


#: Answers to `apply` that repeat what they were told, in odd places.
ECHOES: tuple[dict[str, Any], ...] = (
    {"mode": "message", "text": "Code CODE with PASS is not known to us"},
    {"mode": "message", "text": "Payment error: CODE PASS"},
    {"mode": "message", "text": "Wrong Password"},
    {"mode": "message", "text": "Code is not active"},
    {"mode": "body", "text": "<html><title>CODE</title><p>PASS</p></html>"},
    {"mode": "body", "text": '{"success": false, "message": {"CODE": "PASS"}}'},
    {"mode": "body", "text": '{"success": true, "amount": "CODE", "currency": "USDT"}'},
    {"mode": "status_500", "text": "Traceback: apply(CODE, PASS)"},
    {"mode": "status_302", "text": "http://127.0.0.1:1/apply?code=CODE&pass=PASS"},
    {"mode": "fields", "fields": {"currency": "CODE"}},
    {"mode": "fields", "fields": {"currency": "BARE"}},
    {"mode": "fields", "fields": {"currency": "PASS"}},
    {"mode": "fields", "fields": {"CODE": "PASS", "note": ["CODE", {"PASS": 1}]}},
    {"mode": "fields", "fields": {"message": "BARE", "amount": "7"}},
)
#: Lines of the list that repeat the code in odd places.
LINES: tuple[dict[str, Any], ...] = (
    {"status": "CODE"},
    {"status": "Active CODE"},
    {"createtime": "CODE"},
    {"applytime": "CODE", "status": "Disabled"},
    {"desc": "CODE and BARE"},
    {"note": "CODE", "CODE": "CODE"},
    {"currency": "CODE"},
)


class TestCanary:
    def test_nothing_of_it_stands_anywhere(
        self,
        paying: Any,
        people: Any,
        box: Any,
        clean_broker: None,
        monkeypatch: pytest.MonkeyPatch,
        settings: Any,
    ) -> None:
        settings.SETTLE_SECONDS = 0
        life = Life(box, paying, people)
        words: list[str] = []
        with listening() as log:
            life.made()
            for mode in ("drop_after", "half_body", "garbage_html"):
                lost = life.made(mode=mode)
                vouchers.refresh(voucher_id=lost.pk)
            life.made(mode="body", text=json.dumps({"success": False, "message": f"Bad data {TYPED}"}))
            life.made(mode="message", text="Insufficient balance")
            for echo in ECHOES:
                life.redeemed(**echo)
            wrong = life.redeemed(password=WRONG)
            again = lambda: vouchers.redeem(  # noqa: E731
                actor=people["operator"], account=paying, code=wrong.code, password=WRONG
            )
            for _try in range(4):
                life.submit(again())
            words.append(life.refused_words(again))
            good = life.redeemed()
            words.append(
                life.refused_words(
                    lambda: vouchers.redeem(actor=people["operator"], account=paying, code=good.code)
                )
            )
            # The list, also with lines that repeat the code.
            vouchers.sync(account_id=paying.pk)
            for odd in LINES:
                life.listed(life.made(), **odd)
            named = rows.in_the_panel(paying)
            life.codes.append(named)
            vouchers.sync(account_id=paying.pk)
            box.control(f"bitloga/codes/{named}/disable", {})
            tasks.sync_account(paying.pk)
            # People.
            shown = life.made()
            for part in ("code", "password"):
                vouchers.reveal(actor=people["operator"], voucher=shown, part=part)
            doubt = life.redeemed(mode="drop_before")
            vouchers.refresh(voucher_id=doubt.pk)
            first, second = factories.person("approver"), factories.person("approver")
            voucher_decisions.resolve(actor=first, voucher=doubt, outcome="failed", note=rows.NOTE)
            voucher_decisions.confirm(actor=second, voucher=doubt)
            for held in ExceptionItem.objects.filter(kind="hold", status="open"):
                exceptions.release_hold(actor=first, reference=held.reference, note="agreed")
            # A worker falls over with everything in its hands.
            settings.FAILPOINTS = True
            for point in ("F6", "F8", "F9"):
                monkeypatch.setenv("BACKOFFICE_FAILPOINT", f"{point}=raise")
                for row in (
                    rows.approved(paying, people, **{"pass": TYPED}),
                    rows.redeeming(paying, people, box),
                ):
                    self.fall(life, row)
            monkeypatch.setenv("BACKOFFICE_FAILPOINT", "")
            life.codes += [one["code"] for one in rows.there(box)]
            for row in Voucher.objects.all():
                index_object("voucher", row.pk)
                words.append(f"{row!r} {row} {row.__dict__!r} {redemptions.evidence(row)!r}")
            logged = log.getvalue()
        assert '"log.exception"' not in logged
        assert "Traceback" in logged
        assert "provider.call" in logged
        assert ProviderCall.objects.exclude(response="").count() > 20
        told = [("log", line) for line in logged.splitlines()]
        told += [("mail", repr(one.__dict__)) for one in mail.outbox]
        told += [("words", text) for text in words]
        codes = sorted(set(life.codes))
        assert len(codes) > 25
        assert leaks(codes, [PASSWORD, WRONG, TYPED], *told) == []

    @staticmethod
    def fall(life: Life, row: Voucher) -> None:
        """What the log and an error reporter would be given."""
        if not row.is_issued:
            life.codes.append(row.code)
        try:
            vouchers.submit(voucher_id=row.pk)
        except Exception:
            logging.getLogger("celery.app.trace").exception("Task failed", extra={"row": row})
        else:
            raise AssertionError("it did not fall over")

    def test_the_search_can_find(self, paying: Any, people: Any, box: Any, clean_broker: None) -> None:
        """The control: each place, with one half of a code or a spelling of a password in it."""
        from backoffice import audit
        from backoffice.celery import app

        row = rows.approved(paying, people)
        rows.submit(row)
        row.refresh_from_db()
        row.code = "kq7w-9xzp-m2ty-h4vr"
        row.save(update_fields=["code"])
        first, second, third, fourth = row.code.split("-")
        assert leaks([row.code], [PASSWORD]) == []
        with transaction.atomic():
            audit.record(None, "note", row, note=f"{second}{third}")
        Voucher.objects.filter(pk=row.pk).update(description=f"{first} or {fourth}")
        app.send_task("nobody.knows", args=[html.escape(PASSWORD)])
        app.send_task("nobody.knows", args=[row.code])
        places = {place.partition(":")[0] for place, _hits in leaks([row.code], [PASSWORD])}
        assert {"table backoffice_auditentry", "table codes_voucher"} <= places
        assert sum(place.startswith("message") for place in places) == 1
        assert found_in(f"GET /x?code={row.code.upper()}", [row.code], [])


class TestWorker:
    def test_a_real_worker_says_nothing_of_it(
        self,
        paying: Any,
        people: Any,
        box: Any,
        clean_broker: None,
        crash_env: dict[str, str],
        crash_logs: Path,
        tmp_path: Path,
    ) -> None:
        """With all that it can log, and a task that falls over when the answer is in its hands."""
        marker, log = tmp_path / "hit", crash_logs / "canary.log"
        loud = {"LOG_LEVEL": "DEBUG", "TASK_LOG_LEVEL": "DEBUG", "BACKOFFICE_FAILPOINT": "F9=raise"}
        with harness.working(crash_env | loud | {"BACKOFFICE_FAILPOINT_ONCE": str(marker)}, log) as worker:
            code = rows.outside(box, password=PASSWORD)
            fallen = vouchers.redeem(actor=people["operator"], account=paying, code=code, password=PASSWORD)
            worker.until(marker.exists)
            made = rows.approved(paying, people, **{"pass": TYPED})
            wrong = vouchers.redeem(
                actor=people["operator"],
                account=paying,
                code=rows.outside(box, password=PASSWORD),
                password=WRONG,
            )
            worker.until(lambda: money.state(made) == "active" and money.state(wrong) == "failed", seconds=60)
            assert worker.terminate(seconds=30) < 30
        said = log.read_text()
        assert "Traceback" in said
        assert "provider.call" in said
        codes = [code, made.code, wrong.code]
        assert (
            leaks(
                codes, [PASSWORD, WRONG, TYPED], *(("log of the worker", line) for line in said.splitlines())
            )
            == []
        )
        assert money.state(fallen) == "redeeming"
        money.work_until(lambda: money.state(fallen) == "unknown", seconds=10)
