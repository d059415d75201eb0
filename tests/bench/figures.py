"""The figures: what is done to the platform, and from when to when it counts. docs/benchmarks.md says what each means.

Each function does one run and answers its values and how many items went through. Own nothing: the fleet and the driver are given.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from deploy.native.environment import WITH_DATABASE
from libs.common.contracts.auth import SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddHeader
from tests.bench.fleet import Fleet
from tests.bench.load import Connection, Sent, connections, post, send_texts
from tests.bench.machine import quantile
from tests.harness import client as client_of

LIMIT_S = 180.0
ITEMS_A_SECOND_MIN = 1_000  # what is slower than this is given up
ENTRIES_MAX = 100_000  # a request
LOOK_EVERY_S = 0.025
NUMBERS_FROM = 447_400_000_000  # a mobile range; nothing but the simulator is reached
TEXT = "Your parcel comes today, 9 to 11"
SETTLED = "recipients settled a second"
SETTLED_MIDDLE = "the same between 10 % and 90 % settled"
AT_HANDSETS = "texts at handsets a second"


@dataclass
class World:
    """A running fleet, a session of the demo user, and a connection to each database for looking."""

    fleet: Fleet
    token: str
    databases: Mapping[str, asyncpg.Connection]
    numbers: int = NUMBERS_FROM  # the next one that nobody had yet
    names: int = 0
    log_bytes: int = 0
    kept: dict[str, Any] = field(default_factory=dict)  # what a figure has set up once, for its other runs
    at_end: list[Callable[[], object]] = field(default_factory=list)

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

    @asynccontextmanager
    async def connections(self, count: int) -> AsyncIterator[list[Connection]]:
        """To all gateways alike."""
        ports = self.fleet.gateway_ports
        async with AsyncExitStack() as stack:
            shares = [(count + n) // len(ports) for n in range(len(ports))]
            opened = [
                await stack.enter_async_context(connections(port, share))
                for port, share in zip(ports, shares, strict=True)
            ]
            yield [connection for some in opened for connection in some]

    async def ask(self, path: str, **fields: object) -> Any:
        """One operation of the documented surface; its Result."""
        async with self.connections(1) as (connection,):
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
        world = World(fleet, json.loads(body)["Token"], databases)
        try:
            yield world
        finally:
            for end in world.at_end:
                end()
    finally:
        for database in databases.values():
            await database.close()


async def until(database: asyncpg.Connection, sql: str, *arguments: object, limit_s: float = LIMIT_S) -> None:
    """Until the query answers true."""
    give_up = time.monotonic() + limit_s
    while not await database.fetchval(sql, *arguments):
        assert time.monotonic() < give_up, f"not within {limit_s} s: {sql}"
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
        async with world.connections(clients) as opened:
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
        AT_HANDSETS: len(sent) / (max(at[each.id] for each in sent) - begun),
        "answers a second": len(sent) / (answered - begun),
        "to the answer, p50 ms": quantile(answer_ms, 50),
        "to the answer, p99 ms": quantile(answer_ms, 99),
        "to the handset, p50 ms": quantile(handset_ms, 50),
        "to the handset, p99 ms": quantile(handset_ms, 99),
    }


# -------------------------------------------------------------------------------------------------------- lists and campaigns


@dataclass(frozen=True)
class Entries:
    """A list, and the one AddMultipleEntries that fills it, as a client would send it."""

    list_id: int
    request: bytes


async def prepare_entries(world: World, count: int) -> Entries:
    list_id = await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0)
    return _entries(world, list_id, world.new_numbers(count))


async def import_rows(world: World, count: int, entries: Entries) -> Run:
    seconds = await add_entries(world, entries)
    stored = await world.databases["phonelist"].fetchval(
        "SELECT count(*) FROM entries WHERE list_id = $1", entries.list_id
    )
    assert stored == count, f"{stored} of {count} are in the list"
    await quiet(world)
    return Run(count, {"rows a second": count / seconds, "seconds": seconds, "body MB": len(entries.request) / 1e6})


def _entries(world: World, list_id: int, numbers: range) -> Entries:
    items = [
        {"PhoneNumber": f"+{number}", "FirstName": "Sam", "Surname": "Sample", "Reference": f"C-{number}"}
        for number in numbers
    ]
    body = orjson.dumps({"SessionToken": world.token, "ListID": list_id, "ListEntries": items})
    return Entries(list_id, post("/api/Phonelists/AddMultipleEntries", body))


async def add_entries(world: World, entries: Entries) -> float:
    """The seconds it took."""
    async with world.connections(1) as (connection,):
        begun = time.monotonic()
        _, answer = await connection.ask(entries.request)
        took_s = time.monotonic() - begun
    assert b'"Success"' in answer, answer[:300]
    return took_s


async def new_company(world: World, name: str, header: str, services: Sequence[str]) -> tuple[int, str]:
    """A company beside the demo's, with a user and a header that `services` know; its id and that user's token."""
    user = name.lower().replace(" ", "-")
    login = {"Username": user, "Password": f"{user}-password"}
    async with client_of(world.fleet.infra, "console") as console:
        id_ = (await console.ask(CreateCompany(name=name))).id
        create = CreateUser(company_id=id_, username=user, password=login["Password"], permissions=[SEND])
        await console.ask(create)
        await console.ask(AddHeader(company_id=id_, header=header))
    for service in services:
        await until(world.databases[service], "SELECT EXISTS (SELECT FROM headers WHERE company_id = $1)", id_)
    async with world.connections(1) as (connection,):
        _, answer = await connection.ask(post("/api/Security/Login", orjson.dumps(login)))
    return id_, orjson.loads(answer)["Token"]


OPEN = "SELECT NOT EXISTS (SELECT FROM recipients WHERE campaign_id = $1 AND state IS NULL)"
TIMES = """
SELECT extract(epoch FROM frozen_at - launched_at)::float8 AS frozen_s, of_rows.*
FROM campaigns, LATERAL (
    SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
        extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY settled_at)
            - percentile_disc(0.1) WITHIN GROUP (ORDER BY settled_at))::float8 AS middle_s
    FROM recipients WHERE campaign_id = campaigns.id
) AS of_rows
WHERE id = $1
"""


async def prepare_campaign(world: World, count: int) -> int:
    return await prepare_campaign_to(world, world.new_numbers(count))


async def prepare_campaign_to(world: World, numbers: range, sender: str = "82830", brand: str = "Demo") -> int:
    """A campaign to a list of these numbers, ready to be launched. Not measured."""
    list_id = await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0)
    for start in range(0, len(numbers), ENTRIES_MAX):
        await add_entries(world, _entries(world, list_id, numbers[start : start + ENTRIES_MAX]))
    fields = {"Title": world.new_name(), "Text": TEXT, "Folder": 0, "Brand": brand, "FromNumber": sender}
    campaign_id: int = await world.ask("/api/Campaigns/CreateCampaign", **fields, Lease=0)
    await world.ask("/api/Campaigns/LinkCampaignAndPhonelist", CampaignID=campaign_id, ListID=list_id)
    await quiet(world)
    world.new_submits()
    return campaign_id


async def campaign(world: World, count: int, campaign_id: int) -> Run:
    """From LaunchCampaign's answer until the last recipient has its end state in campaign's own rows."""
    await world.ask("/api/Campaigns/LaunchCampaign", CampaignID=campaign_id)
    begun, begun_at = time.monotonic(), time.time()
    limit_s = LIMIT_S + count / ITEMS_A_SECOND_MIN
    submits: list[tuple[str, float]] = []
    while len(submits) < count:
        assert time.monotonic() < begun + limit_s, f"{len(submits)} of {count} were submitted"
        await asyncio.sleep(LOOK_EVERY_S * 4)
        submits += [(entry["to"], entry["at"]) for entry in world.new_submits()]
    await until(world.databases["campaign"], OPEN, campaign_id, limit_s=limit_s)
    took_s = time.monotonic() - begun
    await quiet(world)
    submits += [(entry["to"], entry["at"]) for entry in world.new_submits()]
    row = await world.databases["campaign"].fetchrow(TIMES, campaign_id)
    assert row is not None
    assert row["delivered"] == count, f"{row['delivered']} of {count} were delivered"
    assert len({number for number, _ in submits}) == len(submits) == count, f"{len(submits)} texts for {count} numbers"
    first, last = submits[0][1], submits[-1][1]
    values = {
        SETTLED: count / took_s,
        SETTLED_MIDDLE: 0.8 * count / row["middle_s"],
        "submits a second, first to last": count / (last - first),
        "launch to frozen, s": row["frozen_s"],
        "launch to the first handset, s": first - begun_at,
        "last handset to the last settled, s": took_s - (last - begun_at),
    }
    return Run(count, values)
