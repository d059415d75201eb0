"""CSV rows: however the bytes are cut, the rows are those that Python's csv reads from the whole."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.phonelist import BadRow
from services.gateway.api.csv_rows import CsvRows, Row, read_columns
from services.gateway.api.imports import Import

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


@given(st.lists(st.integers(1, 5), min_size=1, max_size=50))
def test_a_rows_line_is_found_again(gaps: list[int]) -> None:
    known, lines, line = Import(), [], 1
    for gap in gaps:
        line += gap
        known.add_row(line)
        lines.append(line)

    assert lines == [known.line_of(row) for row in range(1, len(lines) + 1)]


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
