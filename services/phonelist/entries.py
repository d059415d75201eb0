"""Entries: which fields one has, and what makes one good.

Owns the order of the fields in every statement of this service, and the check of a row. Plain functions and values; no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from libs.common import phone
from libs.common.contracts.base import Code
from libs.common.contracts.phonelist import VALUE_CHARACTERS_MAX, BadRow, Entry

COLUMNS = tuple(Entry.model_fields)  # phone_number is the first
COLUMN_LIST = ", ".join(COLUMNS)
VALUE_SHOWN_CHARACTERS = 40

NO_NUMBER = "a phone number is required"
NOT_A_NUMBER = "this is not a phone number"
HAS_NUL = "a field holds the character U+0000, which cannot be kept"
TOO_LONG = f"a field has more than {VALUE_CHARACTERS_MAX} characters"

_values = attrgetter(*COLUMNS)

Row = tuple[Any, ...]  # a line, then the values of COLUMNS


def check(entries: Sequence[Entry], first_line: int) -> tuple[list[Row], list[BadRow]]:
    """The good rows, with their numbers in E.164, and the bad ones; both in order, with their lines."""
    good: list[Row] = []
    bad: list[BadRow] = []
    for line, entry in enumerate(entries, first_line):
        given, *others = _values(entry)
        number = phone.e164(given)
        if number is None:
            reason = NOT_A_NUMBER if given.strip() else NO_NUMBER
        elif any(other and type(other) is str and "\0" in other for other in others):
            reason = HAS_NUL
        elif any(other and type(other) is str and len(other) > VALUE_CHARACTERS_MAX for other in others):
            reason = TOO_LONG
        else:
            good.append((line, number, *others))
            continue
        bad.append(BadRow(line=line, value=given[:VALUE_SHOWN_CHARACTERS].replace("\0", "\ufffd"), reason=reason))
    return good, bad


def code(bad: BadRow) -> Code:
    """What an ask is refused with for such a row."""
    return Code.INVALID_NUMBER if bad.reason in (NO_NUMBER, NOT_A_NUMBER) else Code.INVALID_REQUEST
