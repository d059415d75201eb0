"""CSV as we write it (RFC 4180), for spreadsheets too: a value that one would take for a formula is kept a text by an apostrophe before it. No I/O."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile(r"[=+\-@\t\r]")  # OWASP, CSV Injection
_NUMBER = re.compile(r"[+-]?[0-9]+")  # nothing to execute; a phone number stays one


def line(values: Iterable[object]) -> str:
    """None is an empty value."""
    return lines([values])


def lines(rows: Iterable[Iterable[object]]) -> str:
    """As `line`, one after the other."""
    written = io.StringIO()
    csv.writer(written).writerows([["" if value is None else _plain(str(value)) for value in row] for row in rows])
    return written.getvalue()


def _plain(value: str) -> str:
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value
