"""A CSV of contacts as entries of a phone list, row by row. No I/O: lines in, rows out.

The first row names the columns where one of them is the phone number's; else every row is data and its first cell the number. Which rows have a good
number is phonelist's to say; only what no entry can hold is a bad row here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.phonelist import Entry

NUMBER_COLUMNS = frozenset({"phonenumber", "phone", "number", "mobile", "mobilenumber", "msisdn", "telephone"})
FIELD_OF = {field.replace("_", ""): field for field in Entry.model_fields} | {
    "dob": "date_of_birth",
    "lastname": "surname",
}
DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y")  # ISO, and as the British write them


@dataclass(frozen=True, slots=True)
class Bad:
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries whose rows stand one after the other, so that their lines can be counted from the first."""

    first_line: int
    entries: list[Entry]


def batches(lines: Iterable[str]) -> Iterator[Batch | Bad]:
    """Up to ITEMS_MAX entries a batch, in the order of the file. Lines count rows from 1; empty rows are passed over."""
    columns: list[str] | None = None
    batch: list[Entry] = []
    first_line = 1
    line = 0
    for line, cells in enumerate(csv.reader(lines), start=1):
        if columns is None:
            columns = _columns(cells)
            if columns is not None:
                first_line = 2
                continue
            columns = ["phone_number"]
        row = _entry(line, columns, cells) if any(cell.strip() for cell in cells) else None
        if isinstance(row, Entry):
            batch.append(row)
        if batch and (not isinstance(row, Entry) or len(batch) == ITEMS_MAX):
            yield Batch(first_line, batch)
            batch = []
        if isinstance(row, Bad):
            yield row
        if not batch:
            first_line = line + 1
    if batch:
        yield Batch(first_line, batch)


def _columns(cells: list[str]) -> list[str] | None:
    """The field of each column ("" for one we have no place for); None where this is no row of names."""
    names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    fields = ["phone_number" if name in NUMBER_COLUMNS else FIELD_OF.get(name, "") for name in names]
    return fields if "phone_number" in fields else None


def _entry(line: int, columns: list[str], cells: list[str]) -> Entry | Bad:
    fields: dict[str, str | date] = {
        field: cell.strip() for field, cell in zip(columns, cells, strict=False) if field and cell.strip()
    }
    if "date_of_birth" in fields:
        born = _date(str(fields["date_of_birth"]))
        if born is None:
            return Bad(line, "the date of birth is no date")
        fields["date_of_birth"] = born
    return Entry.model_validate({"phone_number": ""} | fields)


def _date(text: str) -> date | None:
    for form in DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    return None
