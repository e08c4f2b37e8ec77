"""The public ticker."""

from __future__ import annotations

import requests


class TestTicker:
    def test_needs_no_key_and_lists_directions(self, api):
        lines = requests.get(api.keys["base_url"] + "ticker", timeout=5).json()
        line = next(line for line in lines if (line["from"], line["to"]) == ("SBP_RUB", "USDTBALANCE"))
        assert (line["in"], line["out"], line["minamount"]) == (80, 1, 1)

    def test_can_be_a_map(self, api, box):
        box.control("settings", {"ticker_shape": "map"})
        rates = requests.get(api.keys["base_url"] + "ticker", timeout=5).json()
        assert rates["BTC_USDTBALANCE"] == 65000

    def test_maintenance_stops_it_too(self, api, box):
        box.control("settings", {"maintenance": True})
        answer = requests.get(api.keys["base_url"] + "ticker", timeout=5).json()
        assert answer["message"] == "Service unavailable"
