"""Time that can be moved, and what moves with it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from sandbox import server
from sandbox.clock import Clock
from tests.every import every


class TestClock:
    def test_runs_with_the_wall_clock_plus_its_offset(self):
        clock = Clock(offset=3600)
        assert abs(clock.stamp() - time.time() - 3600) < 1
        clock.advance(-7200)
        assert abs(clock.now() - datetime.now(UTC) + timedelta(hours=1)) < timedelta(seconds=1)

    def test_speed_shortens_pauses_but_bends_no_dates(self):
        clock = Clock(speed=10)
        assert clock.pause(30) == 3
        assert abs(clock.stamp() - time.time()) < 1

    @every("speed", [0, -1])
    def test_time_cannot_stand_still(self, speed):
        with pytest.raises(ValueError):
            Clock(speed=speed)


class TestMovingOn:
    def test_unpaid_invoice_is_canceled_after_its_lifetime(self, api, box):
        box.control("settings", {"invoice_lifetime_seconds": 3600})
        api.invoice("1")
        api.invoice("2")
        box.control("bitloga/invoices/2/pay", {})
        box.control("clock", {"advance": 3601})
        assert api.call("details", uniqueid="1")["status"] == "Canceled"
        assert api.call("details", uniqueid="2")["status"] == "Payed"

    def test_paid_invoice_completes_later(self, api, box):
        box.control("settings", {"invoice_complete_seconds": 60})
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        assert api.call("details", uniqueid="1")["status"] == "Payed"
        box.control("clock", {"advance": 61})
        assert api.call("details", uniqueid="1")["status"] == "Complete"

    def test_one_jump_lets_a_whole_chain_happen(self, api, box):
        box.control("settings", {"invoice_pending_seconds": 60, "invoice_complete_seconds": 0})
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        box.control("clock", {"advance": 61})
        assert api.call("details", uniqueid="1")["status"] == "Complete"

    def test_past_can_be_visited(self, api, box):
        box.control("clock", {"advance": -30 * 86400})
        api.invoice("1")
        accepted = datetime.fromisoformat(api.rows("1")[0]["accepted_at"])
        assert abs(datetime.now(UTC) - accepted - timedelta(days=30)) < timedelta(seconds=5)

    def test_date_header_stays_with_the_wall_clock_unless_told(self, api, box):
        box.control("clock", {"advance": 86400})
        now = datetime.now(UTC)
        date = parsedate_to_datetime(api.post(b'{"action":"balances"}').headers["Date"])
        assert abs(date - now) < timedelta(seconds=10)
        box.control("settings", {"date_offset_seconds": 600})
        date = parsedate_to_datetime(api.post(b'{"action":"balances"}').headers["Date"])
        assert abs(date - now - timedelta(seconds=600)) < timedelta(seconds=10)

    def test_things_happen_without_anybody_asking(self, api, box):
        box.control("settings", {"withdraw_delay": "0.05"})
        api.withdraw("1")
        deadline = time.monotonic() + 2
        while api.rows("1")[0]["status"] == "Pending" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert api.rows("1")[0]["status"] == "Complete"

    def test_speed_shortens_the_wait(self):
        with server.running(speed=100) as box:
            box.control("settings", {"withdraw_delay": 20})
            assert box.engine.clock.pause(20) == pytest.approx(0.2)

    def test_settled_can_be_waited_for_over_http(self, box):
        response = requests.post(box.url + "/_control/settle", json={"seconds": 1}, timeout=5)
        assert response.json() == {"settled": True}
