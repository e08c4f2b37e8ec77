"""Directions: the list and one of them, with their age; pairs compared over all accounts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from payments.models import AccountHealth, Direction, DirectionList
from payments.providers.errors import OutcomeUnknown, ProviderError
from payments.services import directions
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> Any:
    return exchangers.account(exchanger)


class TestList:
    def test_names_the_pairs_without_their_rates(self, account: Any) -> None:
        assert directions.refresh_list(account_id=account.pk) == 1
        found = Direction.objects.get()
        assert (found.give_title, found.get_title) == ("Sberbank", "Tether TRC20")
        assert (found.give_key, found.rate, found.seen_at) == ("Sberbank", 0, None)
        assert not found.is_known

    def test_what_is_not_listed_any_more_is_not_offered(self, account: Any, exchanger: Any) -> None:
        exchanger.directions = [exchangers.LISTED, exchangers.LISTED | {"direction_id": "22"}]
        directions.refresh_list(account_id=account.pk)
        exchanger.directions = [exchangers.LISTED]
        directions.refresh_list(account_id=account.pk)
        assert list(Direction.objects.filter(is_offered=True).values_list("provider_id", flat=True)) == ["21"]

    def test_an_empty_list_or_one_with_a_bad_line_takes_nothing_away(
        self, account: Any, exchanger: Any
    ) -> None:
        directions.refresh_list(account_id=account.pk)
        exchanger.directions = []
        directions.refresh_list(account_id=account.pk)
        exchanger.directions = [{"direction_id": []}, exchangers.LISTED | {"direction_id": "30"}]
        directions.refresh_list(account_id=account.pk)
        assert Direction.objects.get(provider_id="21").is_offered

    def test_a_failure_says_so_and_changes_nothing(self, account: Any, exchanger: Any) -> None:
        directions.refresh_list(account_id=account.pk)
        exchanger.fail("get_directions", "html", "html", "html", "html")
        with pytest.raises(ProviderError):
            directions.refresh_list(account_id=account.pk)
        row = DirectionList.objects.get()
        assert row.last_error and row.read_at is not None
        assert Direction.objects.get().is_offered

    def test_titles_change_and_known_codes_stay(self, account: Any, exchanger: Any) -> None:
        exchangers.direction(account)
        exchanger.directions = [exchangers.LISTED | {"currency_give_title": "Sber"}]
        directions.refresh_list(account_id=account.pk)
        found = Direction.objects.get()
        assert (found.give_title, found.give_key) == ("Sber", "RUB")


class TestOne:
    def test_keeps_rate_limits_form_and_exact_numbers(self, account: Any) -> None:
        found = exchangers.direction(account)
        found.refresh_from_db()
        assert (found.give_code, found.get_code, found.give_key) == ("RUB", "USDT", "RUB")
        assert found.rate == Decimal(1) / Decimal("92.4") or found.rate == Decimal("0.010822510822510823")
        assert (found.min_give, found.max_give, found.min_get) == (1000, None, Decimal("10.5"))
        assert found.said["course_give"] == "92.4"
        assert "alert" not in found.said["description"]
        form = directions.form_of(found.form)
        assert [field.name for field in form["get"]] == ["account2"]
        assert [field.name for field in form["direction"] if field.calculates] == ["cf12"]

    def test_an_answer_about_another_direction_is_none(self, account: Any, exchanger: Any) -> None:
        found = exchangers.direction(account)
        exchanger.direction["course_give"] = "1"
        exchanger.directions = []  # asked about one that it does not have, it tells of its first
        with pytest.raises(OutcomeUnknown):
            directions.refresh(direction_id=found.pk)
        found.refresh_from_db()
        assert found.said["course_give"] == "92.4"
        assert found.last_error

    def test_one_that_is_not_offered_any_more_says_so(self, account: Any, exchanger: Any) -> None:
        found = exchangers.direction(account)
        exchanger.fail("get_direction", {"error": 1, "error_text": "Direction not found", "data": []})
        with pytest.raises(ProviderError):
            directions.refresh(direction_id=found.pk)
        found.refresh_from_db()
        assert not found.is_offered

    @pytest.mark.parametrize("give", ["0", "0.0000000000000000001", "123456789012345678"])
    def test_numbers_that_no_column_holds_stand_in_the_texts(
        self, account: Any, exchanger: Any, give: str
    ) -> None:
        exchanger.direction["course_give"] = give
        exchanger.direction["reserve"] = "99999999999999999999999999"
        found = exchangers.direction(account)
        assert found.said["course_give"] == give
        assert found.reserve is None
        assert found.rate >= 0


class TestRounds:
    def test_the_list_then_what_waits_the_longest_and_ourselves(self, account: Any, exchanger: Any) -> None:
        assert directions.due_accounts() == [account.pk]
        assert directions.refresh_due(account_id=account.pk) == 2
        assert Direction.objects.get().is_known
        assert directions.due_accounts() == []
        facts = AccountHealth.objects.get(account=account).facts["test"]
        assert (facts["ip"], facts["user_id"], facts["partner_id"]) == ("203.0.113.10", "0", "17")
        assert "warning" in facts

    def test_a_young_one_is_not_asked_about_again(self, account: Any, exchanger: Any) -> None:
        directions.refresh_due(account_id=account.pk)
        assert directions.refresh_due(account_id=account.pk) == 0
        old = timezone.now() - directions.ONE_EVERY - dt.timedelta(seconds=1)
        Direction.objects.update(tried_at=old)
        assert directions.refresh_due(account_id=account.pk) == 1

    def test_switched_off_accounts_are_left_alone(self, account: Any) -> None:
        account.is_active = False
        account.save()
        assert directions.due_accounts() == []

    def test_a_viewer_may_not_ask(self, account: Any, people: Any) -> None:
        found = exchangers.direction(account)
        with pytest.raises(PermissionDenied):
            directions.ask_now(actor=people["viewer"], direction=found)
        directions.ask_now(actor=people["finance"], direction=found)
        assert directions.ask_all_now(actor=people["operator"]) == 1


class TestBoard:
    def test_the_best_rate_of_a_pair_over_all_accounts(self, account: Any, exchanger: Any) -> None:
        one = exchangers.direction(account)
        exchanger.direction["course_give"] = "90"
        other = exchangers.direction(exchangers.account(exchanger, name="better"))
        found = directions.compared(Direction.objects.order_by("pk"))
        assert {row.best for row in found} == {other.rate}
        assert one.rate < other.rate
