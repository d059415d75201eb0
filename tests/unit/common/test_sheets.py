"""Files of people: whatever writes a table, it reads back the same; what is wrong in it is told by its line."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from libs.common.contracts.phonelist import BadRow, Repaired
from libs.common.sheets import columns, csv_records, reading
from libs.common.sheets.csv_records import BadSheet, CsvRecords
from libs.common.sheets.incoming import Incoming
from tests.sheet_files import xlsx

CP1252 = (
    [chr(c) for c in range(0x20, 0x7F)] + [bytes([c]).decode("cp1252") for c in range(0xA0, 0x100)] + ["€", "’", "\n"]
)


@dataclass
class Read:
    """`rows`: by line, what each field has."""

    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    repairs: list[Repaired] = field(default_factory=list)
    repaired: dict[str, int] = field(default_factory=dict)
    pieces: list[tuple[list[int], list[BadRow]]] = field(default_factory=list)
    columns: columns.Columns | None = None


async def _chunks(data: bytes, cuts: Sequence[int]) -> AsyncIterator[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        yield data[start:end]


async def _read(data: bytes, cuts: Sequence[int], sheet: str) -> Read:
    incoming, read = Incoming(), Read()
    async for block in incoming.blocks(_chunks(data, cuts), sheet):
        for line, values in zip(block.lines, zip(*block.columns, strict=True), strict=True):
            read.rows[line] = {field: value for field, value in zip(block.fields, values, strict=True) if value}
        read.bad += block.bad
        read.repairs += block.repairs
        read.pieces.append((block.lines, block.bad))
        for how, times in block.repaired.items():
            read.repaired[how] = read.repaired.get(how, 0) + times
    read.columns = incoming.columns
    assert incoming.lines == len(read.rows) + len(read.bad)
    return read


def read_file(data: bytes, cuts: Sequence[int] = (), sheet: str = "") -> Read:
    return asyncio.run(_read(data, cuts, sheet))


def numbers(text: str) -> dict[int, str]:
    return {line: row["phone_number"] for line, row in read_file(text.encode()).rows.items()}


def value(alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.text(alphabet, max_size=12).map(str.strip)


ANY = value(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))
WESTERN = value(st.sampled_from(CP1252))
NUMBER = st.integers(0, 999).map(lambda n: f"+447700900{n:03d}")


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]))
    of = WESTERN if encoding == "cp1252" else ANY
    rows = draw(st.lists(st.tuples(of, NUMBER, of), min_size=1, max_size=8))
    return encoding, [list(row) for row in rows]


@settings(max_examples=300)
@given(
    table=tables(),
    cuts=st.lists(st.integers(0, 10_000), max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    names=st.permutations(["Surname", "Mobile No.", "Town"]),
)
def test_any_table_in_any_writing_and_any_cut_reads_back_the_same(
    table: tuple[str, list[list[str]]], cuts: list[int], ending: str, delimiter: str, quoting: int, names: list[str]
) -> None:
    encoding, rows = table
    order = [("Surname", "Mobile No.", "Town").index(name) for name in names]
    if ending == "\r":
        quoting = csv.QUOTE_ALL  # Python's writer leaves a line feed bare where its own lines end otherwise
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([names, *([row[place] for place in order] for row in rows)])
    text = written.getvalue()
    if encoding == "cp1252":
        assume(not _begins_as_utf8(text.encode("cp1252")))

    read = read_file(text.encode(encoding), cuts)

    given_ = [{"surname": a, "phone_number": n, "city": b} for a, n, b in rows]
    assert list(read.rows.values()) == [{field: value for field, value in row.items() if value} for row in given_]
    assert (read.bad, read.repaired) == ([], {})


def _begins_as_utf8(data: bytes) -> bool:
    """Then there is no telling: what is ASCII is the same in both."""
    try:
        return not data.decode().isascii()
    except UnicodeDecodeError as error:
        return not data[: error.start].decode().isascii()


@settings(max_examples=10)
@given(st.lists(st.tuples(ANY, NUMBER, ANY), min_size=1, max_size=5))
def test_a_spreadsheet_reads_back_the_same_by_its_rows(rows: list[tuple[str, str, str]]) -> None:
    clean = [
        ["".join(c for c in value if c >= " " and c not in "\ufffe\uffff").strip() for value in row] for row in rows
    ]
    read = read_file(xlsx([["Surname", "Mobile", "Town"], *clean]))

    expected = {
        line: {field: value for field, value in (("surname", a), ("phone_number", n), ("city", b)) if value}
        for line, (a, n, b) in enumerate(clean, 2)
    }
    assert (read.rows, read.bad) == (expected, [])


@settings(max_examples=20)
@given(st.lists(st.integers(0, 100_000), max_size=6), st.lists(st.integers(0, 100_000), max_size=6))
def test_a_file_is_cut_into_the_same_pieces_however_its_bytes_come(one: list[int], other: list[int]) -> None:
    lines = [
        f"07700{900000 + n % 1000},{'x' * (n % 90)}" if n % 7 else '"stray' if n % 5 else "bad," for n in range(6_000)
    ]
    data = "\n".join(["phone,surname", *lines]).encode()
    assert read_file(data, one).pieces == read_file(data, other).pieces


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Phone Number", {"phone_number": 0}),
        ("telephone;MOBILE", {"phone_number": 1}),
        ("First-Name\tLast Name\tTel.", {"first_name": 0, "surname": 1, "phone_number": 2}),
        ('"phone","dob","E-Mail Address"', {"phone_number": 0, "date_of_birth": 1, "email": 2}),
        ("phone,Address 1,address_1", {"phone_number": 0, "address1": 1}),
        ("Größe,number,user 1", {"phone_number": 1, "user1": 2}),
        ("Customer mobile (UK);Forename", {"phone_number": 0, "first_name": 1}),
        ("Zip Code,Town,Home phone,Msisdn", {"postcode": 0, "city": 1, "phone_number": 3}),
        ("sep=;\nReference;Number", {"reference": 0, "phone_number": 1}),
        ("Customers of March,,\n,,\nTitle,Surname,Mobile", {"title": 0, "surname": 1, "phone_number": 2}),
    ],
)
def test_columns_are_known_by_the_names_people_give_them(header: str, fields: dict[str, int]) -> None:
    read = CsvRecords()
    read.feed(header.encode(), final=True)
    assert read.columns is not None
    assert dict(read.columns.places) == fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07700900001,x\n07700900002\n", {1: "+447700900001", 2: "+447700900002"}),
        ("\n+44 7700 900001", {2: "+447700900001"}),
        ("07700900001;Ann;x\n\n07700900002;Bob;y", {1: "+447700900001", 3: "+447700900002"}),
        ("Ann,07700900001\nBob,nobody\nCis,07700900003", {1: "+447700900001", 3: "+447700900003"}),
        ("name;contact\nAnn;07700900001\nBob;07700900002", {2: "+447700900001", 3: "+447700900002"}),
        ("id,kontakt,town\n1,7700900001,Bath\n2,7700900002,York", {2: "+447700900001", 3: "+447700900002"}),
        ("7700900001\n7700900002", {1: "+447700900001", 2: "+447700900002"}),
    ],
)
def test_a_number_column_that_no_name_tells_is_found_by_what_it_holds(text: str, expected: dict[int, str]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize("text", ["name,town\nAnn,Bath", "1", "Ann", "id\n1\n2\n3"])
def test_a_file_without_numbers_is_refused(text: str) -> None:
    with pytest.raises(BadSheet, match="line 1"):
        read_file(text.encode())


@pytest.mark.parametrize("text", ["", "\n\n", " \n"])
def test_an_empty_file_is_refused_as_such(text: str) -> None:
    with pytest.raises(BadSheet, match="empty"):
        read_file(text.encode())


def test_a_file_of_names_alone_is_read_and_holds_nothing() -> None:
    assert read_file(b"phone,surname\n").rows == {}


def test_values_go_where_the_names_say_and_what_has_no_place_is_told() -> None:
    read = read_file(
        b"Surname,First Name,PHONE NUMBER,shoe size,Date of Birth,User1\nHale,Ann,07700 900001,5,31/12/1980,x"
    )

    expected = {
        "surname": "Hale",
        "first_name": "Ann",
        "phone_number": "+447700900001",
        "date_of_birth": "1980-12-31",
        "user1": "x",
    }
    assert read.rows == {2: expected}
    assert read.columns is not None
    assert (read.columns.ignored, read.columns.told["phone_number"]) == (["shoe size"], "PHONE NUMBER")


@given(
    st.dates(date(1000, 1, 1)),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d 00:00:00", "%d %b %Y", "%d-%B-%Y"]),
)
def test_a_date_is_read_in_the_ways_of_this_country(born: date, form: str) -> None:
    read = read_file(f"phone,dob\n07700900001,{born.strftime(form)}".encode())
    assert read.rows[2]["date_of_birth"] == born.isoformat()


def test_bad_rows_are_told_by_line_with_value_and_reason_and_those_around_them_stay() -> None:
    text = (
        "phone,dob,town\n"  # 1
        "07700900001,1980-01-01,Bath\n"
        "07700900002,yesterday,Bath\n"
        '07700900003,,"Bath\nSpa"\n'  # 4 and 5
        "07700900004,31/12/80\n"
        "07700900005,,,,too many\n"
        ",,York\n"
        ",,\n"
        "nobody\n"  # 10
        "4.477E+11\n"
        f"07700900006,,{'x' * 1001}\n"
        '07700900007,"stray,York\n' + "\n".join(f"077009001{n:02d},," for n in range(30))  # 13
    )
    read = read_file(text.encode())

    assert [(row.line, row.value, row.reason) for row in read.bad] == [
        (3, "07700900002", reading.NO_DATE),
        (6, "07700900004", reading.NO_DATE),
        (7, "07700900005", reading.MORE_VALUES),
        (8, "", "a phone number is required"),
        (10, "nobody", "this is not a phone number"),
        (11, "4.477E+11", "a spreadsheet has cut digits off: format the column as text and enter the number anew"),
        (12, "07700900006", "city has more than 1000 characters"),
        (13, '07700900007,"stray,York', csv_records.NOT_CLOSED),
    ]
    assert read.rows[4] == {"phone_number": "+447700900003", "city": "Bath\nSpa"}
    assert sorted(read.rows) == [2, 4, *range(14, 44)]


def test_a_quote_left_open_at_the_end_spoils_its_line_alone() -> None:
    read = read_file(b'phone,surname\n07700900001,"Hale\n07700900002,Bell\n')
    assert ([row.line for row in read.bad], sorted(read.rows)) == ([2], [3])


def test_a_million_stray_quotes_are_looked_at_in_time() -> None:
    data = b"phone,surname\n" + b'07700900001,"x' * 40_000
    assert read_file(data + b"\n" + b'07700900001,"\n' * 20_000).bad


def test_windows_1252_is_known_wherever_its_first_byte_stands() -> None:
    plain = "".join(f"077009{n:05d},Smith\n" for n in range(5_000))
    read = read_file(f"phone,surname\n{plain}07700900001,Größe’s\n".encode("cp1252"), [70_000])
    assert read.rows[5_002] == {"phone_number": "+447700900001", "surname": "Größe’s"}


def test_a_file_of_two_encodings_is_refused_at_the_line_where_it_changes() -> None:
    with pytest.raises(BadSheet, match="line 3: it is not utf-8"):
        read_file("phone,surname\n07700900001,Größe\n".encode() + "07700900002,Größe\n".encode("cp1252"))


def test_repairs_are_counted_and_the_first_of_each_kind_shown() -> None:
    lines = ["phone", *(f"07700 900{n:03d}" for n in range(20)), "O7700900500", "'07700900501"]
    read = read_file("\n".join(lines).encode())

    assert read.repaired == {"separators": 20, "letter_o": 1, "apostrophe": 1}
    shown = [(each.line, each.value, each.number) for each in read.repairs]
    assert shown[:1] == [(2, "07700 900000", "+447700900000")]
    assert shown[reading.REPAIRS_SHOWN :] == [
        (22, "O7700900500", "+447700900500"),
        (23, "'07700900501", "+447700900501"),
    ]


def test_numbers_of_a_spreadsheet_have_all_their_digits_and_what_it_lost_is_put_back() -> None:
    table: list[list[object]] = [
        ["Mobile", "DOB"],
        [7700900001, date(1980, 12, 31)],
        [447700900002.0, None],
        [None, None],
        ["07700900003", "31/12/1980"],
        [7700900004.5, None],
    ]
    read = read_file(xlsx(table))

    assert {line: row["phone_number"] for line, row in read.rows.items()} == {
        2: "+447700900001",
        3: "+447700900002",
        5: "+447700900003",
    }
    assert read.rows[2]["date_of_birth"] == read.rows[5]["date_of_birth"] == "1980-12-31"
    assert [(row.line, row.value) for row in read.bad] == [(6, "7700900004.5")]
    assert read.repaired == {"missing_zero": 1, "missing_plus": 1}


def test_the_first_sheet_that_is_seen_is_read_or_the_one_that_is_named() -> None:
    sheets = {
        "Notes": ([["x"]], True),
        "People": ([["phone"], ["07700900001"]], False),
        "More": ([["phone"], ["07700900002"]], False),
    }
    data = xlsx(sheets)
    assert list(read_file(data).rows.values()) == [{"phone_number": "+447700900001"}]
    assert list(read_file(data, sheet="More").rows.values()) == [{"phone_number": "+447700900002"}]
    with pytest.raises(BadSheet, match="no sheet 'Other'; it has 'Notes', 'People', 'More'"):
        read_file(data, sheet="Other")


def _bomb() -> bytes:
    """A spreadsheet whose directory says what a bomb's does: two gigabytes unpacked."""
    whole = bytearray(xlsx([["phone"], ["07700900001"]]))
    at = whole.rindex(b"PK\x01\x02") + 24  # the unpacked size in the last entry of the directory (APPNOTE 4.3.12)
    whole[at : at + 4] = (2 << 30).to_bytes(4, "little")
    return bytes(whole)


WIDE = [["phone"], ["07700900001"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_bomb, "unpacks to more than 1 GiB"),
        (lambda: b"PK\x03\x04" + b"x" * 1_000, "no XLSX file, or is not whole"),
        (lambda: xlsx([["phone"], ["07700900001"]])[:-30], "no XLSX file, or is not whole"),
        (lambda: xlsx(WIDE, corner="XFD1048576"), "more memory or time"),
    ],
    ids=["bomb", "no zip", "cut", "one cell far away"],
)
def test_a_spreadsheet_that_is_none_or_asks_for_too_much_is_refused_and_does_no_harm(data: object, said: str) -> None:
    with pytest.raises(BadSheet, match=said):
        read_file(data())  # type: ignore[operator]


def test_names_have_one_meaning_each() -> None:
    assert not set(columns.NUMBER_NAMES) & set(columns.FIELD_NAMES)
    assert json.dumps(columns.FIELD_NAMES)
