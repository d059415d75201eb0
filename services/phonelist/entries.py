"""Entries: which fields one has, and what makes one good.

Owns the order of the fields in every statement of this service, the check of a row, and a number's form in the tables: E.164 without its plus, as an
integer. Plain functions and values; no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from operator import attrgetter
from typing import Any

from libs.common import phone
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import FIELDS, VALUE_CHARACTERS_MAX, AddRows, BadRow, Entry

OTHERS = FIELDS[1:]  # phone_number is the first
OTHER_LIST = ", ".join(OTHERS)
SELECTED = f"'+' || number AS phone_number, {OTHER_LIST}"
VALUE_SHOWN_CHARACTERS = 40

NO_NUMBER = "a phone number is required"
NOT_A_NUMBER = "this is not a phone number"
NO_DATE = "date_of_birth is no date in ISO 8601"
HAS_NUL = "a field holds the character U+0000, which cannot be kept"
TOO_LONG = f"a field has more than {VALUE_CHARACTERS_MAX} characters"

_others = attrgetter(*OTHERS)

Row = tuple[Any, ...]  # a line, the number's key, then the values of OTHERS


def key(number: str) -> int:
    """A number in E.164 as the tables have it."""
    return int(number[1:])


def check(entries: Sequence[Entry], first_line: int) -> tuple[list[Row], list[BadRow]]:
    """The good rows and the bad ones; both in order, with their lines."""
    good: list[Row] = []
    bad: list[BadRow] = []
    for line, entry in enumerate(entries, first_line):
        others = _others(entry)
        number = phone.e164(entry.phone_number)
        if number is None:
            bad.append(_bad(line, entry.phone_number, _no_number(entry.phone_number)))
        elif any(other and type(other) is str and "\0" in other for other in others):
            bad.append(_bad(line, entry.phone_number, HAS_NUL))
        elif any(other and type(other) is str and len(other) > VALUE_CHARACTERS_MAX for other in others):
            bad.append(_bad(line, entry.phone_number, TOO_LONG))
        else:
            good.append((line, key(number), *others))
    return good, bad


@dataclass(frozen=True, slots=True)
class Block:
    """Good entries by columns: `others` has of each of OTHERS a value an entry, None where no entry has anything."""

    keys: list[int]
    others: list[list[Any] | None]


def check_columns(rows: AddRows) -> tuple[Block, list[BadRow]]:
    """The good entries and the bad rows, as `check`. Refused with invalid_request where the columns are no table."""
    columns = _table(rows)
    given = columns["phone_number"]
    numbers = [phone.e164(value or "") for value in given]
    bad = {at: _no_number(given[at] or "") for at, number in enumerate(numbers) if number is None}
    for field in columns.keys() - {"phone_number"}:
        if field == "date_of_birth":
            columns[field] = [_date(value) for value in columns[field]]
            _spoil(bad, columns[field], lambda value: value is NO_DATE, NO_DATE)
            continue
        joined = "".join(filter(None, columns[field]))
        if "\0" in joined:
            _spoil(bad, columns[field], lambda value: "\0" in value, HAS_NUL)
        if len(joined) > VALUE_CHARACTERS_MAX:
            _spoil(bad, columns[field], lambda value: len(value) > VALUE_CHARACTERS_MAX, TOO_LONG)
    others: list[list[Any] | None] = [columns.get(field) for field in OTHERS]
    if bad:
        keep = [at not in bad for at in range(len(given))]
        numbers = list(compress(numbers, keep))
        others = [None if column is None else list(compress(column, keep)) for column in others]
    told = [_bad(rows.lines[at], given[at] or "", reason) for at, reason in sorted(bad.items())]
    return Block([key(number) for number in numbers if number], others), told


def _table(rows: AddRows) -> dict[str, list[Any]]:
    if len(set(rows.fields)) != len(rows.fields) or not {"phone_number"} <= set(rows.fields) <= set(FIELDS):
        raise Refusal(Code.INVALID_REQUEST, "fields are names of an entry's fields, each once, phone_number among them")
    if [len(rows.lines)] * len(rows.fields) != [len(column) for column in rows.columns]:
        raise Refusal(Code.INVALID_REQUEST, "columns has for each field a value a line")
    if any(line >= following for line, following in zip(rows.lines, rows.lines[1:], strict=False)):
        raise Refusal(Code.INVALID_REQUEST, "lines rise")
    return dict(zip(rows.fields, rows.columns, strict=True))


def _spoil(bad: dict[int, str], values: Sequence[Any], is_bad: Callable[[Any], bool], reason: str) -> None:
    for at, value in enumerate(values):
        if value and is_bad(value):
            bad.setdefault(at, reason)


def _date(value: str | None) -> date | str | None:
    """NO_DATE where it is none."""
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return NO_DATE


def _no_number(given: str) -> str:
    return NOT_A_NUMBER if given.strip() else NO_NUMBER


def _bad(line: int, given: str, reason: str) -> BadRow:
    return BadRow(line=line, value=given[:VALUE_SHOWN_CHARACTERS].replace("\0", "\ufffd"), reason=reason)


def code(bad: BadRow) -> Code:
    """What an ask is refused with for such a row."""
    return Code.INVALID_NUMBER if bad.reason in (NO_NUMBER, NOT_A_NUMBER) else Code.INVALID_REQUEST
