"""The figures: what is done to the platform, and from when to when it counts. docs/benchmarks.md says what each means.

Each function does one run and answers its values and how many items went through. Own nothing: the fleet and the driver are given.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from deploy.native.environment import WITH_DATABASE
from tests.bench.fleet import Fleet
from tests.bench.load import Sent, connections, post, send_texts
from tests.bench.machine import quantile

LIMIT_S = 180.0
LOOK_EVERY_S = 0.025
BULK_TEXTS_MAX = 10_000  # what the simulator's control takes at once
NUMBERS_FROM = 447_400_000_000  # a mobile range; nothing but the simulator is reached
TEXT = "Your parcel comes today, 9 to 11"


@dataclass
class World:
    """A running fleet, a session of the demo user, and a connection to each database for looking."""

    fleet: Fleet
    token: str
    databases: Mapping[str, asyncpg.Connection]
    numbers: int = NUMBERS_FROM  # the next one that nobody had yet
    names: int = 0
    log_bytes: int = 0

    def new_numbers(self, count: int) -> range:
        first = self.numbers
        self.numbers += count
        return range(first, first + count)

    def new_name(self) -> str:
        self.names += 1
        return f"Bench {self.names}"

    def new_submits(self) -> list[dict[str, Any]]:
        """What the simulator has written down since the last look."""
        with self.fleet.submits_log.open("rb") as log:
            log.seek(self.log_bytes)
            lines = log.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self.log_bytes += len(whole)
        return [orjson.loads(line) for line in whole.splitlines()]

    async def ask(self, path: str, **fields: object) -> Any:
        """One operation of the documented surface; its Result."""
        async with connections(self.fleet.gateway_port, 1) as (connection,):
            _, body = await connection.ask(post(path, orjson.dumps({"SessionToken": self.token, **fields})))
        answer = orjson.loads(body)
        assert answer["Status"] == "Success", answer
        return answer["Result"]


@dataclass
class Run:
    """`items`: what CPU seconds are divided by. `spent_s`: CPU of processes that are none of the fleet's."""

    items: int
    values: dict[str, float] = field(default_factory=dict)
    spent_s: dict[str, float] = field(default_factory=dict)


@asynccontextmanager
async def world_of(fleet: Fleet) -> AsyncIterator[World]:
    fleet.console("seed-demo")
    databases = {service: await asyncpg.connect(fleet.dsn(service)) for service in WITH_DATABASE}
    try:
        for service in ("messaging", "inbound", "campaign"):  # headers come by event
            await until(databases[service], "SELECT count(*) >= 2 FROM headers")
        login = post("/api/Security/Login", orjson.dumps({"Username": "demo", "Password": "demo-password"}))
        async with connections(fleet.gateway_port, 1) as (connection,):
            _, body = await connection.ask(login)
        yield World(fleet, json.loads(body)["Token"], databases)
    finally:
        for database in databases.values():
            await database.close()


async def until(database: asyncpg.Connection, sql: str, *arguments: object) -> None:
    """Until the query answers true."""
    give_up = time.monotonic() + LIMIT_S
    while not await database.fetchval(sql, *arguments):
        assert time.monotonic() < give_up, f"not within {LIMIT_S} s: {sql}"
        await asyncio.sleep(LOOK_EVERY_S)


async def quiet(world: World) -> None:
    """Nothing is open, nothing waits in an outbox: what one run began does not fall into the next."""
    await until(world.databases["messaging"], "SELECT NOT EXISTS (SELECT FROM open_texts WHERE state <> 'in_doubt')")
    for database in world.databases.values():
        await until(database, "SELECT NOT EXISTS (SELECT FROM outbox)")


# ---------------------------------------------------------------------------------------------------------- one text a request


def single_texts(clients: int) -> Callable[[World, int], Awaitable[Run]]:
    async def run(world: World, count: int) -> Run:
        numbers = world.new_numbers(count)
        fields = {"SessionToken": world.token, "FromNumber": "82830", "Message": TEXT}
        requests = [
            post("/api/Messages/SendInstantMessage", orjson.dumps(fields | {"ToNumber": f"+{number}"}))
            for number in numbers
        ]
        world.new_submits()
        async with connections(world.fleet.gateway_port, clients) as opened:
            sent = await send_texts(opened, requests.__getitem__, count)
        await quiet(world)
        return Run(count, _of_single_texts(sent, world.new_submits()))

    return run


def _of_single_texts(sent: list[Sent], submits: list[dict[str, Any]]) -> dict[str, float]:
    at = {entry["own_ref"]: entry["at"] for entry in submits}
    begun, answered = min(each.begun for each in sent), max(each.answered for each in sent)
    answer_ms = [(each.answered - each.begun) * 1000 for each in sent]
    handset_ms = [(at[each.id] - each.begun) * 1000 for each in sent]
    return {
        "texts at handsets a second": len(sent) / (max(at[each.id] for each in sent) - begun),
        "answers a second": len(sent) / (answered - begun),
        "to the answer, p50 ms": quantile(answer_ms, 50),
        "to the answer, p99 ms": quantile(answer_ms, 99),
        "to the handset, p50 ms": quantile(handset_ms, 50),
        "to the handset, p99 ms": quantile(handset_ms, 99),
    }


