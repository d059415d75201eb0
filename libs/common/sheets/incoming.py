"""A file on its way in, as blocks: CSV as its bytes come, a spreadsheet by a process that is given them. The only I/O of sheets.

Holds what a block takes and the chunk under way, however long the file. A file that cannot be read raises BadSheet; what was given before it stays.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson

from libs.common.sheets import columns
from libs.common.sheets.columns import Columns
from libs.common.sheets.csv_records import EMPTY, NO_NUMBERS, BadSheet, CsvRecords, Records
from libs.common.sheets.reading import Block, Reading

WORKBOOK_MAGIC = b"PK\x03\x04"
WORKBOOKS_AT_ONCE = 1  # a process: each may take two GiB for a while
LINE_BYTES_MAX = 32 << 20  # of what the process of a spreadsheet writes: 200 rows


class Incoming:
    """`columns` is there with the first block; `lines`: how many good and bad ones were given so far."""

    def __init__(self) -> None:
        self.columns: Columns | None = None
        self.lines = 0
        self._reading: Reading | None = None

    async def blocks(self, chunks: AsyncIterator[bytes], sheet: str = "") -> AsyncIterator[Block]:
        """A spreadsheet is known by its first bytes; `sheet`: which of its sheets, "" for the first that is seen."""
        first = b""
        async for chunk in chunks:
            first += chunk
            if len(first) >= len(WORKBOOK_MAGIC):
                break
        whole = _with_first(first, chunks)
        records = _of_workbook(whole, sheet) if first.startswith(WORKBOOK_MAGIC) else _of_csv(whole)
        async for found, some, final in records:
            if self._reading is None:
                self.columns, self._reading = found, Reading(found)
            for block in self._reading.take(some, final=final):
                self.lines += len(block.lines) + len(block.bad)
                yield block


async def _with_first(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk


Found = tuple[Columns, Records, bool]  # the columns of the file, some records, whether they are the last


async def _of_csv(chunks: AsyncIterator[bytes]) -> AsyncIterator[Found]:
    csv = CsvRecords()
    async for chunk in chunks:
        records = csv.feed(chunk)
        if csv.columns is not None:
            yield csv.columns, records, False
    records = csv.feed(b"", final=True)
    assert csv.columns is not None
    yield csv.columns, records, True


_place = asyncio.Semaphore(WORKBOOKS_AT_ONCE)


async def _of_workbook(chunks: AsyncIterator[bytes], sheet: str) -> AsyncIterator[Found]:
    async with _place:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "libs.common.sheets.workbook", sheet),
            stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX, env={"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        )  # fmt: skip
        try:
            await _hand_over(process, chunks)
            async for found in _with_columns(_records(process)):
                yield found
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _hand_over(process: Process, chunks: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    async for chunk in chunks:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has ended: why, is told by what it wrote
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _records(process: Process) -> AsyncIterator[Records]:
    assert process.stdout is not None
    row = 1
    while line := await process.stdout.readline():
        rows = orjson.loads(line)
        if isinstance(rows, dict):
            raise BadSheet(0, rows["error"])
        yield Records(list(range(row, row + len(rows))), rows)
        row += len(rows)
    if await process.wait() != 0:
        raise BadSheet(0, "the spreadsheet takes more memory or time than it may: save it as CSV")


async def _with_columns(source: AsyncIterator[Records]) -> AsyncIterator[Found]:
    """Finds the columns once there are rows enough to look at."""
    found: Columns | None = None
    waiting = Records()
    async for records in source:
        waiting.lines += records.lines
        waiting.rows += records.rows
        if found is None and len(waiting.rows) < columns.SAMPLE_ROWS:
            continue
        found = found or _found(waiting)
        yield found, waiting, False
        waiting = Records()
    yield found or _found(waiting), waiting, True


def _found(records: Records) -> Columns:
    rows = [row for row in records.rows if isinstance(row, list)]
    if not any(map(any, rows)):
        raise BadSheet(0, EMPTY)
    found = columns.find(rows[: columns.SAMPLE_ROWS])
    if found is None:
        raise BadSheet(0, NO_NUMBERS)
    return found
