"""What wishes make of contacts: the newest holds in whatever order they come, and who hears of them ends as they do."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped
from libs.common.ids import uuid7
from services.inbound.optouts.contacts import (
    Act,
    Change,
    Contact,
    Standing,
    State,
    Wished,
    act_upon,
    announcements,
    just_after,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)


def wish(act: Act, number: str = "a", company_id: int = 1, scope: str = "") -> Wished:
    id_ = uuid7()
    return Wished(company_id, number, scope, "82830", act, AT, id_, text_id=id_)


acts = st.sampled_from([Act.STOP, Act.START, Act.SOFT])
wishes = st.lists(
    st.builds(wish, acts, st.sampled_from("abc"), st.sampled_from([1, 2]), st.sampled_from(["", "header:82830"])),
    max_size=20,
)


def stand(*all_: Wished) -> tuple[dict[Contact, Standing], list[Change]]:
    standings: dict[Contact, Standing] = {}
    return standings, [change for one in all_ for change in act_upon(standings, [one])]


def states(standings: dict[Contact, Standing]) -> dict[Contact, State]:
    return {contact: standing.state for contact, standing in standings.items()}


@given(wishes)
def test_each_wish_has_a_sequence_of_its_own(all_: list[Wished]) -> None:
    standings, changes = stand(*all_)
    for contact, standing in standings.items():
        mine = [change.sequence for change in changes if change.wished.contact == contact]
        assert mine == list(range(1, standing.sequence + 1))


@given(wishes.flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_a_stop_and_a_start_hold_by_their_order_of_arrival_whatever_order_they_are_handled_in(
    both: tuple[list[Wished], list[Wished]],
) -> None:
    plain = [[one for one in some if one.act is not Act.SOFT] for some in both]
    assert states(stand(*plain[0])[0]) == states(stand(*plain[1])[0])


@given(wishes.flatmap(lambda all_: st.permutations(all_)))
def test_whoever_is_newest_in_a_stop_is_stopped_in_any_order_with_soft_ones_between(all_: list[Wished]) -> None:
    standings, _ = stand(*all_)
    for contact, standing in standings.items():
        mine = sorted((one for one in all_ if one.contact == contact), key=lambda one: one.id)
        plain = [one for one in mine if one.act is not Act.SOFT]
        if plain and plain[-1].act is Act.STOP:
            assert standing.state is State.STOPPED
        if mine[-1].act is Act.START:
            assert standing.state is State.REINSTATED
        if mine[-1].act is Act.SOFT:
            assert standing.state in (State.SOFT, State.STOPPED)


@given(wishes.flatmap(lambda all_: st.permutations(all_)), st.randoms())
def test_who_applies_only_higher_sequences_ends_as_the_contacts_do(all_: list[Wished], random: object) -> None:
    """As messaging does: a STOP and what looks like one are causes of their own, a START ends both, each by its sequence."""
    standings, changes = stand(*all_)
    heard: dict[tuple[Contact, bool], tuple[int, bool]] = {}
    for event in announcements(changes):
        stopped = isinstance(event, ContactsStopped)
        for item in event.items:
            contact = event.company_id, item.number, item.scope
            for soft in (item.soft,) if stopped or item.soft else (False, True):
                if item.sequence > heard.get((contact, soft), (0, False))[0]:
                    heard[contact, soft] = item.sequence, stopped
    for contact, standing in standings.items():
        hard = heard.get((contact, False), (0, False))[1]
        soft = heard.get((contact, True), (0, False))[1]
        told = State.STOPPED if hard else State.SOFT if soft else None
        assert told == (standing.state if standing.state in (State.STOPPED, State.SOFT) else None)


@given(wishes)
def test_a_contact_is_at_most_once_in_an_event_in_one_way(all_: list[Wished]) -> None:
    for event in announcements(stand(*all_)[1]):
        told = [(item.number, item.scope, item.soft) for item in event.items]
        assert len(told) == len(set(told))


def test_a_wish_that_came_later_than_a_newer_one_is_counted_and_not_told() -> None:
    start, stop = wish(Act.START), wish(Act.STOP)
    standings, changes = stand(stop, start)
    assert [change.told for change in changes] == [True, False]
    assert standings[stop.contact].sequence == 2
    assert standings[stop.contact].state is State.STOPPED


def test_a_stop_that_a_start_follows_in_the_same_event_is_announced_too() -> None:
    """What is queued for the number is cancelled by it."""
    stopped, reinstated = announcements(stand(wish(Act.STOP), wish(Act.START))[1])
    assert isinstance(stopped, ContactsStopped)
    assert isinstance(reinstated, ContactsReinstated)
    assert (stopped.items[0].sequence, reinstated.items[0].sequence) == (1, 2)


def test_a_person_who_keeps_a_text_lifts_what_waited_for_it_and_no_more() -> None:
    soft = wish(Act.SOFT)
    keep = Wished(1, "a", "", "82830", Act.KEEP, AT, just_after(soft.id), user_id=7)
    assert stand(soft, keep)[0][soft.contact].state is State.CLEAR
    assert stand(soft, wish(Act.SOFT), keep)[0][soft.contact].state is State.SOFT, "a newer one waits still"
    assert stand(wish(Act.STOP), soft, keep)[0][soft.contact].state is State.STOPPED
    first = wish(Act.START)
    later = wish(Act.SOFT)
    keep = Wished(1, "a", "", "82830", Act.KEEP, AT, just_after(later.id), user_id=7)
    assert stand(first, later, keep)[0][soft.contact].state is State.REINSTATED


def test_a_start_lifts_what_only_looks_like_a_stop() -> None:
    assert stand(wish(Act.SOFT), wish(Act.START))[0][1, "a", ""].state is State.REINSTATED


def test_a_soft_one_beneath_a_stop_leaves_the_contact_standing_by_its_stop() -> None:
    stop, soft = wish(Act.STOP), wish(Act.SOFT)
    assert stand(stop, soft)[0][stop.contact].id == stop.id
