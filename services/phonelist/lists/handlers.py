"""Lists: makes them, adds and removes entries, reads them by pages or one by one. Another company's list is not found, as one that never was."""

from __future__ import annotations

from libs.common import phone
from libs.common.bus import Asked
from libs.common.contracts.base import PAGE_MAX, Code, Done, Refusal
from libs.common.contracts.phonelist import (
    ENTRIES_PAGE_MAX,
    LISTS_PAGE_MAX,
    AddEntries,
    CreateList,
    EntriesPage,
    Entry,
    ImportReport,
    ListExists,
    ListId,
    ListInfo,
    ListPage,
    Neighbour,
    NumbersPage,
    ReadEntries,
    ReadEntry,
    ReadLists,
    ReadNeighbour,
    ReadNumbers,
    ReadRecipients,
    RemoveEntry,
    ShowList,
)
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.lists import rules, store

NO_LIST = "there is no such list"
NO_FOLDER = "there is no such folder"
NOT_IN_LIST = "the list does not hold this number"


async def create(tx: Tx, ask: Asked[CreateList]) -> ListId:
    company_id = ask.caller.company_id
    title = rules.title(ask.body.title)
    if not await store.has_folder(tx, company_id, ask.body.folder_id):
        raise Refusal(Code.NOT_FOUND, NO_FOLDER)
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
        raise Refusal(entries.code(bad[0]), f"entry {bad[0].line}: {bad[0].reason}")
    added = await store.add(tx, ask.body.list_id, good)
    return ImportReport(added=added, duplicates=len(good) - added, bad_count=0, bad=[])


async def remove_entry(tx: Tx, ask: Asked[RemoveEntry]) -> Done:
    """Who was frozen into a campaign stays in it: StopCampaign is for that, or the number's STOP."""
    if not await store.lock(tx, ask.caller.company_id, ask.body.list_id):
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    if not await store.remove(tx, ask.body.list_id, phone.required(ask.body.number)):
        raise Refusal(Code.NOT_FOUND, NOT_IN_LIST)
    return Done()


async def read_numbers(tx: Tx, ask: Asked[ReadNumbers]) -> NumbersPage:
    query = ask.body
    until = await _until(tx, ask.caller.company_id, query)
    return await store.numbers(tx, query.list_id, query.after, until, query.limit)


async def read_recipients(tx: Tx, ask: Asked[ReadRecipients]) -> NumbersPage:
    query = ask.body
    until = await _until(tx, query.company_id, query)
    return await store.numbers(tx, query.list_id, query.after, until, PAGE_MAX)


async def read_entries(tx: Tx, ask: Asked[ReadEntries]) -> EntriesPage:
    query = ask.body
    until = await _until(tx, ask.caller.company_id, query)
    return await store.entries(tx, query.list_id, query.after, until, min(query.limit, ENTRIES_PAGE_MAX))


async def _until(tx: Tx, company_id: int, query: ReadNumbers | ReadRecipients | ReadEntries) -> int:
    """The key that the reading ends with: as the first page was told, or the list's highest now."""
    highest = await store.highest_key(tx, company_id, query.list_id)
    if highest is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    return highest if query.until is None else query.until


async def read_entry(tx: Tx, ask: Asked[ReadEntry]) -> Entry:
    return (await _found(tx, ask.caller.company_id, ask.body))[1]


async def read_neighbour(tx: Tx, ask: Asked[ReadNeighbour]) -> Neighbour:
    key, _ = await _found(tx, ask.caller.company_id, ask.body)
    find = store.previous if ask.body.side == "previous" else store.next_
    return Neighbour(number=await find(tx, ask.body.list_id, key))


async def _found(tx: Tx, company_id: int, query: ReadEntry | ReadNeighbour) -> tuple[int, Entry]:
    """The entry of the number that is asked for, and its key."""
    if await store.highest_key(tx, company_id, query.list_id) is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    found = await store.entry(tx, query.list_id, phone.required(query.number))
    if found is None:
        raise Refusal(Code.NOT_FOUND, NOT_IN_LIST)
    return found


async def read_lists(tx: Tx, ask: Asked[ReadLists]) -> ListPage:
    query, company_id = ask.body, ask.caller.company_id
    if query.folder_id is not None and not await store.has_folder(tx, company_id, query.folder_id):
        raise Refusal(Code.NOT_FOUND, NO_FOLDER)
    return await store.page(tx, company_id, query.folder_id, query.after, min(query.limit, LISTS_PAGE_MAX))


async def show(tx: Tx, ask: Asked[ShowList]) -> ListInfo:
    return await _info(tx, ask.caller.company_id, ask.body.list_id)


async def exists(tx: Tx, ask: Asked[ListExists]) -> ListInfo:
    return await _info(tx, ask.body.company_id, ask.body.list_id)


async def _info(tx: Tx, company_id: int, list_id: int) -> ListInfo:
    info = await store.show(tx, company_id, list_id)
    if info is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    return info