# -------------------------------------------------------------------------------------------------------------------- inbound


async def inbound(world: World, count: int) -> Run:
    """Given to the network in bulk; over when inbound has stored and announced the last one."""
    database = world.databases["inbound"]
    before = await database.fetchval("SELECT count(*) FROM texts")
    bulks = [
        orjson.dumps([{"from": f"+{number}", "to": "82830", "text": TEXT} for number in numbers])
        for numbers in (world.new_numbers(min(BULK_TEXTS_MAX, count)) for _ in range(0, count, BULK_TEXTS_MAX))
    ]
    begun = time.monotonic()
    for bulk in bulks:
        await asyncio.to_thread(world.fleet.control, "/handsets/messages", bulk)
    while (await asyncio.to_thread(world.fleet.control, "/stats"))["texts_pending"]:
        assert time.monotonic() < begun + LIMIT_S, "the texts are not taken"
        await asyncio.sleep(LOOK_EVERY_S * 4)
    acknowledged = time.monotonic()
    await until(database, "SELECT count(*) = $1 FROM texts", before + count)
    await until(database, "SELECT NOT EXISTS (SELECT FROM outbox)")
    ended = time.monotonic()
    await quiet(world)
    values = {"texts stored and announced a second": count / (ended - begun)}
    return Run(count, values | {"acknowledged to the network a second": count / (acknowledged - begun)})


# -------------------------------------------------------------------------------------------------------- lists and campaigns


async def import_rows(world: World, count: int) -> Run:
    """One AddMultipleEntries of `count` entries, as a client would send it."""
    list_id = await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0)
    seconds, size = await _add_entries(world, list_id, world.new_numbers(count))
    stored = await world.databases["phonelist"].fetchval("SELECT count(*) FROM entries WHERE list_id = $1", list_id)
    assert stored == count, f"{stored} of {count} are in the list"
    await quiet(world)
    return Run(count, {"rows a second": count / seconds, "seconds": seconds, "body MB": size / 1e6})


async def _add_entries(world: World, list_id: int, numbers: range) -> tuple[float, int]:
    entries = [
        {"PhoneNumber": f"+{number}", "FirstName": "Sam", "Surname": "Sample", "Reference": f"C-{number}"}
        for number in numbers
    ]
    body = orjson.dumps({"SessionToken": world.token, "ListID": list_id, "ListEntries": entries})
    async with connections(world.fleet.gateway_port, 1) as (connection,):
        request = post("/api/Phonelists/AddMultipleEntries", body)
        begun = time.monotonic()
        _, answer = await connection.ask(request)
        took_s = time.monotonic() - begun
    assert b'"Success"' in answer, answer[:300]
    return took_s, len(body)


OPEN = "SELECT NOT EXISTS (SELECT FROM recipients WHERE campaign_id = $1 AND state IS NULL)"
TIMES = """
SELECT extract(epoch FROM frozen_at - launched_at)::float8 AS frozen_s,
    (SELECT count(*) FROM recipients WHERE campaign_id = id AND state = 'delivered') AS delivered
FROM campaigns WHERE id = $1
"""


async def prepare_campaign(world: World, count: int) -> int:
    return await prepare_campaign_to(world, world.new_numbers(count))


async def prepare_campaign_to(world: World, numbers: range) -> int:
    """A campaign to a list of these numbers, ready to be launched. Not measured."""
    list_id = await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0)
    await _add_entries(world, list_id, numbers)
    fields = {"Title": world.new_name(), "Text": TEXT, "Folder": 0, "Brand": "Demo", "FromNumber": "82830"}
    campaign_id: int = await world.ask("/api/Campaigns/CreateCampaign", **fields, Lease=0)
    await world.ask("/api/Campaigns/LinkCampaignAndPhonelist", CampaignID=campaign_id, ListID=list_id)
    await quiet(world)
    world.new_submits()
    return campaign_id


async def campaign(world: World, count: int, campaign_id: int) -> Run:
    """From LaunchCampaign's answer until the last recipient has its end state in campaign's own rows."""
    await world.ask("/api/Campaigns/LaunchCampaign", CampaignID=campaign_id)
    begun, begun_at = time.monotonic(), time.time()
    submits: list[dict[str, Any]] = []
    while len(submits) < count:
        assert time.monotonic() < begun + LIMIT_S, f"{len(submits)} of {count} were submitted"
        await asyncio.sleep(LOOK_EVERY_S * 4)
        submits += world.new_submits()
    await until(world.databases["campaign"], OPEN, campaign_id)
    took_s = time.monotonic() - begun
    await quiet(world)
    row = await world.databases["campaign"].fetchrow(TIMES, campaign_id)
    assert row is not None
    assert row["delivered"] == count, f"{row['delivered']} of {count} were delivered"
    first, last = submits[0]["at"], submits[-1]["at"]
    values = {
        "recipients settled a second": count / took_s,
        "submits a second, first to last": count / (last - first),
        "launch to frozen, s": row["frozen_s"],
        "launch to the first handset, s": first - begun_at,
        "last handset to the last settled, s": took_s - (last - begun_at),
    }
    return Run(count, values)
