"""api/Phonelists: lists and their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.phonelist import (
    AddEntries,
    AddRows,
    BeginImport,
    CreateList,
    Entry,
    FinishImport,
    ImportReport,
    ReadNumbers,
)
from libs.common.ids import uuid7
from services.gateway.documented.call import Call, Pages

ROWS_IN_FLIGHT = 4  # messages of one import under way at once

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
    if len(given) <= ITEMS_MAX:
        return _told(await call.ask(AddEntries(list_id=list_id, entries=_entries(given))))
    import_id = uuid7()
    await call.ask(BeginImport(import_id=import_id, list_id=list_id))
    places = asyncio.Semaphore(ROWS_IN_FLIGHT)

    async def add(start: int) -> None:
        async with places:
            rows = _entries(given[start : start + ITEMS_MAX])
            await call.ask(AddRows(import_id=import_id, first_line=start + 1, entries=rows))

    added = [add(start) for start in range(0, len(given), ITEMS_MAX)]
    for outcome in await asyncio.gather(*added, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome  # the first one; the import is never finished, so nothing of it is seen
    return _told(await call.ask(FinishImport(import_id=import_id, all_or_nothing=True)))


def _told(report: ImportReport) -> str:
    """The documented result is a string of unknown use: duplicates are told there."""
    return f"{report.duplicates} duplicates" if report.duplicates else ""


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
    after, until, more = 0, None, True
    while more:
        page = await call.ask(ReadNumbers(list_id=call.number("List"), after=after, until=until))
        yield list(page.numbers)
        after, until, more = page.last, page.until, page.more
