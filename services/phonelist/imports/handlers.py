"""Imports: rows come in by hundreds and wait aside; finishing adds them to the list in one transaction, or nothing.

Each step may be repeated. An import that is never finished leaves nothing in the list.
"""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.phonelist import AddRows, BeginImport, FinishImport, ImportReport, RowsChecked
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.imports import store
from services.phonelist.lists import store as lists

NO_IMPORT = "there is no such import"


async def begin(tx: Tx, ask: Asked[BeginImport]) -> Done:
    await store.begin(tx, ask.body.import_id, ask.caller.company_id, ask.body.list_id)
    begun = await store.share(tx, ask.body.import_id, ask.caller.company_id)
    if begun is None:
        raise Refusal(Code.NOT_FOUND, "there is no such list")
    if begun.list_id != ask.body.list_id:
        raise Refusal(Code.DUPLICATE, "this import goes into another list")
    return Done()


async def add_rows(tx: Tx, ask: Asked[AddRows]) -> RowsChecked:
    waiting = await store.share(tx, ask.body.import_id, ask.caller.company_id)
    if waiting is None:
        raise Refusal(Code.NOT_FOUND, NO_IMPORT)
    if waiting.report is not None:
        raise Refusal(Code.WRONG_STATE, "this import is finished")
    good, bad = entries.check(ask.body.entries, ask.body.first_line)
    lines = range(ask.body.first_line, ask.body.first_line + len(ask.body.entries))
    await store.replace_lines(tx, ask.body.import_id, lines, good, bad)
    return RowsChecked(bad=bad)


async def finish(tx: Tx, ask: Asked[FinishImport]) -> ImportReport:
    waiting = await store.lock(tx, ask.body.import_id, ask.caller.company_id)
    if waiting is None:
        raise Refusal(Code.NOT_FOUND, NO_IMPORT)
    if waiting.report is not None:
        return ImportReport.model_validate_json(waiting.report)
    good, bad = await store.count_rows(tx, ask.body.import_id)
    first_bad = await store.first_bad(tx, ask.body.import_id)
    if bad and ask.body.all_or_nothing:
        raise Refusal(entries.code(first_bad[0]), f"line {first_bad[0].line}: {first_bad[0].reason}; bad rows: {bad}")
    await lists.lock(tx, ask.caller.company_id, waiting.list_id)
    added = await store.add_to_list(tx, ask.body.import_id, waiting.list_id)
    report = ImportReport(added=added, duplicates=good - added, bad_count=bad, bad=first_bad)
    await store.finish(tx, ask.body.import_id, report)
    return report
