"""CSV rows: however the bytes are cut, the rows are those that Python's csv reads from the whole."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.phonelist import BadRow
from libs.common.csv_rows import BadCsv, CsvRows, Row, read_columns

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


def rows_of(data: bytes, cuts: list[int]) -> list[Row | BadRow]:
    parser, rows = CsvRows(), list[Row | BadRow]()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        rows += parser.feed(data[start:end])
    return rows + list(parser.feed(b"", final=True))


@given(
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=8),
    cuts=st.lists(st.integers(0, 10_000), max_size=5),
    ending=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from(",;\t"),
    bom=st.booleans(),
)
def test_any_cut_gives_the_rows_of_the_whole(
    rows: list[tuple[str, str]], cuts: list[int], ending: str, delimiter: str, bom: bool
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=ending)
    writer.writerows([("phone", "surname"), *rows])
    data = ("\ufeff" if bom else "") + written.getvalue()

    read = rows_of(data.encode(), cuts)

    expected = [(number.strip(), surname.strip()) for number, surname in rows if number.strip() or surname.strip()]
    assert expected == [
        (row.entry.phone_number, row.entry.surname or "") if isinstance(row, Row) else None for row in read
    ]


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Phone Number", ("phone_number",)),
        ("telephone;MOBILE", (None, "phone_number")),
        ("First-Name\tLast Name\tTel.", ("first_name", "surname", "phone_number")),
        ('"phone","dob","E-Mail Address"', ("phone_number", "date_of_birth", "email")),
        ("phone,Address 1,address_1", ("phone_number", "address1", None)),
        ("Größe,number,user 1", (None, "phone_number", "user1")),
    ],
)
def test_columns_are_known_by_the_names_people_give_them(header: str, fields: tuple[str | None, ...]) -> None:
    assert fields == read_columns(header, 1).fields


def entries(text: str) -> dict[int, str]:
    """Numbers by line; a bad row's reason."""
    return {
        row.line: row.entry.phone_number if isinstance(row, Row) else row.reason for row in rows_of(text.encode(), [])
    }


def test_values_go_where_the_names_say_in_any_order_and_case() -> None:
    [row] = rows_of(
        b"Surname,First Name,PHONE NUMBER,shoe size,Date of Birth,User1\nHale,Ann,07700 900001,5,31/12/1980,x", []
    )

    assert isinstance(row, Row)
    assert ("07700 900001", "Ann", "Hale", date(1980, 12, 31), "x", 2) == (
        row.entry.phone_number,
        row.entry.first_name,
        row.entry.surname,
        row.entry.date_of_birth,
        row.entry.user1,
        row.line,
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("07700900001,x\n07700900002\n", {1: "07700900001", 2: "07700900002"}),
        ("\n+44 7700 900001", {2: "+44 7700 900001"}),
        ("07700900001;Ann;x\n\n07700900002;Bob;y", {1: "07700900001", 3: "07700900002"}),
    ],
)
def test_a_file_without_names_is_numbers_in_its_first_column(text: str, numbers: dict[int, str]) -> None:
    assert numbers == entries(text)


def test_a_date_that_is_none_is_a_bad_row_and_those_around_it_keep_their_lines() -> None:
    read = entries("phone,dob\n1,1980-01-01\n2,yesterday\n3,\n4,31/12/80")

    assert (
        {line: said for line, said in read.items() if said.isdigit()},
        [line for line, said in read.items() if "date" in said],
    ) == ({2: "1", 4: "3"}, [3, 5])


def test_a_row_without_a_number_is_for_phonelist_to_refuse() -> None:
    assert entries("phone,surname\n,Hale") == {2: ""}


@pytest.mark.parametrize("text", ["", "phone", "\n\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert entries(text) == {}


@pytest.mark.parametrize("text", ["name,town\nAnn,Bath", "Ann,07700900001", "1"])
def test_a_file_that_names_no_number_and_begins_with_none_is_refused(text: str) -> None:
    with pytest.raises(BadCsv, match="line 1"):
        entries(text)
