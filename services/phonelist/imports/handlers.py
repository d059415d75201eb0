"""Imports: rows come in by thousands and wait aside; finishing adds them to the list in one transaction, or nothing.

Each step may be repeated. An import that is never finished leaves nothing in the list.
"""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.phonelist import (
    AddRows,
    BadRowsPage,
    BeginImport,
    FinishImport,
    ImportReport,
    ReadBadRows,
    RowsChecked,
)
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.imports import store
from services.phonelist.lists import store as lists

NO_IMPORT = "there is no such import"


async def begin(tx: Tx, ask: Asked[BeginImport]) -> Done:
    await store.begin(tx, ask.body.import_id, ask.caller.company_id, ask.body.list_id)
    begun = await store.find(tx, ask.body.import_id, ask.caller.company_id)
    if begun is None:
        raise Refusal(Code.NOT_FOUND, "there is no such list")
    if begun.list_id != ask.body.list_id:
        raise Refusal(Code.DUPLICATE, "this import goes into another list")
    return Done()


async def add_rows(tx: Tx, ask: Asked[AddRows]) -> RowsChecked:
    rows = ask.body
    block, bad = entries.check_columns(rows)
    bad = sorted([*bad, *rows.bad], key=lambda row: row.line)
    waiting = await store.lock(tx, rows.import_id, ask.caller.company_id)
    if waiting is None:
        raise Refusal(Code.NOT_FOUND, NO_IMPORT)
    if waiting.report is not None:
        raise Refusal(Code.WRONG_STATE, "this import is finished")
    lines = sorted([*rows.lines[:1], *rows.lines[-1:], *(row.line for row in rows.bad)])
    if not lines:
        return RowsChecked(bad_count=0)
    piece = lines[0], lines[-1]
    if not await store.replace_piece(tx, rows.import_id, piece, block, bad, rows.repaired, rows.repairs):
        raise Refusal(Code.DUPLICATE, "some of these lines came before in other pieces: another file is another import")
    return RowsChecked(bad_count=len(bad))


async def finish(tx: Tx, ask: Asked[FinishImport]) -> ImportReport:
    import_id = ask.body.import_id
    waiting = await store.lock(tx, import_id, ask.caller.company_id)
    if waiting is None:
        raise Refusal(Code.NOT_FOUND, NO_IMPORT)
    if waiting.report is not None:
        return ImportReport.model_validate_json(waiting.report)
    good, bad = await store.count_rows(tx, import_id)
    if ask.body.lines not in (None, good + bad):
        raise Refusal(Code.WRONG_STATE, f"{good + bad} lines wait, and {ask.body.lines} were sent")
    first_bad = (await store.bad_rows(tx, import_id, 0, store.BAD_ROWS_TOLD_MAX)).rows
    if bad and ask.body.all_or_nothing:
        raise Refusal(entries.code(first_bad[0]), f"line {first_bad[0].line}: {first_bad[0].reason}; bad rows: {bad}")
    await lists.lock(tx, ask.caller.company_id, waiting.list_id)
    added = await store.add_to_list(tx, import_id, waiting.list_id)
    repaired, repairs = await store.repairs(tx, import_id)
    report = ImportReport(
        added=added, duplicates=good - added, bad_count=bad, bad=first_bad, repaired=repaired, repairs=repairs
    )
    await store.finish(tx, import_id, report)
    return report


async def read_bad_rows(tx: Tx, ask: Asked[ReadBadRows]) -> BadRowsPage:
    found = await store.find(tx, ask.body.import_id, ask.caller.company_id)
    if found is None or found.list_id != ask.body.list_id:
        raise Refusal(Code.NOT_FOUND, NO_IMPORT)
    return await store.bad_rows(tx, ask.body.import_id, ask.body.after, ask.body.limit)
