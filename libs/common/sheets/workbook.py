"""A spreadsheet (XLSX) as records, made by a process of its own: what unpacks to more than it may have ends that process and nothing else.

Run as `python -m libs.common.sheets.workbook [SHEET]`, the file on standard input. Writes a JSON array of rows of texts a line, in order, from the first
row on; or one line with `{"error": ...}`. Imports little, so that it starts quickly.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import orjson
import python_calamine as calamine

FILE_BYTES_MAX = 64 << 20
UNPACKED_BYTES_MAX = 1 << 30
MEMORY_BYTES_MAX = 2 << 30  # a million rows of five columns take a quarter of it
CPU_S_MAX = 120
ROWS_A_LINE = 200
COLUMNS_MAX = 200
CHARACTERS_MAX = 32 * 1024  # of a value: what is cut off is more than any field may have


class Unreadable(Exception):
    """Nothing can be made of the file; its words are for who sent it."""


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # it is bulk work beside a gateway
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(
            "1000"
        )  # where a container has less than that: this process, and not the gateway
    try:
        for rows in _rows(sys.stdin.buffer.read(FILE_BYTES_MAX + 1), "".join(sys.argv[1:2])):
            sys.stdout.buffer.write(orjson.dumps(rows) + b"\n")
    except Unreadable as error:
        sys.stdout.buffer.write(orjson.dumps({"error": str(error)}) + b"\n")
        return 1
    return 0


def _rows(content: bytes, sheet: str) -> Iterator[list[list[str]]]:
    _look_at_sizes(content)
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        table = workbook.get_sheet_by_name(_name(workbook, sheet)).iter_rows()
        while some := [[_text(value) for value in row[:COLUMNS_MAX]] for row in islice(table, ROWS_A_LINE)]:
            yield some
    except calamine.PasswordError:
        raise Unreadable("the spreadsheet is protected by a password") from None
    except calamine.CalamineError as error:
        raise Unreadable(f"the spreadsheet cannot be read: {error}") from None


def _look_at_sizes(content: bytes) -> None:
    if len(content) > FILE_BYTES_MAX:
        raise Unreadable(f"a spreadsheet has up to {FILE_BYTES_MAX >> 20} MiB: save it as CSV")
    try:
        unpacked = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(content)).infolist())
    except zipfile.BadZipFile:
        raise Unreadable("it is no XLSX file, or is not whole") from None
    if unpacked > UNPACKED_BYTES_MAX:
        raise Unreadable(f"the spreadsheet unpacks to more than {UNPACKED_BYTES_MAX >> 30} GiB: save it as CSV")


def _name(workbook: calamine.CalamineWorkbook, wanted: str) -> str:
    """Of the sheet that is wanted; of the first one that a person sees, where none is."""
    seen = [
        each.name
        for each in workbook.sheets_metadata
        if each.typ == calamine.SheetTypeEnum.WorkSheet and each.visible == calamine.SheetVisibleEnum.Visible
    ]
    if wanted and wanted not in workbook.sheet_names:
        raise Unreadable(
            f"the spreadsheet has no sheet {wanted!r}; it has {', '.join(map(repr, workbook.sheet_names))}"
        )
    if not wanted and not seen:
        raise Unreadable("the spreadsheet has no sheet to be seen")
    return wanted or seen[0]


def _text(value: object) -> str:
    """As the person who sees the sheet would write it. A number has all its digits, however the sheet shows it: 7.7009E+11 is 770090000000."""
    if isinstance(value, str):
        return value[:CHARACTERS_MAX].replace("\r\n", "\n")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
