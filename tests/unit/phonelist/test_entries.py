"""The check of a row."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from libs.common import phone
from libs.common.contracts.base import Code
from libs.common.contracts.phonelist import FIELDS, Entry
from services.phonelist.entries import (
    HAS_NUL,
    NO_NUMBER,
    NOT_A_NUMBER,
    TOO_LONG,
    VALUE_CHARACTERS_MAX,
    check,
    code,
)

numbers = st.one_of(
    st.integers(0, 999).map(lambda n: f"07700 900{n:03d}"),
    st.sampled_from(["", " ", "+44 20 7946 0018", "x", "07700900001 ext 2", "++44", "07700\0900001"]),
    st.text(max_size=60),
)


def test_the_number_is_the_first_column_and_all_documented_fields_are_there() -> None:
    assert FIELDS[0] == "phone_number"
    assert len(FIELDS) == 17


def test_a_row_is_its_line_its_number_and_its_fields_as_given() -> None:
    good, bad = check([Entry(phone_number="07700 900001", surname=" O'Neil ", date_of_birth=date(2000, 1, 2))], 7)
    assert bad == []
    [row] = good
    assert dict(zip(("line", *FIELDS), row, strict=True)) == dict.fromkeys(FIELDS) | {
        "line": 7,
        "phone_number": 447700900001,
        "surname": " O'Neil ",
        "date_of_birth": date(2000, 1, 2),
    }


@given(st.lists(numbers, max_size=20), st.integers(1, 10**9))
def test_each_line_is_either_good_or_bad(given_: list[str], first_line: int) -> None:
    good, bad = check([Entry(phone_number=number) for number in given_], first_line)

    assert sorted([*(row[0] for row in good), *(row.line for row in bad)]) == [
        first_line + n for n in range(len(given_))
    ]
    assert all(f"+{row[1]}" == phone.e164(given_[row[0] - first_line]) for row in good)
    assert all(len(row.value) <= 40 and "\0" not in row.value for row in bad)
    assert {row.reason for row in bad if not given_[row.line - first_line].strip()} <= {NO_NUMBER}


def test_what_is_wrong_is_said() -> None:
    rows = [
        Entry(phone_number=""),
        Entry(phone_number="12"),
        Entry(phone_number="07700900001", city="a\0"),
        Entry(phone_number="07700900001", city="x" * VALUE_CHARACTERS_MAX),
        Entry(phone_number="07700900001", city="x" * (VALUE_CHARACTERS_MAX + 1)),
    ]
    _, bad = check(rows, 1)
    assert [(row.line, row.reason) for row in bad] == [(1, NO_NUMBER), (2, NOT_A_NUMBER), (3, HAS_NUL), (5, TOO_LONG)]
    assert [code(row) for row in bad] == [
        Code.INVALID_NUMBER,
        Code.INVALID_NUMBER,
        Code.INVALID_REQUEST,
        Code.INVALID_REQUEST,
    ]
