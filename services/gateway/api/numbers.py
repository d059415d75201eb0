"""/v2/opt-outs, /v2/reinstatements, /v2/recent-failures: numbers that want no texts, want them again, or do not get them."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.contracts.base import Code
from libs.common.contracts.campaign import ReadRecentFails
from libs.common.contracts.inbound import ContactPage, ReadReinstates, ReadStops
from services.gateway.api.call import Reading
from services.gateway.api.inputs import Moment
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, AfterNumber, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["numbers"], route_class=SmallBody)


class ContactChange(BaseModel):
    """`at`: when it texted so."""

    number: str
    at: datetime


class FailingNumber(BaseModel):
    number: str


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


@router.get("/recent-failures", responses=refuses(Code.INVALID_DATE))
async def list_recent_failures(
    call: Reading, since: Moment, after: AfterNumber | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[FailingNumber]:
    """Numbers that at least three texts of recent campaigns failed to reach since a moment."""
    found = await call.ask(ReadRecentFails(since=since, after=after or "", limit=limit))
    return page([FailingNumber(number=number) for number in found.numbers], found.numbers[-1] if found.more else None)
