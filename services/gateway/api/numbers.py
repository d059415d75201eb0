"""/v2/opt-outs, /v2/reinstatements, /v2/failed-numbers: numbers that want no texts, want them again, or do not get them."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.contracts.base import Code
from libs.common.contracts.inbound import ContactPage, ReadReinstates, ReadStops
from libs.common.contracts.messaging import FailedNumber, LiftFailed, ReadFailed
from services.gateway.api.call import Reading
from services.gateway.api.inputs import Moment, Words
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, AfterNumber, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["numbers"], route_class=SmallBody)


class ContactChange(BaseModel):
    """`at`: when it texted so."""

    number: str
    at: datetime


@router.get("/opt-outs", responses=refuses(Code.INVALID_DATE))
async def list_opt_outs(
    call: Reading, since: Moment | None = None, after: AfterKey | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[ContactChange]:
    """Numbers that texted STOP, since a moment if one is given, and have not texted START after it."""
    return _changes(await call.ask(ReadStops(since=since, after=after or 0, limit=limit)))


@router.get("/reinstatements", responses=refuses(Code.INVALID_DATE))
async def list_reinstatements(
    call: Reading, since: Moment | None = None, after: AfterKey | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[ContactChange]:
    """Numbers that texted START, since a moment if one is given, and have not texted STOP after it."""
    return _changes(await call.ask(ReadReinstates(since=since, after=after or 0, limit=limit)))


def _changes(found: ContactPage) -> Page[ContactChange]:
    items = [ContactChange(number=item.number, at=item.at) for item in found.items]
    return page(items, found.items[-1].key if found.more else None)


@router.get("/failed-numbers", responses=refuses(Code.INVALID_DATE))
async def list_failed_numbers(
    call: Reading, since: Moment | None = None, after: AfterNumber | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[FailedNumber]:
    """Numbers that get no marketing for now, since texts to them failed: for good once, or in three campaigns within 90 days. `at`: the last time;
    `since` leaves out those before it."""
    found = await call.ask(ReadFailed(since=since, after=after or "", limit=limit))
    return page(found.items, found.items[-1].number if found.more else None)


@router.delete(
    "/failed-numbers/{number}",
    status_code=204,
    responses=refuses(Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND),
)
async def lift_failed_number(call: Reading, number: Words) -> None:
    """Marketing goes to the number again, and what failed before counts no more."""
    await call.ask(LiftFailed(number=number))
