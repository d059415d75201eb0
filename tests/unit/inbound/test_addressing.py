"""Whose a wish is: the header's company, on a shared number the last sender, or everybody; and how far it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.optouts import OptOutPolicy, Scope
from libs.common.ids import uuid7
from services.inbound.optouts.addressing import (
    Addressed,
    Party,
    Said,
    Use,
    address,
    covering,
    names_of,
    scope_of,
    wishes,
)
from services.inbound.optouts.answers import NOT_AGAIN_WITHIN, Confirmation, answer, fill
from services.inbound.optouts.contacts import Act, Contact, Standing, act_upon
from services.inbound.optouts.rules import How, Reading, Wish

AT = datetime(2026, 3, 1, tzinfo=UTC)
ALICE = "+447700900001"


def party(company_id: int, scope: Scope = Scope.COMPANY, brand: str = "", shared: bool = True) -> Party:
    return Party(company_id, "60777", "60777", brand, shared, OptOutPolicy(scope=scope))


THREE = [party(1, brand="Bright Shoes"), party(2), party(3, Scope.HEADER)]
NAMES = names_of(THREE, [("win", 2)])


def said(wish: Wish, name: str = "", company_id: int | None = None, by_keyword: bool = False) -> Said:
    return Said(uuid7(), ALICE, "60777", AT, Reading(wish, How.EXACT, name), company_id, by_keyword)


def used(company_id: int, days_ago: int = 1) -> Use:
    return Use(company_id, AT - timedelta(days=days_ago), uuid7())


class Story:
    """One number, one shared header, wish after wish."""

    def __init__(self, uses: Sequence[Use] = (), parties: Sequence[Party] = THREE) -> None:
        self.uses, self.parties = uses, parties
        self.standings: dict[Contact, Standing] = {}

    def texts(self, wish: Wish, name: str = "") -> list[int]:
        """The companies it was for."""
        one = said(wish, name)
        to = address(one, self.parties, NAMES, self.uses, self.standings)
        for each in to.parties:
            act_upon(self.standings, wishes(one, each, self.standings))
        return [each.company_id for each in to.parties]


def test_stop_is_the_last_senders_and_a_further_stop_the_one_befores() -> None:
    story = Story([used(3), used(1), used(2)])
    assert [story.texts(Wish.STOP) for _ in range(3)] == [[2], [1], [3]]
    assert story.texts(Wish.STOP) == [2], "everybody who texted is stopped: it is said to the last one again"


def test_start_opens_what_the_newest_stop_closed_one_after_the_other() -> None:
    story = Story([used(3), used(1), used(2)])
    assert (story.texts(Wish.STOP), story.texts(Wish.STOP)) == ([2], [1])
    assert [story.texts(Wish.START) for _ in range(2)] == [[1], [2]]
    assert story.texts(Wish.START) == [2], "nothing is stopped here: the last sender's"


def test_stop_all_is_everybodys_and_start_opens_all_of_it() -> None:
    story = Story([used(2)])
    assert story.texts(Wish.STOP_ALL) == [2, 1, 3]
    assert sorted(story.texts(Wish.START)) == [1, 2, 3]


def test_a_stop_where_nobody_is_known_to_have_texted_is_everybodys_also_of_those_known_later() -> None:
    everybody = Addressed(THREE, for_all=True)
    assert address(said(Wish.STOP), THREE, NAMES, [], {}) == everybody
    assert address(said(Wish.STOP), THREE, NAMES, [used(2, days_ago=91)], {}) == everybody
    assert address(said(Wish.STOP), THREE, NAMES, [used(1), used(99)], {}) == everybody, (
        "99 is not known to have it yet"
    )


@pytest.mark.parametrize(("name", "meant"), [("bright shoes", [1]), ("brightshoes", [1]), ("win", [2]), ("60777", [3])])
def test_a_name_says_whose_texts_are_meant_but_the_numbers_own_is_nobodys(name: str, meant: list[int]) -> None:
    assert Story([used(3)]).texts(Wish.STOP, name) == meant


def test_a_start_to_nobody_in_particular_is_nobodys() -> None:
    assert Story().texts(Wish.START) == []


def test_a_text_to_a_companys_own_header_or_with_its_keyword_is_its_own() -> None:
    own = party(1, shared=False)
    assert address(said(Wish.STOP_ALL, company_id=1), [own], {}, [], {}) == Addressed([own])
    assert address(said(Wish.STOP, company_id=2, by_keyword=True), THREE, NAMES, [used(1)], {}) == Addressed([THREE[1]])
    assert address(said(Wish.STOP, company_id=2), THREE, NAMES, [used(1)], {}).parties == [THREE[0]]


@given(st.sampled_from(Scope), st.sampled_from(["", "Bright"]))
def test_what_a_stop_closes_a_start_to_the_same_header_opens(scope: Scope, brand: str) -> None:
    one = party(1, scope, brand, shared=False)
    standings: dict[Contact, Standing] = {}
    act_upon(standings, wishes(said(Wish.STOP), one, standings))
    act_upon(standings, wishes(said(Wish.STOP_ALL), one, standings))
    started = wishes(said(Wish.START), one, standings)
    assert {wished.scope for wished in started} == {scope for _, _, scope in standings} <= set(covering(one))
    assert {wished.act for wished in started} == {Act.START}


def test_scopes() -> None:
    assert scope_of(party(1)) == ""
    assert scope_of(party(1, Scope.HEADER)) == "header:60777"
    assert scope_of(party(1, Scope.BRAND, "Bright")) == "brand:bright"
    assert scope_of(party(1, Scope.BRAND)) == "", "no brand: too wide is safer than unheard"


def test_a_wish_is_confirmed_once_within_hours_unless_the_other_was_since() -> None:
    stop, start = said(Wish.STOP), said(Wish.START)
    to = Addressed([THREE[0]])
    first = answer(stop, "STOP", to, {})
    assert first
    assert first.exempt
    assert (
        first.body == "Bright Shoes: you are opted out and will get no more messages from 60777. Text START to rejoin."
    )
    last = {("60777", ALICE, 1): Confirmation(Wish.STOP, AT)}
    assert answer(stop, "STOP", to, last) is None
    assert answer(said(Wish.STOP_ALL), "STOP ALL", to, last) is None
    assert answer(start, "START", to, last)
    assert answer(stop, "STOP", to, {("60777", ALICE, 1): Confirmation(Wish.STOP, AT - NOT_AGAIN_WITHIN)})
    assert answer(said(Wish.HELP), "HELP", to, last)


def test_a_wish_to_several_companies_is_answered_once_in_the_numbers_name() -> None:
    found = answer(said(Wish.STOP_ALL), "STOP ALL", Addressed(THREE, for_all=True), {})
    assert found
    assert found.body.startswith("60777: ")


def test_nothing_is_answered_from_a_name_by_a_company_that_wants_no_answer_or_for_what_is_nobodys() -> None:
    one = Party(1, "bright", "Bright", "", False, OptOutPolicy())
    by_name = Said(uuid7(), ALICE, "bright", AT, Reading(Wish.STOP, How.EXACT))
    assert answer(by_name, "STOP", Addressed([one]), {}) is None
    silent = Party(1, "60777", "60777", "", True, OptOutPolicy(stop_text=""))
    assert answer(said(Wish.STOP), "STOP", Addressed([silent]), {}) is None
    assert answer(said(Wish.START), "START", Addressed(), {}) is None
    assert answer(said(Wish.SOFT), "pls stop", Addressed([THREE[0]]), {}) is None


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert fill("{brand} {header} {other}", "{header}", "60777") == "{header} 60777 {other}"
