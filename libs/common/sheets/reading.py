"""Records as blocks of entries: columns of good values, the rows that are bad and why, the numbers that were put right. No I/O.

A block is what one message carries. Where a file is cut into blocks depends on its records alone, not on how its bytes came: sent again, the same file
makes the same blocks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import compress

from libs.common.contracts.phonelist import LINES_MAX, VALUE_CHARACTERS_MAX, BadRow, Repaired
from libs.common.sheets import numbers
from libs.common.sheets.columns import Columns
from libs.common.sheets.csv_records import RECORD_CHARACTERS_MAX, TOO_LONG, Records, Spoilt

BLOCK_CHARACTERS_MAX = 96 * 1024  # were every one four bytes long, a message's share of BYTES_MAX
VALUE_SHOWN_CHARACTERS = 40
REPAIRS_SHOWN = 5  # of a kind, a block

MORE_VALUES = "it has more values than the first line has names"
NO_DATE = "date_of_birth is no date: write 1985-12-31 or 31/12/1985"


@dataclass(frozen=True, slots=True)
class Block:
    """`columns`: of each of `fields` a value a line, None where nothing stands. `repaired`: how often which repair; `repairs`: the first ones of each."""

    fields: list[str]
    lines: list[int]
    columns: list[list[str | None]]
    bad: list[BadRow]
    repaired: dict[str, int]
    repairs: list[Repaired]


class Reading:
    """Records in, blocks out."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._skip = columns.first
        self._lines: list[int] = []
        self._rows: list[list[str] | Spoilt] = []
        self._characters = 0

    def take(self, records: Records, *, final: bool = False) -> Iterator[Block]:
        """The blocks that are full now; with `final`, the rest too. Take them all before the next records."""
        skipped = min(self._skip, len(records.rows))
        self._skip -= skipped
        for line, row in zip(records.lines[skipped:], records.rows[skipped:], strict=True):
            characters = sum(map(len, row)) if type(row) is list else VALUE_SHOWN_CHARACTERS
            if not characters:
                continue  # an empty line
            if len(self._rows) == LINES_MAX or (self._rows and self._characters + characters > BLOCK_CHARACTERS_MAX):
                yield self._cut()
            if characters > RECORD_CHARACTERS_MAX:
                row, characters = Spoilt("", TOO_LONG), VALUE_SHOWN_CHARACTERS
            self._lines.append(line)
            self._rows.append(row)
            self._characters += characters
        if final and self._rows:
            yield self._cut()

    def _cut(self) -> Block:
        block = _Draft(self._columns, self._lines, self._rows).block()
        self._lines, self._rows, self._characters = [], [], 0
        return block


class _Draft:
    """A block being made, by columns. `bad`: what is told of the row at a place; `given`: the numbers as they were written."""

    def __init__(self, columns: Columns, lines: list[int], rows: Sequence[list[str] | Spoilt]) -> None:
        self.lines = lines
        self.bad: dict[int, tuple[str, str]] = {}
        width = len(columns.names) or max(columns.places.values()) + 1
        even = [
            row if type(row) is list and len(row) == width else self._even(at, row, width, named=bool(columns.names))
            for at, row in enumerate(rows)
        ]
        by_place = list(zip(*even, strict=True))
        self.columns = {field: list(map(str.strip, by_place[place])) for field, place in columns.places.items()}
        self.given = self.columns["phone_number"]
        self.blank = [
            at
            for at, number in enumerate(self.given)
            if not number and at not in self.bad and not any(map(str.strip, even[at]))
        ]
        self.repaired: Counter[str] = Counter()
        self.repairs: list[Repaired] = []

    def _even(self, at: int, row: list[str] | Spoilt, width: int, *, named: bool) -> list[str]:
        """The row with a value a column."""
        if isinstance(row, Spoilt):
            self.bad[at] = row.text.strip(), row.reason
            return [""] * width
        if named and any(map(str.strip, row[width:])):
            self.bad[at] = "", MORE_VALUES
        return [*row[:width], *[""] * (width - len(row))]

    def block(self) -> Block:
        for field, values in self.columns.items():
            if max(map(len, values)) > VALUE_CHARACTERS_MAX:
                reason = f"{field} has more than {VALUE_CHARACTERS_MAX} characters"
                self._each(values, lambda value: value is not None and len(value) > VALUE_CHARACTERS_MAX, reason)
        if "date_of_birth" in self.columns:
            born = self.columns["date_of_birth"]
            dates = [_date(value) if value else "" for value in born]
            self._each(dates, lambda value: value is None, NO_DATE)
            self.columns["date_of_birth"] = [value or "" for value in dates]
        self._read_numbers()
        columns = [[value or None for value in values] for values in self.columns.values()]
        lines = self.lines
        if out := {*self.bad, *self.blank}:
            keep = [at not in out for at in range(len(lines))]
            columns, lines = [list(compress(column, keep)) for column in columns], list(compress(lines, keep))
        return Block(list(self.columns), lines, columns, self._bad(), dict(self.repaired), self.repairs)

    def _each(self, values: Sequence[str | None], is_bad: Callable[[str | None], bool], reason: str) -> None:
        for at, value in enumerate(values):
            if is_bad(value):
                self.bad.setdefault(at, ("", reason))

    def _read_numbers(self) -> None:
        read = list(map(numbers.read, self.given))
        for at, found in enumerate(read):
            if found is None:
                self.bad.setdefault(at, ("", numbers.why_not(self.given[at])))
            elif found[1] and at not in self.bad:
                self._tell(at, *found)
        self.columns["phone_number"] = [found[0] if found else "" for found in read]

    def _tell(self, at: int, number: str, how: Sequence[numbers.Repair]) -> None:
        self.repaired.update(how)
        if any(self.repaired[each] <= REPAIRS_SHOWN for each in how):
            shown = _shown(self.given[at])
            self.repairs.append(Repaired(line=self.lines[at], value=shown, number=number, how=list(how)))

    def _bad(self) -> list[BadRow]:
        self.bad = {at: told for at, told in self.bad.items() if at not in set(self.blank)}
        return [
            BadRow(line=self.lines[at], value=_shown(self.given[at] or text), reason=reason)
            for at, (text, reason) in sorted(self.bad.items())
        ]


def _shown(value: str) -> str:
    return value[:VALUE_SHOWN_CHARACTERS].replace("\0", "\ufffd")


_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ][0-9:.]+Z?)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.\-]([0-9]{1,2})[/.\-]([0-9]{4})(?: [0-9:.]+)?")
_NAMED_MONTH = re.compile(r"([0-9]{1,2})[ \-]([A-Za-z]{3})[a-z]*[ \-]([0-9]{4})")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@lru_cache(maxsize=4096)
def _date(text: str) -> str | None:
    """As ISO 8601; None where it is no date, or leaves its century or its order open."""
    if iso := _ISO.fullmatch(text):
        year, month, day = iso.groups()
    elif day_first := _DAY_FIRST.fullmatch(text):
        day, month, year = day_first.groups()
    elif (named := _NAMED_MONTH.fullmatch(text)) and named[2].lower() in _MONTHS:
        day, month, year = named[1], str(_MONTHS.index(named[2].lower()) + 1), named[3]
    else:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
