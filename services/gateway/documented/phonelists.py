"""api/Phonelists: lists and their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from libs.common.batches import in_messages
from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.phonelist import (
    LINES_MAX,
    VALUE_CHARACTERS_MAX,
    AddEntries,
    AddRows,
    BeginImport,
    CreateList,
    Entry,
    FinishImport,
    ImportReport,
    ListInfo,
    ReadEntry,
    ReadLists,
    ReadNeighbour,
    ReadNumbers,
    ShowList,
)
from libs.common.ids import uuid7
from services.gateway.documented.call import Call, Pages

BATCHES_IN_FLIGHT = 4  # of one import

FIELDS = {
    "PhoneNumber": "phone_number",
    "Title": "title",
    "FirstName": "first_name",
    "Surname": "surname",
    "Address1": "address1",
    "Address2": "address2",
    "Address3": "address3",
    "City": "city",
    "County": "county",
    "Postcode": "postcode",
    "Gender": "gender",
    "DateOfBirth": "date_of_birth",
    "Reference": "reference",
    "Email": "email",
    "User1": "user1",
    "User2": "user2",
    "User3": "user3",
}


async def create_list(call: Call) -> object:
    return (await call.ask(CreateList(title=call.text("Title"), folder_id=call.number("Folder")))).id


async def add_single_entry(call: Call) -> object:
    entry = call.values.get("ListEntry")
    given = [cast("Mapping[str, object]", entry)] if isinstance(entry, Mapping) else [{}]
    return _told(await call.ask(AddEntries(list_id=call.number("ListID"), entries=_entries(given))))


async def add_multiple_entries(call: Call) -> object:
    """All or nothing: one bad number and no entry is added. Many entries go as an import, which becomes visible at once."""
    given = cast("Sequence[Mapping[str, object]]", call.values.get("ListEntries") or [])
    list_id = call.number("ListID")
    # Looking at 100,000 entries takes a third of a second: that must not stop everyone else's requests.
    batches = await asyncio.to_thread(list, in_messages(given, _characters, LINES_MAX))
    if len(batches) <= 1 and len(given) <= ITEMS_MAX:
        return _told(await call.ask(AddEntries(list_id=list_id, entries=_entries(given))))
    import_id = uuid7()
    await call.ask(BeginImport(import_id=import_id, list_id=list_id))
    places = asyncio.Semaphore(BATCHES_IN_FLIGHT)

    async def add(first_line: int, batch: Sequence[Mapping[str, object]]) -> None:
        try:
            await call.ask(_rows(import_id, first_line, batch))
        finally:
            places.release()

    added, first_line = [], 1
    for batch in batches:
        await places.acquire()
        added.append(asyncio.create_task(add(first_line, batch)))
        first_line += len(batch)
    for outcome in await asyncio.gather(*added, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome  # the first one; the import is never finished, so nothing of it is seen
    return _told(await call.ask(FinishImport(import_id=import_id, all_or_nothing=True, lines=len(given))))


def _rows(import_id: UUID, first_line: int, batch: Sequence[Mapping[str, object]]) -> AddRows:
    """The entries by columns, of the fields that one of them has."""
    names = list(dict.fromkeys(["PhoneNumber", *(name for each in batch for name in each)]))
    return AddRows(
        import_id=import_id,
        fields=[FIELDS[name] for name in names],
        lines=list(range(first_line, first_line + len(batch))),
        columns=[[_text(each.get(name)) for each in batch] for name in names],
    )


def _text(value: object) -> str | None:
    return value.date().isoformat() if isinstance(value, datetime) else cast("str | None", value)


def _characters(entry: Mapping[str, object]) -> int:
    """How long its texts are. Refused where one is too long to be kept: phonelist would say so too, but the message must get there."""
    lengths = [len(value) for value in entry.values() if isinstance(value, str)]
    if max(lengths, default=0) > VALUE_CHARACTERS_MAX:
        raise Refusal(Code.INVALID_REQUEST, f"a field of an entry has more than {VALUE_CHARACTERS_MAX} characters")
    return sum(lengths)


def _told(report: ImportReport) -> str:
    """The documented result is a string of unknown use: duplicates are told there."""
    return f"duplicates: {report.duplicates}" if report.duplicates else ""


def _entries(given: Sequence[Mapping[str, object]]) -> list[Entry]:
    return [
        Entry.model_validate({FIELDS[name]: _plain(value) for name, value in each.items()} | _number(each))
        for each in given
    ]


def _number(entry: Mapping[str, object]) -> dict[str, object]:
    return {"phone_number": entry.get("PhoneNumber") or ""}


def _plain(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


async def get_numbers(call: Call) -> object:
    return Pages(_numbers(call))


async def _numbers(call: Call) -> AsyncIterator[list[object]]:
    """The next page is asked for while one is on its way to the client: two are held, however slow that is."""
    asking = asyncio.create_task(call.ask(ReadNumbers(list_id=call.number("List"))))
    try:
        while True:
            page = await asking
            if page.more:
                following = ReadNumbers(list_id=call.number("List"), after=page.last, until=page.until)
                asking = asyncio.create_task(call.ask(following))
            yield list(page.numbers)
            if not page.more:
                return
    finally:
        asking.cancel()


async def get_lists(call: Call) -> object:
    """No folder: the root."""
    return Pages(_lists(call))


async def _lists(call: Call) -> AsyncIterator[list[object]]:
    after, more = 0, True
    while more:
        page = await call.ask(ReadLists(folder_id=call.number("Folder"), after=after))
        yield [_list(each) for each in page.items]
        more = page.more
        after = page.items[-1].id if page.items else after


async def get_list(call: Call) -> object:
    return _list(await call.ask(ShowList(list_id=call.number("List"))))


def _list(info: ListInfo) -> dict[str, object]:
    return {"ID": info.id, "Title": info.title, "Folder": info.folder_id, "Count": info.entries}


async def get_number_detail(call: Call) -> object:
    entry = await call.ask(ReadEntry(list_id=call.number("List"), number=call.text("PhoneNumber")))
    return {name: getattr(entry, field) for name, field in FIELDS.items()}


async def get_previous_number(call: Call) -> object:
    return await _neighbour(call, "previous")


async def get_next_number(call: Call) -> object:
    return await _neighbour(call, "next")


async def _neighbour(call: Call, side: Literal["previous", "next"]) -> str:
    """An empty string at the list's end."""
    ask = ReadNeighbour(list_id=call.number("List"), number=call.text("PhoneNumber"), side=side)
    return (await call.ask(ask)).number
