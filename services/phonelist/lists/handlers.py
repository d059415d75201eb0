"""Lists: makes them, adds and removes entries, reads them by pages or one by one. Another company's list is not found, as one that never was."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common import phone
from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.phonelist import (
    ENTRIES_PAGE_MAX,
    FIELDS,
    LISTS_PAGE_MAX,
    AddEntries,
    CreateList,
    EntriesPage,
    Entry,
    FindIncomplete,
    ImportReport,
    Incomplete,
    ListId,
    ListInfo,
    ListPage,
    ListVersion,
    MergedLists,
    MergeLists,
    Neighbour,
    NumbersPage,
    PinList,
    ReadEntries,
    ReadEntry,
    ReadLists,
    ReadNeighbour,
    ReadNumbers,
    ReadRecipient,
    ReadRecipients,
    ReadValues,
    RecipientsPage,
    RemoveEntry,
    ShowList,
    SubtractedList,
    SubtractList,
)
from libs.common.db import Tx
from services.phonelist import entries
from services.phonelist.lists import rules, sets, store

NO_LIST = "there is no such list"
MERGED_MAX = 2_000_000  # entries in one transaction: they take about twenty seconds
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


async def merge(tx: Tx, ask: Asked[MergeLists]) -> MergedLists:
    company_id, list_id, from_ids = ask.caller.company_id, ask.body.list_id, ask.body.from_ids
    await _lock_with(tx, company_id, list_id, from_ids)
    if await store.is_answered(tx, ask.id):
        return MergedLists(added=0, duplicates=0)
    if sum([await sets.size(tx, each) for each in from_ids]) > MERGED_MAX:
        raise Refusal(Code.TOO_MANY, f"up to {MERGED_MAX:,} entries are merged at once: merge fewer lists")
    outcomes = [await sets.add_from(tx, list_id, each) for each in from_ids]
    return MergedLists(added=sum(added for added, _ in outcomes), duplicates=sum(held for _, held in outcomes))


async def subtract(tx: Tx, ask: Asked[SubtractList]) -> SubtractedList:
    """Who was frozen into a campaign stays in it, as with RemoveEntry."""
    await _lock_with(tx, ask.caller.company_id, ask.body.list_id, [ask.body.minus_id])
    if await store.is_answered(tx, ask.id):
        return SubtractedList(removed=0)
    return SubtractedList(removed=await sets.remove_held_by(tx, ask.body.list_id, ask.body.minus_id))


async def _lock_with(tx: Tx, company_id: int, list_id: int, others: Sequence[int]) -> None:
    """Holds the list that is to be changed. Those that are read are not held: two merges into each other do not wait for one another."""
    if list_id in others:
        raise Refusal(Code.INVALID_REQUEST, "a list is merged with others, not with itself")
    if not await store.lock(tx, company_id, list_id):
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    for other in others:
        if await store.highest_key(tx, company_id, other) is None:
            raise Refusal(Code.NOT_FOUND, f"there is no list {other}")


async def read_numbers(tx: Tx, ask: Asked[ReadNumbers]) -> NumbersPage:
    query = ask.body
    until = await _until(tx, ask.caller.company_id, query)
    return await store.numbers(tx, query.list_id, query.after, until, query.limit)


async def read_values(tx: Tx, ask: Asked[ReadValues]) -> RecipientsPage:
    query = ask.body
    fields = _known(query.fields)
    until = await _until(tx, ask.caller.company_id, query)
    return await store.recipients(tx, query.list_id, query.after, until, query.limit, fields)


async def read_recipients(tx: Tx, ask: Asked[ReadRecipients]) -> RecipientsPage:
    query = ask.body
    fields = _known(query.fields)
    until = await _until(tx, query.company_id, query)
    return await store.recipients(tx, query.list_id, query.after, until, query.limit, fields)


async def read_recipient(tx: Tx, ask: Asked[ReadRecipient]) -> RecipientsPage:
    query = ask.body
    fields = _known(query.fields)
    key, _ = await _found(tx, query.company_id, query)
    return await store.recipients(tx, query.list_id, key - 1, key, 1, fields)


async def find_incomplete(tx: Tx, ask: Asked[FindIncomplete]) -> Incomplete:
    query = ask.body
    fields = _known(query.fields)
    await _until(tx, query.company_id, query)
    return await store.incomplete(tx, query.list_id, query.until, fields, query.limit)


async def pin(tx: Tx, ask: Asked[PinList]) -> ListVersion:
    until = await store.highest_key(tx, ask.body.company_id, ask.body.list_id)
    if until is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    return ListVersion(until=until)


def _known(fields: Sequence[str]) -> tuple[str, ...]:
    """The fields, each of which is one: they become names of columns."""
    for field in fields:
        if field not in FIELDS:
            raise Refusal(Code.INVALID_REQUEST, f"an entry has no field {field!r}")
    return tuple(fields)


async def read_entries(tx: Tx, ask: Asked[ReadEntries]) -> EntriesPage:
    query = ask.body
    until = await _until(tx, ask.caller.company_id, query)
    return await store.entries(tx, query.list_id, query.after, until, min(query.limit, ENTRIES_PAGE_MAX))


async def _until(
    tx: Tx, company_id: int, query: ReadNumbers | ReadValues | ReadRecipients | ReadEntries | FindIncomplete
) -> int:
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


async def _found(tx: Tx, company_id: int, query: ReadEntry | ReadNeighbour | ReadRecipient) -> tuple[int, Entry]:
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
    info = await store.show(tx, ask.caller.company_id, ask.body.list_id)
    if info is None:
        raise Refusal(Code.NOT_FOUND, NO_LIST)
    return info
