"""The demo's spreadsheet is as messy as it says."""

from __future__ import annotations

import csv
import io

from libs.common import phone
from services.console.demo.people import BAD_ROWS, BLANK_LINES, DUPLICATES, ROWS, WRITTEN, spreadsheet


def test_the_spreadsheet_is_the_same_every_time() -> None:
    assert spreadsheet() == spreadsheet()


def test_its_lines_are_good_or_bad_as_it_says() -> None:
    people = spreadsheet()
    lines = people.csv.decode("utf-8-sig").split("\r\n")
    rows = [next(csv.reader(io.StringIO(line)), []) for line in lines[1:-1]]
    numbers = {line: phone.e164(row[2]) for line, row in enumerate(rows, 2) if row}

    assert ROWS == len(numbers) == len(rows) - BLANK_LINES
    assert set(people.bad) == {line for line, number in numbers.items() if number is None}
    assert len(people.bad) == BAD_ROWS < 100
    good = [number for number in numbers.values() if number]
    assert set(good) == set(people.numbers)
    assert len(good) - len(people.numbers) == DUPLICATES


def test_every_way_of_writing_a_number_is_read() -> None:
    assert {"+447400123456"} == {phone.e164(write("7400123456")) for write in WRITTEN}
