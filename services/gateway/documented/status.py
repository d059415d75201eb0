"""api/Status: who has texted STOP, who has texted START, and whom campaigns do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from libs.common.clock import midnight_the_preceding_day, now
from libs.common.contracts.inbound import ReadReinstates, ReadStops
from libs.common.contracts.messaging import ReadFailed
from services.gateway.documented.call import Call, Pages
from services.gateway.documented.messages import date_from


async def get_all_stops(call: Call) -> object:
    return Pages(_numbers(call, ReadStops, None))


async def get_stops_from_date(call: Call) -> object:
    return Pages(_numbers(call, ReadStops, date_from(call)))


async def get_stops(call: Call) -> object:
    return Pages(_numbers(call, ReadStops, midnight_the_preceding_day(now())))


async def get_all_reinstates(call: Call) -> object:
    return Pages(_numbers(call, ReadReinstates, None))


async def get_reinstates_from_date(call: Call) -> object:
    return Pages(_numbers(call, ReadReinstates, date_from(call)))


async def get_reinstates(call: Call) -> object:
    return Pages(_numbers(call, ReadReinstates, midnight_the_preceding_day(now())))


async def _numbers(
    call: Call, query: type[ReadStops | ReadReinstates], since: datetime | None
) -> AsyncIterator[list[object]]:
    after, more = 0, True
    while more:
        page = await call.ask_json(query(since=since, after=after))
        contacts, more = page["items"], page["more"]
        yield [contact["number"] for contact in contacts]
        after = contacts[-1]["key"] if contacts else after


async def get_recent_fails(call: Call) -> object:
    return Pages(_fails(call, date_from(call)))


async def _fails(call: Call, since: datetime) -> AsyncIterator[list[object]]:
    after, more = "", True
    while more:
        page = await call.ask(ReadFailed(since=since, after=after))
        yield [failed.number for failed in page.items]
        more = page.more
        after = page.items[-1].number if page.items else after
