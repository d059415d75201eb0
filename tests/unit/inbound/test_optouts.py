"""What is a wish, and what follows from wishes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.inbound import ContactsStopped
from libs.common.ids import uuid7
from services.inbound.optouts.rules import WISHES, Now, Wish, Wished, announcements, by_contact, numbered, read
from services.inbound.words import words

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop",
        " Stop. ",
        "'STOP'",
        '"stop"',
        "“STOP”!!",
        "Stop\n",
        "STOP 🙏",
        "STOP ALL",
        "Stopall",
        "stop-all",
        "Unsubscribe",
        "END",
        "Quit.",
        "cancel",
        "OPTOUT",
        "Opt-out",
        "OPT  OUT",
    ],
)
def test_stop_by_plain_words(body: str) -> None:
    assert read(body) is Wish.STOP


@pytest.mark.parametrize("body", ["START", "start!", "Unstop", " ‘START’ "])
def test_start_by_plain_words(body: str) -> None:
    assert read(body) is Wish.START


@pytest.mark.parametrize(
    "body",
    [
        "Stop knowing me so well!",
        "Don't stop",
        "stopp",
        "stops",
        "the end",
        "When do you start?",
        "YES",
        "yes please",
        "S T O P",
        "stop start",
        "",
        "!",
    ],
)
def test_no_wish(body: str) -> None:
    assert read(body) is None


def test_the_table_is_in_normal_form() -> None:
    assert all(" ".join(words(key)) == key for key in WISHES)


@given(st.sampled_from(sorted(WISHES)), st.text("!?.,;:'\"“”‘’()-_*/ \t\n\u200b\ufeff🙏"), st.text("!?., 👍\n"))
def test_nothing_around_a_wish_hides_it(words: str, before: str, after: str) -> None:
    assert read(f"{before}{words.upper()}{after}") is WISHES[words]


@given(st.text())
def test_a_wish_is_a_few_letters_and_nothing_else(body: str) -> None:
    if read(body):
        assert sum(character.isalnum() for character in body) <= max(map(len, WISHES))


def wish(kind: Wish, number: str = "a", company_id: int = 1) -> Wished:
    return Wished(company_id, number, "82830", kind, AT, uuid7())


wishes = st.lists(st.builds(wish, st.sampled_from(Wish), st.sampled_from("abc"), st.sampled_from([1, 2])), max_size=20)


def counted(grouped: dict[tuple[int, str], list[Wished]], before: int = 0) -> dict[tuple[int, str], Now]:
    """What the store answers where each contact had `before` wishes, all older."""
    return {contact: Now(before + len(each), each[-1].text_id) for contact, each in grouped.items()}


@given(wishes, st.integers(0, 5))
def test_each_wish_has_a_sequence_of_its_own_after_those_before(all_: list[Wished], before: int) -> None:
    grouped = by_contact(all_)
    found = sorted(
        ((each.company_id, each.number, sequence) for sequence, each in numbered(grouped, counted(grouped, before)))
    )
    assert len(found) == len(all_)
    for _, group in groupby(found, key=lambda one: one[:2]):
        sequences = [sequence for _, _, sequence in group]
        assert sequences == list(range(before + 1, before + 1 + len(sequences)))


@given(wishes.flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_who_applies_only_higher_sequences_ends_with_the_newest_wish_of_each(
    both: tuple[list[Wished], list[Wished]],
) -> None:
    in_order, shuffled = both
    grouped = by_contact(shuffled)
    heard: dict[tuple[int, str], tuple[int, bool]] = {}
    for event in announcements(grouped, counted(grouped)):
        assert len({item.number for item in event.items}) == len(event.items), "a number is at most once in an event"
        for item in event.items:
            key = event.company_id, item.number
            if item.sequence > heard.get(key, (0, False))[0]:
                heard[key] = item.sequence, isinstance(event, ContactsStopped)
    newest = {(each.company_id, each.number): each.wish is Wish.STOP for each in in_order}
    assert {key: stopped for key, (_, stopped) in heard.items()} == newest


@given(wishes)
def test_wishes_that_all_came_late_are_not_announced(all_: list[Wished]) -> None:
    grouped = by_contact(all_)
    newer = uuid7()
    assert announcements(grouped, {contact: Now(99, newer) for contact in grouped}) == []


def test_a_stop_that_a_start_follows_in_the_same_event_is_announced_too() -> None:
    """What is queued for the number is cancelled by it."""
    grouped = by_contact([wish(Wish.STOP), wish(Wish.START)])
    stopped, reinstated = announcements(grouped, counted(grouped))
    assert (stopped.items[0].sequence, reinstated.items[0].sequence) == (1, 2)
