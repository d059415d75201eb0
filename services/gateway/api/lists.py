"""/v2/lists: phone lists, their entries, and CSV files into them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from libs.common.contracts.auth import Id
from libs.common.contracts.base import ITEMS_MAX, Code
from libs.common.contracts.phonelist import (
    LISTS_PAGE_MAX,
    AddEntries,
    CreateList,
    Entry,
    ListId,
    ListInfo,
    ReadEntries,
    ReadEntry,
    ReadLists,
    ReadNumbers,
    RemoveEntry,
    ShowList,
)
from services.gateway.api import imports
from services.gateway.api.call import Reading, Writing
from services.gateway.api.imports import ImportResult
from services.gateway.api.inputs import Body, Day, Key, Words
from services.gateway.api.limits import BulkBody, SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, AfterPlace, Limit, Page, page, place, place_of
from services.gateway.api.problems import refuses


class CsvBody(SmallBody):
    """A route whose body is a file, read as it comes."""

    bytes_max = 64 << 20


router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=SmallBody)
bulk_router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=BulkBody)
imports_router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=CsvBody)

CSV_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "example": "phone_number,first_name\n07700 900123,Ann\n"}}
        },
    }
}


class NewList(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"title": "Customers"}})

    title: str
    folder_id: Id = Field(0, description="0: the root.")


class NewEntry(Entry, Body):
    """A person; only the number is needed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"phone_number": "07700 900123", "first_name": "Ann", "user1": "gold"}}
    )

    date_of_birth: Day | None = None


class NewEntries(Body):
    entries: list[NewEntry] = Field(min_length=1, max_length=ITEMS_MAX)


class Added(BaseModel):
    """`duplicates`: numbers that the list has already, or that came twice; each stays as it was."""

    added: int
    duplicates: int


@router.post(
    "", status_code=201, responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE, Code.LIMIT_REACHED)
)
async def create_list(call: Writing, new: NewList) -> ListId:
    """Makes an empty list. `folder_id` 0 is the company's root."""
    return await call.ask(CreateList(title=new.title, folder_id=new.folder_id))


@router.get("", responses=refuses(Code.NOT_FOUND))
async def list_lists(
    call: Reading, folder_id: Key | None = None, after: AfterKey | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[ListInfo]:
    """Lists by id, of one folder if one is given; at most 100 a page."""
    found = await call.ask(ReadLists(folder_id=folder_id, after=after or 0, limit=min(limit, LISTS_PAGE_MAX)))
    return page(found.items, found.items[-1].id if found.more else None)


@router.get("/{list_id}", responses=refuses(Code.NOT_FOUND))
async def show_list(call: Reading, list_id: Key) -> ListInfo:
    """A list and how many entries it has."""
    return await call.ask(ShowList(list_id=list_id))


@router.get("/{list_id}/numbers", responses=refuses(Code.NOT_FOUND))
async def list_numbers(
    call: Reading, list_id: Key, after: AfterPlace | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[str]:
    """The list's numbers in list order, as they stood when the first page was read: what is added meanwhile is left out."""
    last, until = place_of(after)
    found = await call.ask(ReadNumbers(list_id=list_id, after=last, until=until, limit=limit))
    return page(found.numbers, place(found.last, found.until) if found.more else None)


@router.get("/{list_id}/entries", responses=refuses(Code.NOT_FOUND))
async def list_entries(
    call: Reading, list_id: Key, after: AfterPlace | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[Entry]:
    """The list's entries in list order, whole: see the numbers'."""
    last, until = place_of(after)
    found = await call.ask(ReadEntries(list_id=list_id, after=last, until=until, limit=limit))
    return page(found.entries, place(found.last, found.until) if found.more else None)


@bulk_router.post(
    "/{list_id}/entries",
    status_code=201,
    responses=refuses(Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND),
)
async def add_entries(call: Writing, list_id: Key, new: NewEntries) -> Added:
    """Adds up to 500 entries, all of them or, where a number is none, nothing. For more, import a file."""
    report = await call.ask(AddEntries(list_id=list_id, entries=list(new.entries)))
    return Added(added=report.added, duplicates=report.duplicates)


@router.get("/{list_id}/entries/{number}", responses=refuses(Code.INVALID_NUMBER, Code.NOT_FOUND))
async def show_entry(call: Reading, list_id: Key, number: Annotated[Words, Path()]) -> Entry:
    """The entry of a number, however it is written."""
    return await call.ask(ReadEntry(list_id=list_id, number=number))


@router.delete(
    "/{list_id}/entries/{number}",
    status_code=204,
    responses=refuses(Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND),
)
async def remove_entry(call: Reading, list_id: Key, number: Annotated[Words, Path()]) -> None:
    """Takes a number out of the list."""
    await call.ask(RemoveEntry(list_id=list_id, number=number))


@imports_router.post(
    "/{list_id}/imports",
    status_code=201,
    openapi_extra=CSV_BODY,
    responses=refuses(Code.TOO_MANY, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE, Code.WRONG_STATE),
)
async def import_csv(request: Request, call: Writing, list_id: Key) -> ImportResult:
    """Adds a CSV file's good rows to the list, all at once, and tells of the bad ones by line.

    UTF-8; comma, semicolon or tab; the first line names the columns, one of them the number's, or there is nothing but numbers. Up to 64 MiB.
    """
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if media_type.strip() != "text/csv" or ("charset" in parameters and "utf-8" not in parameters):
        raise HTTPException(415, "Send the file as text/csv, in UTF-8.")
    return await imports.import_csv(call, list_id, request.stream())
