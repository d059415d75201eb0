"""/v2/lists: phone lists, their entries, files into them and out of them, and whole lists against each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from libs.common import csv_text
from libs.common.contracts.auth import Id
from libs.common.contracts.base import ITEMS_MAX, Code
from libs.common.contracts.phonelist import (
    FIELDS,
    LISTS_PAGE_MAX,
    AddEntries,
    CreateList,
    Entry,
    ListId,
    ListInfo,
    MergeLists,
    ReadEntries,
    ReadEntry,
    ReadLists,
    ReadNumbers,
    ReadValues,
    RecipientsPage,
    RemoveEntry,
    ShowList,
    SubtractedList,
    SubtractList,
)
from services.gateway.api import imports
from services.gateway.api.call import Call, Reading, Writing
from services.gateway.api.imports import ImportResult
from services.gateway.api.inputs import Body, Day, Flag, Key, Words
from services.gateway.api.limits import BulkBody, SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, AfterPlace, Limit, Page, page, place, place_of
from services.gateway.api.problems import refuses


class FileBody(SmallBody):
    """A route whose body is a file, read as it comes."""

    bytes_max = 256 << 20  # two million rows of a hundred characters


router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=SmallBody)
bulk_router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=BulkBody)
imports_router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=FileBody)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHARSETS = {
    "",
    "utf-8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "us-ascii",
    "windows-1252",
}  # which one it is, the file itself tells
FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "example": "phone_number,first_name\n07700 900123,Ann\n"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
CSV_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
WHOLE_LIST_LIMIT_S = 90.0  # a million entries in one transaction take ten


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
    openapi_extra=FILE_BODY,
    responses=refuses(
        Code.TOO_MANY, Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.DUPLICATE, Code.WRONG_STATE
    ),
)
async def import_file(
    request: Request,
    call: Writing,
    list_id: Key,
    all_or_nothing: Annotated[Flag, Query(description="One bad row, and nothing is added.")] = False,
    sheet: Annotated[Words, Query(description="Of a spreadsheet; else the first one that is not hidden.")] = "",
) -> ImportResult:
    """Adds a file's good rows to the list, all at once, and tells of the bad ones by line. Repeated with the same Idempotency-Key after a cut, it goes on.

    CSV in UTF-8, UTF-16 or Windows-1252, with commas, semicolons or tabs, up to 256 MiB; or XLSX, up to 64 MiB. Names of columns in any order; the
    number's is found by what it holds, if not by its name. Numbers that are nearly right are put right, and told.
    """
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    if media_type.strip() not in ("text/csv", XLSX) or charset not in CHARSETS:
        raise HTTPException(415, "Send the file as text/csv, in UTF-8, UTF-16 or Windows-1252, or as XLSX.")
    return await imports.import_sheet(call, list_id, request.stream(), all_or_nothing=all_or_nothing, sheet=sheet)


@router.get(
    "/{list_id}/imports/{import_id}/bad-rows",
    response_class=StreamingResponse,
    responses=refuses(Code.NOT_FOUND) | CSV_ANSWER,
)
async def export_bad_rows(call: Reading, list_id: Key, import_id: UUID) -> StreamingResponse:
    """All the bad rows of an import as CSV: line, value, reason. Kept for 30 days."""
    first = await imports.first_bad_rows(call, list_id, import_id)
    return _csv(imports.bad_rows(call, list_id, import_id, first), "bad-rows.csv")


@router.get("/{list_id}/export", response_class=StreamingResponse, responses=refuses(Code.NOT_FOUND) | CSV_ANSWER)
async def export_list(call: Reading, list_id: Key) -> StreamingResponse:
    """The list as CSV in UTF-8, with every field, as it stood when this began. A connection that is cut before the end tells that it is not whole."""
    first = await call.ask_once(ReadValues(list_id=list_id, fields=list(FIELDS)))
    return _csv(_rows(call, list_id, first), f"list-{list_id}.csv")


def _csv(lines: AsyncIterator[str], name: str) -> StreamingResponse:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _rows(call: Call, list_id: int, page: RecipientsPage) -> AsyncIterator[str]:
    yield csv_text.line(FIELDS)
    while True:
        yield csv_text.lines(page.values)
        if not page.more:
            return
        page = await call.ask_once(ReadValues(list_id=list_id, fields=list(FIELDS), after=page.last, until=page.until))


class OtherLists(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"from_ids": [12, 13]}})

    from_ids: list[Id] = Field(min_length=1, max_length=20)


class OtherList(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"minus_id": 12}})

    minus_id: Id


@router.post("/{list_id}/merge", responses=refuses(Code.TOO_MANY, Code.PERMISSION_DENIED, Code.NOT_FOUND))
async def merge_lists(call: Writing, list_id: Key, others: OtherLists) -> Added:
    """Adds the entries of other lists to this one, in one moment, up to 2,000,000; the others stay. A number is in a list once: duplicates are told."""
    merged = await call.ask(MergeLists(list_id=list_id, from_ids=others.from_ids), WHOLE_LIST_LIMIT_S)
    return Added(added=merged.added, duplicates=merged.duplicates)


@router.post("/{list_id}/subtract", responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND))
async def subtract_list(call: Writing, list_id: Key, other: OtherList) -> SubtractedList:
    """Takes the numbers of another list out of this one, in one moment; the other stays."""
    return await call.ask(SubtractList(list_id=list_id, minus_id=other.minus_id), WHOLE_LIST_LIMIT_S)
