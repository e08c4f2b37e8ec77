"""Directions, their forms, and the calculator of the simulated exchanger."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.premium_exchanger import calculator
from sandbox.premium_exchanger.catalog import CURRENCIES, DIRECTIONS, direction
from sandbox.routes import ControlError
from tests.every import every


class TestLists:
    def test_only_what_is_offered_to_the_api(self, exchanger):
        ids = [row["direction_id"] for row in exchanger.data("get_directions")]
        assert ids == ["10", "11", "12", "13", "14"]

    def test_filtered_by_either_currency(self, exchanger):
        assert len(exchanger.data("get_directions", currency_id_give=2)) == 2
        assert [row["direction_id"] for row in exchanger.data("get_directions", currency_id_get=2)] == [
            "10",
            "12",
        ]
        assert exchanger.data("get_directions", currency_id_give=2, currency_id_get=2) == []

    def test_currencies_of_the_offered_directions(self, exchanger):
        found = exchanger.data("get_direction_currencies", currency_id_give=1)
        assert [row["id"] for row in found["give"]] == ["1"]
        assert [row["title"] for row in found["get"]] == ["Tether TRC20 USDT"]
        assert exchanger.data("get_direction_currencies")["give"][-1]["title"] == "Visa &amp; Mastercard USD"


class TestOne:
    def test_the_first_where_the_id_is_none(self, exchanger):
        for id in ("", "0", "x", "-1"):
            assert exchanger.data("get_direction", direction_id=id)["id"] == "10"

    @pytest.mark.parametrize("id", ["15", "16", "99"])
    def test_not_found(self, exchanger, id):
        assert exchanger.error("get_direction", direction_id=id) == ("1", "direction not found")

    def test_by_its_currencies(self, exchanger):
        assert exchanger.data("get_direction", currency_id_give=2, currency_id_get=5)["id"] == "13"

    def test_limits_are_numbers_or_no(self, exchanger):
        found = exchanger.data("get_direction", direction_id=10)
        assert (found["min_give"], found["max_give"], found["min_get"], found["max_get"]) == (
            "1000",
            "500000",
            "no",
            "no",
        )

    def test_fields_of_all_kinds_as_an_object_or_a_list(self, exchanger):
        found = exchanger.data("get_direction", direction_id=10)
        assert list(found["give_fields"]) == ["account1", "cfgive8"]
        assert {field["type"] for field in found["dir_fields"].values()} == {"text", "select", "textarea"}
        assert found["dir_fields"]["cf12"]["cd"] == 1
        exchanger.set(fields_shape="list")
        shown = exchanger.data("get_direction", direction_id=10)["dir_fields"]
        assert [field["name"] for field in shown] == ["cf6", "cf12", "cf14"]

    def test_no_fields_are_an_empty_list(self, exchanger):
        assert exchanger.data("get_direction", direction_id=11)["give_fields"] == []


class TestCalc:
    def calc(self, exchanger, amount, action, **params):
        params = {"direction_id": 10, "calc_amount": amount, "calc_action": action, **params}
        return exchanger.data("get_calc", **params)

    @every(
        ("amount", "action", "sums"),
        [
            ("9240", 1, ("9240", "9332.4", "100", "99")),
            ("100", 2, ("9240", "9332.4", "100", "99")),
            ("9332.40", 3, ("9240", "9332.4", "100", "99")),
            ("99", 4, ("9240", "9332.4", "100", "99")),
        ],
    )
    def test_from_any_of_the_four_amounts(self, exchanger, amount, action, sums):
        found = self.calc(exchanger, amount, action)
        assert tuple(found[name] for name in ("sum_give", "sum_give_com", "sum_get", "sum_get_com")) == sums
        assert found["changed"] == 0

    @every(
        ("amount", "action", "give"),
        [
            ("1", 1, "1000"),
            ("0", 1, "1000"),
            ("x", 1, "1000"),
            ("600000", 1, "500000"),
            ("99999", 2, "500000"),
        ],
    )
    def test_an_amount_outside_of_the_limits_is_moved(self, exchanger, amount, action, give):
        found = self.calc(exchanger, amount, action)
        assert (found["sum_give"], found["changed"]) == (give, 1)

    @every("action", ["9", "0", "", "x", "-1"])
    def test_an_unknown_action_silently_is_1(self, exchanger, action):
        assert self.calc(exchanger, "9240", action)["sum_get"] == "100"

    def test_fields_marked_cd_change_the_fee(self, exchanger):
        assert self.calc(exchanger, "10000", 1, cd="cf12=2")["sum_give_com"] == "10300"
        assert self.calc(exchanger, "10000", 1, cd="cf12=1")["sum_give_com"] == "10100"
        assert self.calc(exchanger, "10000", 1, cd="account1=2")["sum_give_com"] == "10100"

    def test_amounts_as_numbers(self, exchanger):
        exchanger.set(amount_style="number")
        found = self.calc(exchanger, "9240", 1)
        assert (found["sum_give_com"], found["sum_get"]) == (Decimal("9332.4"), 100)

    def test_a_direction_that_is_not_offered(self, exchanger):
        assert exchanger.error("get_calc", direction_id=15, calc_amount=1, calc_action=1) == (
            "1",
            "direction not found",
        )

    def test_a_direction_can_be_changed(self, exchanger):
        exchanger.control("directions/10", {"course_give": "100", "active": True})
        assert self.calc(exchanger, "10000", 1)["sum_get"] == "100"
        for wrong in ({"course_give": "0"}, {"give": "99"}, {"min_give": "x"}):
            with pytest.raises(ControlError):
                exchanger.control("directions/10", wrong)

    @given(
        id=st.sampled_from([id for id in DIRECTIONS if id not in ("15", "16")]),
        amount=st.decimals(0, 10**7, places=4),
        action=st.integers(0, 5),
    )
    @settings(max_examples=300, deadline=None)
    def test_what_comes_out_keeps_the_limits(self, id, amount, action):
        one = direction(id, DIRECTIONS[id], CURRENCIES)
        found = calculator.sums(one, amount, action)
        assert found.give >= (one.limits["min_give"] or 0)
        assert one.limits["max_give"] is None or found.give <= one.limits["max_give"]
        assert found.get <= one.get.reserve
        assert found.give_with_fee >= found.give
        assert found.get_with_fee <= found.get
        again = calculator.sums(one, found.give, calculator.GIVE)
        assert again.give == found.give
