"""The loop guard: two machines that answer each other come to rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.inbound.replies import rules
from services.inbound.replies.rules import Answer, Past

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def answer(heard: str = "win", number: str = "+447700900001", header: str = "82830") -> Answer:
    return Answer(1, number, header, "You are in.", heard)


def allowed_at(*minutes: float, heard: str | None = None) -> list[float]:
    """At which of these a text that came from one number to one header is answered; each says something else, or all say `heard`."""
    pasts: dict[rules.Pair, Past] = {}
    allowed = []
    for minute in minutes:
        answers, pasts = rules.guarded([answer(heard or f"text {minute}")], pasts, AT + minute * MINUTE)
        allowed += [minute] * len(answers)
    return allowed


def test_three_answers_an_hour() -> None:
    assert allowed_at(0, 10, 20, 30, 59.9, 60, 69, 70) == [0, 10, 20, 60, 70]


def test_ten_answers_a_day() -> None:
    assert len(allowed_at(*range(0, 24 * 60, 20))) == 10
    assert allowed_at(*range(0, 10 * 61, 61), 23 * 60, 24 * 60) == [*range(0, 10 * 61, 61), 24 * 60]


def test_the_same_words_are_answered_twice_within_five_minutes() -> None:
    assert allowed_at(0, 1, 2, heard="I am driving") == [0, 1]
    assert allowed_at(0, 1, 5.5, heard="I am driving") == [0, 1, 5.5]
    assert len(rules.guarded([answer(), answer(), answer()], {}, AT)[0]) == 2


def test_each_header_and_number_is_counted_for_itself() -> None:
    others = [answer(number="+447700900002"), answer(header="60777")]

    assert rules.guarded([answer(), answer(), *others], {}, AT)[0] == [answer(), answer(), *others]


def test_nobody_answers_a_short_code_or_a_name() -> None:
    assert rules.to_people([answer(number=number) for number in ("82830", "Heliograph", "", "+4477009000011")]) == [
        answer(number="+4477009000011")
    ]


@given(st.lists(st.tuples(st.floats(0, 2_000), st.sampled_from(["a", "b", "c"])), max_size=60))
def test_never_more_than_the_limits_and_what_is_remembered_is_bounded(texts: list[tuple[float, str]]) -> None:
    pasts: dict[rules.Pair, Past] = {}
    at_minutes = []
    for minute, heard in sorted(texts):
        answers, pasts = rules.guarded([answer(heard)], pasts, AT + minute * MINUTE)
        at_minutes += [minute] * len(answers)

    for minute in at_minutes:
        assert sum(1 for other in at_minutes if 0 <= minute - other < 59.99) <= rules.HOUR_MAX
        assert sum(1 for other in at_minutes if 0 <= minute - other < 24 * 60 - 0.01) <= rules.DAY_MAX
    assert all(max(len(past.answered), len(past.heard)) <= rules.DAY_MAX for past in pasts.values())
