"""Lists: makes them, adds entries, reads their numbers by pages. Another company's list is not found, as one that never was."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import (
    AddEntries,
    CreateList,
    ImportReport,
    ListExists,
    ListId,
    ListInfo,
    NumbersPage,
    ReadNumbers,
    ReadRecipients,
    ShowList,
)
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.lists import rules, store

NO_LIST = "there is no such list"


async def create(tx: Tx, ask: Asked[CreateList]) -> ListId:
    company_id = ask.caller.company_id
    title = rules.title(ask.body.title)
    if not await store.has_folder(tx, company_id, ask.body.folder_id):
        raise Refusal(Code.NOT_FOUND, "there is no such folder")
    id_ = await store.insert(tx, company_id, ask.body.folder_id, title)
    if id_ is None:
        raise Refusal(Code.DUPLICATE, "the folder has a list of this title")
    return ListId(id=id_)


async def add_entries(tx: Tx, ask: Asked[AddEntries]) -> ImportReport:
    """All or nothing: one bad number and nothing is added."""
    if not await store.lock(tx, ask.caller.company_id, ask.body.list_id):
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    good, bad = entries.check(ask.body.entries, first_line=1)
    if bad:
        raise Refusal(Code.INVALID_NUMBER, f"entry {bad[0].line}: {bad[0].reason}")
    added = await store.add(tx, ask.body.list_id, good)
    return ImportReport(added=added, duplicates=len(good) - added, bad_count=0, bad=[])


async def read_numbers(tx: Tx, ask: Asked[ReadNumbers]) -> NumbersPage:
    return await _page(tx, ask.caller.company_id, ask.body)


async def read_recipients(tx: Tx, ask: Asked[ReadRecipients]) -> NumbersPage:
    return await _page(tx, ask.body.company_id, ask.body)


async def _page(tx: Tx, company_id: int, asked: ReadNumbers | ReadRecipients) -> NumbersPage:
    highest = await store.highest_key(tx, company_id, asked.list_id)
    if highest is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    until = highest if asked.until is None else asked.until
    return await store.numbers(tx, asked.list_id, asked.after, until)


async def show(tx: Tx, ask: Asked[ShowList]) -> ListInfo:
    return await _info(tx, ask.caller.company_id, ask.body.list_id)


async def exists(tx: Tx, ask: Asked[ListExists]) -> ListInfo:
    return await _info(tx, ask.body.company_id, ask.body.list_id)


async def _info(tx: Tx, company_id: int, list_id: int) -> ListInfo:
    info = await store.show(tx, company_id, list_id)
    if info is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    return info
