"""/v2/lists: phone lists, and CSV files into them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest

from libs.common.contracts.auth import Id
from libs.common.contracts.phonelist import CreateList, ListId, ListInfo, ShowList
from services.gateway.api import imports
from services.gateway.api.call import Body, Reading, Writing
from services.gateway.api.imports import ImportResult
from services.gateway.api.limits import SmallBody, limited

router = APIRouter(prefix="/v2/lists", tags=["lists"], route_class=SmallBody)
imports_router = APIRouter(prefix="/v2/lists", tags=["lists"])

CSV_BYTES_MAX = 64 << 20
CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


class NewList(Body):
    title: str
    folder_id: Id = 0


@router.post("", status_code=201)
async def create_list(call: Writing, new: NewList) -> ListId:
    """Makes an empty list. `folder_id` 0 is the company's root."""
    return await call.ask(CreateList(title=new.title, folder_id=new.folder_id))


@router.get("/{list_id}")
async def show_list(call: Reading, list_id: Annotated[Id, Path()]) -> ListInfo:
    return await call.ask(ShowList(list_id=list_id))


@imports_router.post("/{list_id}/imports", status_code=201, openapi_extra=CSV_BODY)
async def import_csv(request: Request, call: Writing, list_id: Annotated[Id, Path()]) -> ImportResult:
    """Adds a CSV file's good rows to the list, all at once, and tells of the bad ones by line.

    UTF-8; comma, semicolon or tab; the first line names the columns, one of them the number's. Up to 64 MiB.
    """
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if media_type.strip() != "text/csv" or ("charset" in parameters and "utf-8" not in parameters):
        raise HTTPException(415, "Send the file as text/csv, in UTF-8.")
    body = HttpRequest(request.scope, limited(request.receive, CSV_BYTES_MAX))
    return await imports.import_csv(call, list_id, body.stream())
