"""A CSV as entries: each row once, with its line, and none dropped in silence."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.phonelist import Entry
from services.console.csv_rows import Bad, Batch, batches


def entries(lines: list[str]) -> dict[int, Entry]:
    """By line."""
    return {
        batch.first_line + n: entry
        for batch in batches(lines)
        if isinstance(batch, Batch)
        for n, entry in enumerate(batch.entries)
    }


def test_columns_go_where_their_names_say_in_any_order_and_case() -> None:
    lines = ["Surname,First Name,PHONE NUMBER,shoe size,Date of Birth,User1", "Hale,Ann,07700 900001,5,31/12/1980,x"]

    [entry] = entries(lines).values()

    assert ("07700 900001", "Ann", "Hale", date(1980, 12, 31), "x") == (
        entry.phone_number,
        entry.first_name,
        entry.surname,
        entry.date_of_birth,
        entry.user1,
    )


def test_a_file_without_names_is_numbers_in_its_first_column() -> None:
    assert {line: entry.phone_number for line, entry in entries(["07700900001,x", "07700900002"]).items()} == {
        1: "07700900001",
        2: "07700900002",
    }


def test_a_date_that_is_none_is_a_bad_row_and_those_around_it_keep_their_lines() -> None:
    lines = ["phone,dob", "1,1980-01-01", "2,yesterday", "3,"]

    assert [bad.line for bad in batches(lines) if isinstance(bad, Bad)] == [3]
    assert {line: entry.phone_number for line, entry in entries(lines).items()} == {2: "1", 4: "3"}


def test_a_row_without_a_number_is_for_phonelist_to_refuse() -> None:
    assert entries(["phone,surname", ",Hale"])[2].phone_number == ""


@pytest.mark.parametrize("lines", [[], ["phone"], ["", ""]])
def test_nothing_is_nothing(lines: list[str]) -> None:
    assert list(batches(lines)) == []


@given(st.lists(st.sampled_from(["number", "empty", "bad"]), max_size=40), st.booleans())
def test_every_row_is_there_once_with_its_own_line(rows: list[str], named: bool) -> None:
    text = {"number": "07700900001,", "empty": ",", "bad": "1,never"}
    lines = ["phone,dob"] * named + [text[row] if named else text[row].split(",")[0] for row in rows]
    first = 1 + named

    found: dict[int, str] = dict.fromkeys(entries(lines), "number")
    found |= {bad.line: "bad" for bad in batches(lines) if isinstance(bad, Bad)}

    expected = {n: row for n, row in enumerate(rows, start=first) if row != "empty"}
    assert found == (expected if named else dict.fromkeys(expected, "number"))


def test_a_long_file_comes_in_batches_that_a_fold_can_carry() -> None:
    sizes = [len(batch.entries) for batch in batches(["phone", *["1"] * 1201]) if isinstance(batch, Batch)]

    assert sizes == [ITEMS_MAX, ITEMS_MAX, 201]
