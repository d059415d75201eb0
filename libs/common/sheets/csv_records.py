"""CSV as people send it, as records with the lines where they begin. Push in bytes as they come, take out records: held is the record under way. No I/O.

Owns the separator and the quotes. The separator is the one by which the first rows make most sense. A quote that nobody closes within RECORD_LINES_MAX
lines spoils its own line and no other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from libs.common.sheets import columns, decoding
from libs.common.sheets.columns import Columns

DELIMITERS = ",;\t"
RECORD_LINES_MAX = 20  # an address in quotes has a few; more is a quote that somebody forgot to close
RECORD_CHARACTERS_MAX = 32 * 1024

NO_NUMBERS = (
    "no column has a name that says phone number, such as phone_number, mobile or msisdn, and none is full of numbers"
)
NOT_CLOSED = f"a quote is opened and not closed within {RECORD_LINES_MAX} lines"
TOO_LONG = f"it has more than {RECORD_CHARACTERS_MAX} characters"
EMPTY = "the file is empty"


class BadSheet(Exception):
    """The file cannot be read from `line` on; 0: not at all."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A line that is no record."""

    text: str
    reason: str


@dataclass(slots=True)
class Records:
    """`lines`: where each of `rows` begins, from 1."""

    lines: list[int] = field(default_factory=list)
    rows: list[list[str] | Spoilt] = field(default_factory=list)

    def add(self, line: int, row: list[str] | Spoilt) -> None:
        self.lines.append(line)
        self.rows.append(row)


class CsvRecords:
    """Bytes in, records out. `columns` is there as soon as a record came out; the first records are their names, see there."""

    def __init__(self) -> None:
        self.columns: Columns | None = None
        self._decoder = decoding.Decoder()
        self._text = io.IncrementalNewlineDecoder(None, translate=True)
        self._tail = ""  # the line under way
        self._lines: list[str] = []  # those that no record came out of yet
        self._read = 0  # lines that records came out of
        self._delimiter = ""
        self._sample_lines = columns.SAMPLE_ROWS

    def feed(self, chunk: bytes, *, final: bool = False) -> Records:
        """The records that are whole now. Raises BadSheet."""
        self._take(chunk, final=final)
        if not self._delimiter and not self._begin(final=final):
            return Records()
        return self._records(final=final)

    def _take(self, chunk: bytes, *, final: bool) -> None:
        try:
            text = self._text.decode(self._decoder.decode(chunk, final=final), final)
        except decoding.NotText as error:
            line = self._read + len(self._lines) + error.before.count("\n") + 1
            raise BadSheet(line, f"it is not {error.encoding}, which what comes before is") from None
        lines = io.StringIO(self._tail + text, newline="\n").readlines()
        self._tail = lines.pop() if lines and not final and not lines[-1].endswith("\n") else ""
        self._lines += lines
        if len(self._tail) > 2 * RECORD_CHARACTERS_MAX:
            raise BadSheet(self._read + len(self._lines) + 1, TOO_LONG)

    def _begin(self, *, final: bool) -> bool:
        """Finds separator and columns once enough lines are there; whether they are."""
        if len(self._lines) < self._sample_lines and not final:
            return False
        if not any(map(str.strip, self._lines)):
            if final:
                raise BadSheet(0, EMPTY)
            return False
        self._skip_directive()
        sample = self._lines[: self._sample_lines]
        found = [(delimiter, *_sense(sample, delimiter)) for delimiter in DELIMITERS]
        self._delimiter, _, self.columns = max(found, key=lambda each: each[1])
        if self.columns is None:
            raise BadSheet(1 + next(place for place, line in enumerate(sample) if line.strip()), NO_NUMBERS)
        return True

    def _skip_directive(self) -> None:
        """Excel writes and reads a first line `sep=;`, which is none of the table."""
        if self._lines[0].lower().startswith("sep="):
            self._lines[0] = "\n"

    def _records(self, *, final: bool) -> Records:
        records, lines, start = Records(), self._lines, 0
        while start < len(lines):
            start, is_open = _read(lines, start, self._delimiter, self._read, records)
            if not is_open:
                continue
            if len(lines) - start <= RECORD_LINES_MAX and not final:
                break  # it may go on in what comes
            records.add(self._read + start + 1, Spoilt(lines[start], NOT_CLOSED))
            start += 1
        self._lines = lines[start:]
        self._read += start
        return records


def _sense(sample: Sequence[str], delimiter: str) -> tuple[tuple[bool, int, int], Columns | None]:
    """How much sense the lines make with this delimiter, and their columns."""
    records = Records()
    _read(sample, 0, delimiter, 0, records)
    rows = [[] if isinstance(row, Spoilt) else row for row in records.rows]
    found = columns.find(rows)
    if found is None:
        return (False, 0, 0), None
    width = max(map(len, rows))
    return (*found.sense, sum(len(row) == width for row in rows) if width > 1 else 0), found


def _read(lines: Sequence[str], start: int, delimiter: str, before: int, records: Records) -> tuple[int, bool]:
    """Adds the whole records of the lines from `start` on, `before` of the file being gone; up to which line, and whether that one leaves a quote open."""
    reader = csv.reader(chain(islice(lines, start, None), _end()), delimiter=delimiter)
    rows, begins, done = records.rows, records.lines, 0
    try:
        for row in reader:
            if reader.line_num - done > RECORD_LINES_MAX:
                return start + done, True
            rows.append(row)
            begins.append(before + start + done + 1)
            done = reader.line_num
    except _End:
        return start + done, start + done < len(lines)
    except csv.Error as error:
        records.add(before + start + done + 1, Spoilt(lines[start + done], str(error)))
        return start + done + 1, False
    raise AssertionError("the lines end with _End")


class _End(Exception):
    """The lines end, perhaps within a record: csv would give that as it is."""


def _end() -> Iterator[str]:
    raise _End
    yield
