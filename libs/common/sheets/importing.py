"""A file into a list: its blocks go to phonelist, a few under way at once, and become entries all in one moment at the end.

For the gateway and the command line alike: `ask` is how each of them asks, as whom. A file that breaks off leaves nothing in the list; sent again under
the same import id it goes on, and an import that is finished adds nothing more and tells its report again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from libs.common.contracts.base import Ask, Code, Contract, Refusal
from libs.common.contracts.phonelist import AddRows, BeginImport, FinishImport, ImportReport
from libs.common.sheets.columns import Columns
from libs.common.sheets.incoming import Incoming
from libs.common.sheets.reading import Block

A = TypeVar("A", bound=Contract)

BLOCKS_IN_FLIGHT = 4  # messages of one import under way at once
ROWS_MAX = 2_000_000  # they go into the list in one transaction, whose answer is waited for
ASK_LIMIT_S = 20.0
FINISH_LIMIT_S = 90.0


class Asking(Protocol):
    """Asks as the list's user; raises what Asker.ask raises."""

    async def __call__(self, ask: Ask[A], limit_s: float, /) -> A: ...


@dataclass(frozen=True, slots=True)
class Imported:
    report: ImportReport
    columns: Columns


async def import_file(
    ask: Asking,
    import_id: UUID,
    list_id: int,
    chunks: AsyncIterator[bytes],
    *,
    all_or_nothing: bool = False,
    sheet: str = "",
) -> Imported:
    """Raises BadSheet where the file cannot be read, Refusal where the list or the import is not to be had or, `all_or_nothing`, a row is bad."""
    await ask(BeginImport(import_id=import_id, list_id=list_id), ASK_LIMIT_S)
    incoming = Incoming()
    adding: deque[asyncio.Task[None]] = deque()
    try:
        async for block in incoming.blocks(chunks, sheet):
            if incoming.lines > ROWS_MAX:
                raise Refusal(Code.TOO_MANY, f"an import takes up to {ROWS_MAX:,} rows: cut the file in parts")
            if len(adding) == BLOCKS_IN_FLIGHT:
                await adding.popleft()
            adding.append(asyncio.create_task(_add(ask, import_id, block)))
        while adding:
            await adding.popleft()
    finally:
        for task in adding:
            task.cancel()
    assert incoming.columns is not None, "a file without any is no file that can be read"
    finish = FinishImport(import_id=import_id, all_or_nothing=all_or_nothing, lines=incoming.lines)
    return Imported(await ask(finish, FINISH_LIMIT_S), incoming.columns)


async def _add(ask: Asking, import_id: UUID, block: Block) -> None:
    """Does nothing where the import was finished before: its report is all that is asked for."""
    rows = AddRows.model_construct(
        import_id=import_id,
        fields=block.fields,
        lines=block.lines,
        columns=block.columns,
        bad=block.bad,
        repaired=block.repaired,
        repairs=block.repairs,
    )
    try:
        await ask(rows, ASK_LIMIT_S)
    except Refusal as refusal:
        if refusal.code is not Code.WRONG_STATE:
            raise
