"""Which wish of a number holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.inbound import Membership
from services.phonelist.memberships import rules

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def wish(joins: bool, seconds: int, list_id: int = 1, number: str = "+447700900001") -> Membership:
    return Membership(list_id=list_id, number=number, joins=joins, at=AT + timedelta(seconds=seconds))


def test_the_newest_wish_holds_and_of_one_moment_the_last() -> None:
    assert rules.newest([wish(True, 5), wish(False, 1)]) == {1: [wish(True, 5)]}
    assert rules.newest([wish(True, 5), wish(False, 5)]) == {1: [wish(False, 5)]}
    assert rules.newest([wish(True, 5, 2), wish(False, 1, 1)]) == {1: [wish(False, 1, 1)], 2: [wish(True, 5, 2)]}


@given(st.lists(st.builds(wish, st.booleans(), st.integers(0, 9), st.integers(1, 3), st.sampled_from("ab"))))
def test_each_number_has_one_wish_a_list_and_none_is_newer(wishes: list[Membership]) -> None:
    held = [one for of_list in rules.newest(wishes).values() for one in of_list]

    assert len({(one.list_id, one.number) for one in held}) == len(held)
    for one in wishes:
        assert any((one.list_id, one.number) == (h.list_id, h.number) and h.at >= one.at for h in held)
