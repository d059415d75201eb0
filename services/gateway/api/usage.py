"""/v2/usage, /v2/account: what the company's texts took and cost, and what it may still send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from libs.common import usage_csv
from libs.common.clock import now
from libs.common.contracts.usage import Account, Prices, ReadAccount, ReadPrices, ReadUsage, UsagePage, UsageRow
from services.gateway.api.call import Call, Reading
from services.gateway.api.inputs import like
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, Limit
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["usage"], route_class=SmallBody)

MonthInQuery = Annotated[
    str, like(r"20\d\d-(0[1-9]|1[0-2])", "write a month such as 2026-11"), Query(description="Such as 2026-11; in UTC.")
]


class Usage(BaseModel):
    """`micros` of each: millionths of the unit of `currency`; "" where there are no prices. `after`: as of any page."""

    currency: str
    items: list[UsageRow]
    after: str | None


async def wants_csv(request: Request) -> bool:
    return "text/csv" in request.headers.get("accept", "")


@router.get(
    "/usage",
    response_model=Usage,
    responses=refuses() | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def list_usage(
    call: Reading,
    csv: Annotated[bool, Depends(wants_csv)],
    since: MonthInQuery | None = None,
    until: MonthInQuery | None = None,
    after: AfterKey | None = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Usage | StreamingResponse:
    """What carriers took of the company's texts, or may have taken: by month, sender and campaign (0: single texts). This month, where none is named.

    With `Accept: text/csv` all of it, as CSV in UTF-8 with the names of the columns first.
    """
    ask = ReadUsage(since=_first_day(since), until=_first_day(until), skip=after or 0, limit=limit)
    if csv:
        first = await call.ask_once(ReadUsage(since=ask.since, until=ask.until))
        headers = {"content-disposition": 'attachment; filename="usage.csv"'}
        return StreamingResponse(_lines(call, ask, first), media_type="text/csv; charset=utf-8", headers=headers)
    found = await call.ask(ask)
    next_ = str(ask.skip + len(found.rows)) if found.more else None
    return Usage(currency=found.currency, items=found.rows, after=next_)


def _first_day(month: str | None) -> date:
    return date.fromisoformat(f"{month}-01") if month else now().date().replace(day=1)


async def _lines(call: Call, ask: ReadUsage, found: UsagePage) -> AsyncIterator[str]:
    yield usage_csv.header()
    skip = 0
    while True:
        yield usage_csv.lines(found.rows, found.currency)
        skip += len(found.rows)
        if not found.more:
            return
        found = await call.ask_once(ReadUsage(since=ask.since, until=ask.until, skip=skip))


@router.get("/account", responses=refuses())
async def show_account(call: Reading) -> Account:
    """The company's credit and cap; null: nothing bounds it. What it wants to send beyond them waits in the queue."""
    return await call.ask(ReadAccount())


@router.get("/prices", responses=refuses())
async def list_prices(call: Reading) -> Prices:
    """What a part costs, by the longest prefix of the number; "+" stands for all others."""
    return await call.ask(ReadPrices())
