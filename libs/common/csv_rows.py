"""CSV as people send it: which column is what, and each row as an entry, with the line where it stood.

For the gateway's imports and the command line's. Push in bytes as they come, take out rows: nothing is held but the record under way. A file that cannot be
read at all raises BadCsv with the line; a row that cannot be an entry is a BadRow. Whether a number is one is phonelist's to say. No I/O.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libs.common.contracts.phonelist import VALUE_CHARACTERS_MAX, BadRow, Entry
from libs.common.phone import e164

DELIMITERS = ",;\t"
HEADER_CHARACTERS_MAX = 10_000
RECORD_LINES_MAX = 20  # an address in quotes has a few; more is a quote that somebody forgot to close
RECORD_CHARACTERS_MAX = 32 * 1024
VALUE_SHOWN_CHARACTERS = 40

# The column of the number, by the names people give it, the likeliest to be a mobile first; letters and digits only.
NUMBER_NAMES = (
    *("phonenumber", "mobilenumber", "mobilephone", "mobilephonenumber", "mobile", "mobileno", "msisdn", "number"),
    *("cellphone", "cell", "contactnumber", "phone", "phoneno", "telephonenumber", "telephone", "tel"),
)
FIELD_NAMES: Mapping[str, str] = {
    **{name.replace("_", ""): name for name in Entry.model_fields if name != "phone_number"},
    "forename": "first_name",
    "lastname": "surname",
    "dob": "date_of_birth",
    "emailaddress": "email",
}


class BadCsv(Exception):
    """The file cannot be read from `line` on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Columns:
    """`fields`: the Entry's field of each column, None where nothing is made of it. `named` False: the first line is a row itself."""

    delimiter: str
    fields: tuple[str | None, ...]
    ignored: tuple[str, ...]
    named: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    entry: Entry
    characters: int


def read_columns(first: str, line: int) -> Columns:
    """What the columns are. The delimiter is the one by which most of them have a meaning. A line that begins with a phone number names
    nothing: it is the first of a file of numbers."""
    found = [_columns(delimiter, next(csv.reader([first], delimiter=delimiter))) for delimiter in DELIMITERS]
    best = max(found, key=lambda columns: len(columns.fields) - columns.fields.count(None))
    if "phone_number" in best.fields:
        return best
    for delimiter in DELIMITERS:
        values = next(csv.reader([first], delimiter=delimiter))
        if e164(values[0].strip()):
            return Columns(delimiter, ("phone_number", *[None] * (len(values) - 1)), (), named=False)
    raise BadCsv(line, "no column has a name that says phone number, such as phone_number, mobile or msisdn")


def _columns(delimiter: str, names: Sequence[str]) -> Columns:
    keys = [re.sub(r"[\W_]", "", name.casefold()) for name in names]
    number = next((name for name in NUMBER_NAMES if name in keys), None)
    fields: list[str | None] = []
    for key in keys:
        field = "phone_number" if key == number else FIELD_NAMES.get(key)
        fields.append(None if field in fields else field)
    ignored = tuple(name.strip() for name, field in zip(names, fields, strict=True) if field is None and name.strip())
    return Columns(delimiter, tuple(fields), ignored)


def read_row(columns: Columns, line: int, values: Sequence[str]) -> Row | BadRow | None:
    """None where nothing stands in it."""
    stripped = [value.strip() for value in values]
    if not any(stripped):
        return None
    if any(stripped[len(columns.fields) :]):
        return _bad(line, columns, stripped, "it has more values than the first line has names")
    given = {field: value for field, value in zip(columns.fields, stripped, strict=False) if field and value}
    if longest := next((field for field, value in given.items() if len(value) > VALUE_CHARACTERS_MAX), None):
        return _bad(line, columns, stripped, f"{longest} has more than {VALUE_CHARACTERS_MAX} characters")
    born = given.pop("date_of_birth", None)
    born_on = _date(born) if born else None
    if born and not born_on:
        return _bad(line, columns, stripped, "date_of_birth is no date: write 1985-12-31 or 31/12/1985")
    entry = Entry.model_validate({"phone_number": "", "date_of_birth": born_on} | given)
    return Row(line, entry, sum(map(len, stripped)))


