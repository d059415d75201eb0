"""An import: a file as it comes into a list, visible all at once at its end; and what was bad in it, as a file.

Holds one chunk and the rows in flight, however long the file. A file that breaks off leaves nothing in the list. Asked again with the same
Idempotency-Key it adds nothing more and gives its report again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common import csv_text
from libs.common.contracts.base import Ask, Code, Contract, Refusal
from libs.common.contracts.phonelist import (
    AddRows,
    BadRow,
    BadRowsPage,
    ReadBadRows,
    Repaired,
)
from libs.common.sheets.csv_records import BadSheet
from libs.common.sheets.importing import import_file
from services.gateway.api.call import Call

A = TypeVar("A", bound=Contract)


class ImportResult(BaseModel):
    """`bad`: the first 100 rows that cannot be entries; `bad_count`: all of them, see /bad-rows. `line` counts from 1, the line with the names. `duplicates`:
    numbers that the list has already, or that came twice. `columns`: what was read from where; `repaired`: how many numbers were put right, by how;
    `repairs`: the first ones of each."""

    import_id: UUID
    added: int
    duplicates: int
    bad_count: int
    bad: list[BadRow]
    columns: dict[str, str]
    ignored_columns: list[str]
    repaired: dict[str, int] = Field(examples=[{"separators": 12, "missing_zero": 3}])
    repairs: list[Repaired]


async def import_sheet(
    call: Call, list_id: int, chunks: AsyncIterator[bytes], *, all_or_nothing: bool, sheet: str
) -> ImportResult:
    import_id = await call.id_of("import")

    async def ask(ask: Ask[A], limit_s: float) -> A:
        """Pieces under ids of their own: each may be repeated."""
        is_piece = type(ask) is AddRows
        return await (call.ask_once(ask) if is_piece else call.ask(ask, limit_s))

    try:
        done = await import_file(ask, import_id, list_id, chunks, all_or_nothing=all_or_nothing, sheet=sheet)
    except BadSheet as error:
        raise Refusal(Code.INVALID_REQUEST, str(error)) from None
    except Refusal as refusal:
        if all_or_nothing and refusal.code in (Code.INVALID_NUMBER, Code.INVALID_REQUEST):
            raise Refusal(refusal.code, f"{refusal.detail}; all are told by imports/{import_id}/bad-rows") from None
        raise
    return ImportResult(
        import_id=import_id,
        columns=done.columns.told,
        ignored_columns=done.columns.ignored,
        **{name: getattr(done.report, name) for name in type(done.report).model_fields},
    )


async def first_bad_rows(call: Call, list_id: int, import_id: UUID) -> BadRowsPage:
    return await call.ask_once(ReadBadRows(list_id=list_id, import_id=import_id))


async def bad_rows(call: Call, list_id: int, import_id: UUID, page: BadRowsPage) -> AsyncIterator[str]:
    """The bad rows as CSV, `page` being the first of them."""
    yield csv_text.line(BadRow.model_fields)
    while True:
        yield csv_text.lines((row.line, row.value, row.reason) for row in page.rows)
        if not page.more:
            return
        page = await call.ask_once(ReadBadRows(list_id=list_id, import_id=import_id, after=page.rows[-1].line))
