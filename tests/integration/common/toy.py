"""A toy service on the real kernel: it counts. Named phonelist, since the broker knows only the platform's own users."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import ClassVar

from libs.common.bus import Asked, each, each_read, user
from libs.common.contracts.base import Code, Command, Contract, Event, Query, Refusal
from libs.common.db import Tx
from libs.common.service import Service, run
from libs.common.settings import ServiceSettings

TABLE = "CREATE TABLE IF NOT EXISTS counted (what text PRIMARY KEY, times int NOT NULL)"
COUNT = "INSERT INTO counted VALUES ($1, 1) ON CONFLICT (what) DO UPDATE SET times = counted.times + 1 RETURNING times"


class Times(Contract):
    times: int


class Count(Command[Times]):
    owner: ClassVar[str] = "phonelist"

    what: str


class CountMany(Count):
    """As Count, by a handler of many."""


class HowOften(Query[Times]):
    owner: ClassVar[str] = "phonelist"

    what: str


class HowOftenInJson(HowOften):
    """As HowOften, by a handler that makes the JSON itself."""


class Counted(Event):
    type: ClassVar[str] = "phonelist.things.counted"

    what: str


class Failed(Event):
    """Its handler fails as often as `times` says."""

    type: ClassVar[str] = "phonelist.things.failed"

    what: str
    times: int


failures: dict[str, int] = {}


async def count(tx: Tx, ask: Asked[Count]) -> Times:
    times = await tx.fetchval(COUNT, ask.body.what)
    match ask.body.what:
        case "refused":
            raise Refusal(Code.WRONG_STATE, "as asked")
        case "broken":
            raise RuntimeError("as asked")
        case "slow":
            await asyncio.sleep(1.0)
    tx.emit(Counted(company_id=ask.caller.company_id, what=ask.body.what))
    return Times(times=times)


async def count_many(tx: Tx, asked: Sequence[Asked[CountMany]]) -> list[Times | Refusal]:
    return [Times(times=await tx.fetchval(COUNT, ask.body.what)) for ask in asked]


async def how_often(tx: Tx, ask: Asked[HowOften]) -> Times:
    return Times(times=await tx.fetchval("SELECT coalesce(max(times), 0) FROM counted WHERE what = $1", ask.body.what))


async def how_often_in_json(tx: Tx, asked: Sequence[Asked[HowOftenInJson]]) -> list[bytes | Refusal]:
    refusal = Refusal(Code.WRONG_STATE, "as asked")
    found = [await how_often(tx, ask) for ask in asked]
    return [
        refusal if ask.body.what == "refused" else b'{"times":%d}' % one.times
        for ask, one in zip(asked, found, strict=True)
    ]


async def counted(tx: Tx, event: Counted) -> None:
    if event.what == "kill":
        os._exit(9)
    await tx.execute(COUNT, f"heard {event.what}")


async def failed(tx: Tx, event: Failed) -> None:
    await tx.execute(COUNT, event.what)
    failures[event.what] = failures.get(event.what, 0) + 1
    if failures[event.what] <= event.times:
        raise RuntimeError("as asked")


TOY = Service(
    name="phonelist",
    settings=ServiceSettings,
    commands={Count: user()(each(count)), CountMany: user()(count_many)},
    queries={HowOften: user()(each_read(how_often)), HowOftenInJson: user()(how_often_in_json)},
    events={Counted: counted, Failed: failed},
)

if __name__ == "__main__":
    run(TOY)
