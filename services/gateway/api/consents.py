"""/v2/consents: the ledger of who agreed to marketing or withdrew it, and its export. Written once; nothing here changes or removes any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field

from libs.common import csv_text
from libs.common.contracts.base import ITEMS_MAX, Code
from libs.common.contracts.consents import (
    REFERENCE_CHARACTERS_MAX,
    WORDING_CHARACTERS_MAX,
    Consent,
    ConsentPage,
    ConsentsRecorded,
    How,
    Kind,
    NewConsent,
    ReadConsents,
    RecordConsents,
)
from services.gateway.api.call import Call, Reading, Writing
from services.gateway.api.inputs import Body, Moment, UuidInBody, Words
from services.gateway.api.limits import BulkBody, SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/consents", tags=["consents"], route_class=SmallBody)
bulk_router = APIRouter(prefix="/v2/consents", tags=["consents"], route_class=BulkBody)

COLUMNS = tuple(Consent.model_fields)


class ConsentIn(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "019baf40-0000-7000-8000-000000000001",
                "number": "07700 900123",
                "kind": "given",
                "how": "web_form",
                "at": "2026-03-01T12:00:00Z",
                "wording": "Text me offers. I can stop any time.",
                "reference": "form 4711",
            }
        }
    )

    id: UuidInBody = Field(description="Yours: a repeat with the same one records nothing more.")
    number: str
    kind: Annotated[Kind, Field(strict=False)]
    how: Annotated[How, Field(strict=False)]
    at: Moment
    wording: str = Field("", max_length=WORDING_CHARACTERS_MAX)
    reference: str = Field("", max_length=REFERENCE_CHARACTERS_MAX)


class Consents(Body):
    consents: list[ConsentIn] = Field(min_length=1, max_length=ITEMS_MAX)
    stops: bool = Field(
        False, description="Whoever withdrew is opted out of all the company's texts, as by a STOP of that moment."
    )


@bulk_router.post(
    "", status_code=201, responses=refuses(Code.PERMISSION_DENIED, Code.INVALID_NUMBER, Code.INVALID_DATE)
)
async def record_consents(call: Writing, new: Consents) -> ConsentsRecorded:
    """Up to 500 at once: all of them, or none. With `stops`, the way in for opt-outs of another service."""
    items = [NewConsent(**each.model_dump()) for each in new.consents]
    return await call.ask(RecordConsents(items=items, stops=new.stops))


@router.get("", responses=refuses(Code.INVALID_NUMBER))
async def list_consents(
    call: Reading, number: Words | None = None, after: AfterKey | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[Consent]:
    """The ledger in the order it was written; of one number where it is given. What a number texted is its wording."""
    found = await call.ask(ReadConsents(number=number, after=after or 0, limit=limit))
    return page(found.items, found.items[-1].key if found.more else None)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=refuses(Code.INVALID_NUMBER) | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_consents(call: Reading, number: Words | None = None) -> StreamingResponse:
    """The ledger as CSV in UTF-8, with the names of the columns first. A connection that is cut before the end tells that it is not whole."""
    first = await call.ask_once(ReadConsents(number=number))
    headers = {"content-disposition": 'attachment; filename="consents.csv"'}
    return StreamingResponse(_lines(call, number, first), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(call: Call, number: str | None, found: ConsentPage) -> AsyncIterator[str]:
    yield csv_text.line(COLUMNS)
    while True:
        yield "".join(csv_text.line(consent.model_dump(mode="json").values()) for consent in found.items)
        if not found.more:
            return
        found = await call.ask_once(ReadConsents(number=number, after=found.items[-1].key))
