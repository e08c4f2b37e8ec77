"""kit.states: only what a table lists may happen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.kit.states import IllegalMove, check_move, closed
from payments.models import Withdrawal
from tests.every import every

DOOR = {"open": {"shut"}, "shut": {"open", "locked"}, "locked": frozenset(), "lost": []}
states = st.sampled_from([*DOOR, "ajar", ""])


class TestCheckMove:
    @given(states, states)
    def test_a_move_passes_exactly_if_the_table_lists_it(self, old: str, new: str) -> None:
        if new in DOOR.get(old, ()):
            check_move(DOOR, old, new)
        else:
            with pytest.raises(IllegalMove) as caught:
                check_move(DOOR, old, new)
            assert (caught.value.old, caught.value.new) == (old, new)

    @every("state", DOOR)
    def test_staying_is_no_move(self, state: str) -> None:
        with pytest.raises(IllegalMove):
            check_move(DOOR, state, state)

    def test_a_part_of_a_word_is_not_the_word(self) -> None:
        with pytest.raises(IllegalMove):
            check_move({"open": ["shut"]}, "open", "shu")

    def test_the_refusal_is_a_plain_sentence(self) -> None:
        with pytest.raises(IllegalMove, match=r"^This is locked and cannot become open\.$"):
            check_move(DOOR, "locked", "open")

    def test_it_uses_the_words_of_the_pages(self) -> None:
        with pytest.raises(IllegalMove, match=r"^This is awaiting approval and cannot become complete\.$"):
            check_move(Withdrawal.TRANSITIONS, "awaiting_approval", "complete")


class TestClosed:
    def test_names_the_states_that_nothing_leaves(self) -> None:
        assert closed(DOOR) == {"locked", "lost"}

    @given(st.dictionaries(states, st.sets(states)))
    def test_no_move_leaves_a_closed_state(self, table: dict[str, set[str]]) -> None:
        for state in closed(table):
            for other in table:
                with pytest.raises(IllegalMove):
                    check_move(table, state, other)
