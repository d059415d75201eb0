"""An import: a CSV stream into a list, a few messages of rows under way at once, visible all at once at its end.

Owns the way from a file's lines to phonelist's rows and back. Holds one chunk and the rows in flight, however long the file. A file that breaks off leaves
nothing in the list. Asked again with the same Idempotency-Key it adds nothing more and gives its report again.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator

from pydantic import BaseModel

from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.phonelist import AddRows, BadRow, BeginImport, Entry, FinishImport
from libs.common.csv_rows import BadCsv, CsvRows, Row
from services.gateway.api.call import Call

ROWS_IN_FLIGHT = 4  # messages of one import under way at once
MESSAGE_CHARACTERS_MAX = 128 * 1024  # a message's share of BYTES_MAX, were every character four bytes long
ROWS_MAX = (
    1_000_000  # they go into the list in one transaction: 500,000 took 7 s on a busy machine, and a statement has 30
)
BAD_ROWS_TOLD_MAX = 100
FINISH_LIMIT_S = 60.0  # ROWS_MAX rows in one transaction


class ImportResult(BaseModel):
    """`bad`: the first 100 rows that cannot be entries; `bad_count`: all of them. `line` counts from 1, the line with the names."""

    added: int
    duplicates: int
    bad_count: int
    bad: list[BadRow]
    ignored_columns: list[str]


class Import:
    """What an import knows of its file so far."""

    def __init__(self) -> None:
        self.rows = 0  # good as far as the file goes; phonelist looks at their numbers
        self.bad_count = 0
        self.bad: list[BadRow] = []
        self._jumps = array("q"), array("q")  # rows at which the line is not the one after the last, and those lines

    def add_row(self, line: int) -> None:
        self.rows += 1
        if not self._jumps[0] or line != self.line_of(self.rows):
            self._jumps[0].append(self.rows)
            self._jumps[1].append(line)

    def add_bad(self, row: BadRow) -> None:
        self.bad_count += 1
        if len(self.bad) < BAD_ROWS_TOLD_MAX:
            self.bad.append(row)

    def line_of(self, row: int) -> int:
        """The file's line of a row, counted from 1: blank lines and quoted line breaks make the difference."""
        place = bisect_right(self._jumps[0], row) - 1
        return self._jumps[1][place] + row - self._jumps[0][place]


async def import_csv(call: Call, list_id: int, chunks: AsyncIterator[bytes]) -> ImportResult:
    import_id = await call.id_of("import")
    await call.ask(BeginImport(import_id=import_id, list_id=list_id))
    known, parser = Import(), CsvRows()
    adding: deque[asyncio.Task[None]] = deque()
    try:
        async for entries in _messages(known, parser, chunks):
            if len(adding) == ROWS_IN_FLIGHT:
                await adding.popleft()
            first_row = known.rows - len(entries) + 1
            rows = AddRows.model_construct(import_id=import_id, first_line=first_row, entries=entries)
            adding.append(asyncio.create_task(_add(call, rows)))
        while adding:
            await adding.popleft()
        if parser.columns is None:
            raise BadCsv(1, "the file is empty")
    except BadCsv as error:
        raise Refusal(Code.INVALID_REQUEST, str(error)) from None
    finally:
        for task in adding:
            task.cancel()
    report = await call.ask(FinishImport(import_id=import_id, all_or_nothing=False), FINISH_LIMIT_S)
    bad = known.bad + [row.model_copy(update={"line": known.line_of(row.line)}) for row in report.bad]
    return ImportResult(
        added=report.added,
        duplicates=report.duplicates,
        bad_count=known.bad_count + report.bad_count,
        bad=sorted(bad, key=lambda row: row.line)[:BAD_ROWS_TOLD_MAX],
        ignored_columns=list(parser.columns.ignored),
    )


async def _add(call: Call, rows: AddRows) -> None:
    """Does nothing where the import was finished before, under the same key: its report is all that is asked for."""
    try:
        await call.ask_once(rows)
    except Refusal as refusal:
        if refusal.code is not Code.WRONG_STATE:
            raise


async def _messages(known: Import, parser: CsvRows, chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Entry]]:
    """The good rows, by as many as one message carries; the last of them is the last that `known` counts."""
    entries: list[Entry] = []
    characters = 0
    async for chunk in chunks:  # the last one is empty
        for row in parser.feed(chunk, final=not chunk):
            if not isinstance(row, Row):
                known.add_bad(row)
                continue
            if len(entries) == ITEMS_MAX or characters + row.characters > MESSAGE_CHARACTERS_MAX:
                yield entries
                await asyncio.sleep(0)  # a chunk is thousands of rows: others get their turn
                entries, characters = [], 0
            if known.rows == ROWS_MAX:
                raise Refusal(Code.TOO_MANY, f"an import takes up to {ROWS_MAX:,} rows: cut the file in parts")
            known.add_row(row.line)
            entries.append(row.entry)
            characters += row.characters
    if entries:
        yield entries
