"""Templates' words and a search's ids, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import SCHEDULE_DAYS_MAX, SendText
from libs.common.ids import uuid7, uuid7_time
from services.messaging.lookups.rules import FIRST, LAST, between, lowest
from services.messaging.sending.rules import TRANSACTIONAL_LIFE, times
from services.messaging.templates.rules import fields, rendered

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True)


def code_of(body: str, values: dict[str, str]) -> Code:
    with pytest.raises(Refusal) as refusal:
        rendered(body, values)
    return refusal.value.code


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Hi {{name}}, {{ day }} {{name}}", ["name", "day"]),
        ("{{größe_2}}", ["größe_2"]),
        ("{{a b}} {{}} {{ }} {{a-b}} { {a}} {{a} }", []),
        ("{{{a}}}", ["a"]),
        ("{{a}}{{b}}", ["a", "b"]),
        ("{{\na}}", []),
    ],
)
def test_a_field_is_a_name_in_two_braces_and_anything_else_is_text(body: str, names: list[str]) -> None:
    assert fields(body) == names
    assert rendered(body, dict.fromkeys(names, "-")).count("-") == body.count("-") + sum(
        body.count(part) for part in ("{{name}}", "{{ day }}", "{{größe_2}}", "{{a}}", "{{b}}")
    )


@given(st.lists(st.tuples(st.text(alphabet=" {}xé", max_size=5), NAMES), max_size=6), st.text(max_size=20))
def test_each_field_is_replaced_by_its_value_once_and_values_are_never_read_again(
    parts: list[tuple[str, str]], value: str
) -> None:
    body = "".join(f"{text}|{{{{{name}}}}}" for text, name in parts)
    names = fields(body)
    loops = {name: f"{{{{{name}}}}}{value}{{{{other}}}}" for name in names}

    assert rendered(body, loops) == "".join(f"{text}|{loops[name]}" for text, name in parts)


def test_a_missing_value_an_unknown_one_and_one_too_long_are_refused() -> None:
    assert code_of("{{a}} {{b}}", {"a": "x"}) == Code.INVALID_REQUEST
    assert code_of("{{a}}", {"a": "x", "A": "x"}) == Code.INVALID_REQUEST
    assert code_of("{{a}}", {"a": "x" * 2_001}) == Code.TEXT_TOO_LONG
    assert rendered("{{a}}", {"a": ""}) == ""


@given(st.integers(-(10**9), SCHEDULE_DAYS_MAX * 86_400))
def test_a_text_is_sent_at_its_time_or_now_and_lives_two_days_from_then(ahead_s: int) -> None:
    send_at, expires_at = times(AT + timedelta(seconds=ahead_s), AT)

    assert send_at == (AT + timedelta(seconds=ahead_s) if ahead_s > 0 else None)
    assert expires_at == (send_at or AT) + TRANSACTIONAL_LIFE


def test_a_time_too_far_ahead_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        times(AT + timedelta(days=SCHEDULE_DAYS_MAX, microseconds=1), AT)
    assert refusal.value.code == Code.INVALID_DATE


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 2**48 - 1),
    st.integers(0, 2**80 - 1),
)
def test_an_id_is_at_or_above_the_lowest_of_a_moment_if_it_was_made_then_or_later(
    at: datetime, milliseconds: int, rest: int
) -> None:
    id_ = UUID(int=milliseconds << 80 | rest)
    made = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        made += timedelta(milliseconds=milliseconds)
    except OverflowError:
        made = datetime.max.replace(tzinfo=UTC)

    assert (id_ >= lowest(at)) == (made >= at)


def test_a_search_lies_between_its_times_and_after_its_last_page() -> None:
    id_ = uuid7()
    made = uuid7_time(id_)
    millisecond = timedelta(milliseconds=1)

    assert between(None, None, None) == (FIRST, LAST)
    assert between(None, None, id_) == (id_, LAST)
    for since, until, inside in (
        (made, None, True),
        (made + millisecond, None, False),
        (None, made, False),
        (None, made + millisecond, True),
        (made - millisecond, made + millisecond, True),
    ):
        low, high = between(since, until, None)
        assert (low < id_ < high) is inside
    assert between(made - millisecond, None, id_)[0] == id_


def test_half_a_character_and_a_reference_too_long_are_no_ask_at_all() -> None:
    """They could not be written into the ledger; the contract itself says no."""
    for bad in ("\ud800", "x" * 101):
        with pytest.raises(ValidationError):
            SendText(to="x", sender="x", body="x", reference=bad)
