"""Who of a page becomes a recipient, and with which words."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm, merge
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import Forecast
from libs.common.contracts.phonelist import Incomplete, IncompleteEntry
from services.campaign.dryruns import rules as dry_runs
from services.campaign.freezing import rules

HELLO = rules.template("Hi {{first_name:title}}{{surname|}}", personal=True)
NUMBERS = st.lists(st.integers(447700900000, 447700900030), unique=True)
VALUES = st.sampled_from(["sam", "Ros\u00e9 \U0001f600", None, "", "x" * 5_000])


@given(NUMBERS, st.sets(st.integers(447700900000, 447700900030)), st.data())
def test_each_of_a_page_is_chosen_left_out_or_incomplete_once(
    numbers: list[int], left_out: set[int], data: st.DataObject
) -> None:
    values = [[data.draw(VALUES), data.draw(VALUES)] for _ in numbers]

    chosen = rules.chosen(numbers, values, 7, left_out, HELLO)

    incomplete = [row.number for row in chosen.incomplete]
    assert Counter([*chosen.numbers, *incomplete, *(n for n in numbers if n in left_out)]) == Counter(numbers)
    assert [n for n in numbers if n in set(chosen.numbers)] == list(chosen.numbers)
    assert all(numbers[row.place - 8] == row.number for row in chosen.incomplete)
    assert chosen.bodies is not None
    assert len(chosen.bodies) == len(chosen.numbers)
    assert all(gsm.segments(body) <= gsm.PARTS_MAX for body in chosen.bodies)


@given(NUMBERS, st.sets(st.integers(447700900000, 447700900030)))
def test_everybody_of_a_plain_page_is_chosen_but_those_left_out(numbers: list[int], left_out: set[int]) -> None:
    chosen = rules.chosen(numbers, [], 0, left_out, None)

    assert (list(chosen.numbers), chosen.bodies) == ([n for n in numbers if n not in left_out], None)


def test_why_a_row_is_incomplete_is_told() -> None:
    assert HELLO is not None
    assert rules.words(HELLO, [None, None]) == merge.Missing(("first_name",))
    assert rules.words(HELLO, ["sam", "x" * 5_000]) == merge.Missing((rules.TOO_LONG,))
    maybe = rules.template("{{first_name|}}", personal=True)
    assert maybe is not None
    assert rules.words(maybe, [None]) == merge.Missing((rules.EMPTY,))


def test_a_text_that_nobody_could_be_sent_is_refused() -> None:
    full = "x" * (gsm.PARTS_MAX * 153 - 1)
    rules.require_sendable(f"{full}{{{{first_name}}}}", personal=True)
    for body in (f"{full}x{{{{first_name}}}}", f"{full}{{{{first_name}}}}{{{{surname}}}}"):
        with pytest.raises(Refusal) as refusal:
            rules.require_sendable(body, personal=True)
        assert refusal.value.code is Code.TEXT_TOO_LONG
    with pytest.raises(Refusal, match="unknown field 'nobody'"):
        rules.require_sendable("Hi {{nobody}}", personal=True)
    rules.require_sendable("Hi {{nobody}}", personal=False)


def test_what_is_personal_without_a_field_is_the_same_for_all() -> None:
    assert rules.template("Tea is served.", personal=True) is None


def test_incomplete_entries_are_told_with_list_row_number_and_fields() -> None:
    entry = IncompleteEntry(row=3, number="+447700900001", missing=["first_name", "city"])

    assert rules.incomplete({5: Incomplete(count=0, entries=[])}) == ""
    assert rules.incomplete({5: Incomplete(count=1, entries=[entry])}) == (
        "1 entry lacks fields that the text needs: list 5, row 3, +447700900001: first_name, city"
    )
    many = {5: Incomplete(count=700, entries=[entry] * 4), 6: Incomplete(count=2, entries=[entry] * 2)}
    said = rules.incomplete(many)
    assert said.startswith("702 entries lack")
    assert said.endswith("; and others")
    assert said.count("row 3") == rules.ROWS_SHOWN


counts = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 9))
forecasts = st.builds(
    Forecast,
    would_get=st.integers(0, 9),
    left_out=counts,
    texts=counts,
    by_parts=st.dictionaries(st.integers(1, 3), st.integers(1, 9)),
    micros=st.integers(0, 99),
    currency=st.just("GBP"),
)


@given(st.lists(forecasts, min_size=1))
def test_sums_of_forecasts_are_the_same_however_they_are_cut_into_rounds(given_: list[Forecast]) -> None:
    whole = dry_runs.added(dry_runs.NOTHING, given_)
    by_one = dry_runs.NOTHING
    for forecast in given_:
        by_one = dry_runs.added(Forecast.model_validate_json(by_one.model_dump_json()), [forecast])

    assert by_one == whole
    assert whole.would_get == sum(forecast.would_get for forecast in given_)
    assert dry_runs.parts(whole.by_parts) == sum(dry_runs.parts(forecast.by_parts) for forecast in given_)