def _bad(line: int, columns: Columns, values: Sequence[str], reason: str) -> BadRow:
    place = columns.fields.index("phone_number")
    number = values[place] if place < len(values) else ""
    return BadRow(line=line, value=number[:VALUE_SHOWN_CHARACTERS], reason=reason)


def _date(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 -- a date has no time zone
        except ValueError:
            continue
    return None


class _Incomplete(Exception):
    """The record goes on in a line that has not come yet."""


class CsvRows:
    """Bytes in, rows out. `columns` is there once the first line came."""

    def __init__(self) -> None:
        self.columns: Columns | None = None
        self._text = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
        self._tail = ""  # the line under way
        self._lines: deque[str] = deque()
        self._lines_read = 0
        self._final = False
        self._record: list[str] = []  # lines of the record under way
        self._reader: Iterator[list[str]] = iter(())

    def feed(self, chunk: bytes, *, final: bool = False) -> Iterator[Row | BadRow]:
        """The rows that are complete now. Take them all before the next chunk."""
        self._take(chunk, final=final)
        while True:
            line = self._lines_read + 1
            values = self._next_record(line)
            if values is None:
                return
            if self.columns is not None and (row := read_row(self.columns, line, values)):
                yield row

    def _take(self, chunk: bytes, *, final: bool) -> None:
        try:
            lines = (self._tail + self._text.decode(chunk, final=final)).split("\n")
        except UnicodeDecodeError as error:
            line = self._lines_read + len(self._record) + error.object.count(b"\n", 0, error.start) + 1
            raise BadCsv(line, "it is not UTF-8: save the file as CSV UTF-8") from None
        self._tail = lines.pop()
        self._lines.extend(f"{line}\n" for line in lines)
        self._final = final
        if final and self._tail:
            self._lines.append(self._tail)
            self._tail = ""
        if len(self._tail) > RECORD_CHARACTERS_MAX:
            raise BadCsv(self._lines_read + len(self._lines) + 1, "it is too long")

    def _next_record(self, line: int) -> list[str] | None:
        """The values of the next record; [] for a blank line and for the one with the names; None where no whole one is there."""
        if self.columns is None:
            return self._read_names(line)
        self._record = []
        try:
            values = next(self._reader)
        except _Incomplete:
            self._lines.extendleft(reversed(self._record))  # to be read again, with what comes
            return None
        except StopIteration:
            return None
        except csv.Error as error:
            raise BadCsv(line, str(error)) from None
        self._lines_read += len(self._record)
        return values

    def _read_names(self, line: int) -> list[str] | None:
        if not self._lines:
            return None
        first = self._lines.popleft()
        if first.strip():
            if len(first) > HEADER_CHARACTERS_MAX:
                raise BadCsv(line, "the names of the columns are too long")
            self.columns = read_columns(first, line)
            self._reader = csv.reader(_Lines(self._next_line), delimiter=self.columns.delimiter)
            if not self.columns.named:
                self._lines.appendleft(first)
                return []
        self._lines_read += 1
        return []

    def _next_line(self) -> str:
        first = self._lines_read + 1
        if len(self._record) == RECORD_LINES_MAX or sum(map(len, self._record)) > RECORD_CHARACTERS_MAX:
            raise BadCsv(first, f"a quote is opened and not closed within {RECORD_LINES_MAX} lines")
        if not self._lines:
            if not self._final:
                raise _Incomplete
            if self._record:
                raise BadCsv(first, "a quote is opened and never closed")
            raise StopIteration
        self._record.append(self._lines.popleft())
        return self._record[-1]


class _Lines:
    """An iterator that goes on after it has raised, as a generator does not."""

    def __init__(self, next_line: Callable[[], str]) -> None:
        self._next_line = next_line

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        return self._next_line()
