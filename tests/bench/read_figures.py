"""Reads at 64 clients: a conversation of 20 texts, and a company's 100 stops.

Each function does one run, as those of figures.py do. Owns the company that is read of: no other figure adds to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from tests.bench.figures import TEXT, Run, World, new_company, quiet, until
from tests.bench.load import Connection, get, post
from tests.bench.machine import quantile

CLIENTS = 64
COMPANY, HEADER = "Bench reads", "82777"
STOPS, TALKERS, TEXTS_EACH_WAY = 100, 20, 10

CONVERSATIONS = "GetConversation a second"
STOPS_READ = "GetStops of 100 a second"


@dataclass(frozen=True)
class Reads:
    conversations: Sequence[bytes]  # requests
    stops: bytes


async def prepare(world: World, _: int) -> Reads:
    if "reads" not in world.kept:
        world.kept["reads"] = await _prepared(world)
    reads: Reads = world.kept["reads"]
    return reads


async def _prepared(world: World) -> Reads:
    id_, token = await new_company(world, COMPANY, HEADER, ("messaging", "inbound"))
    talkers, stoppers = world.new_numbers(TALKERS), world.new_numbers(STOPS)
    async with world.connections(1) as (connection,):
        for _ in range(TEXTS_EACH_WAY):
            for number in talkers:
                fields = {"SessionToken": token, "FromNumber": HEADER, "ToNumber": f"+{number}", "Message": TEXT}
                await connection.ask(post("/api/Messages/SendInstantMessage", orjson.dumps(fields)))
    said = [(number, "Thank you") for number in talkers for _ in range(TEXTS_EACH_WAY)]
    said += [(number, "STOP") for number in stoppers]
    bulk = [{"from": f"+{number}", "to": HEADER, "text": text} for number, text in said]
    await asyncio.to_thread(world.fleet.control, "/handsets/messages", orjson.dumps(bulk))
    await until(
        world.databases["messaging"], "SELECT count(*) >= $2 FROM inbound_texts WHERE company_id = $1", id_, len(said)
    )
    await quiet(world)
    conversations = [get(f"/api/Messages/GetConversation/{token}/+{number}") for number in talkers]
    return Reads(conversations, get(f"/api/Status/GetStops/{token}"))


async def conversations(world: World, count: int, reads: Reads) -> Run:
    return await _read(world, count, reads.conversations, CONVERSATIONS, entries=2 * TEXTS_EACH_WAY)


async def stops(world: World, count: int, reads: Reads) -> Run:
    return await _read(world, count, [reads.stops], STOPS_READ, entries=STOPS)


async def _read(world: World, count: int, requests: Sequence[bytes], name: str, entries: int) -> Run:
    """By CLIENTS clients, each asking again as soon as it has its answer."""
    took_ms, took_s, body = await _ask_all(world, requests, count)
    assert len(orjson.loads(body)["Result"]) == entries, body[:300]
    return Run(count, {name: count / took_s, "p50 ms": quantile(took_ms, 50), "p99 ms": quantile(took_ms, 99)})


async def _ask_all(world: World, requests: Sequence[bytes], count: int) -> tuple[list[float], float, bytes]:
    """The milliseconds of each, the seconds of all, and the last body."""
    left, took_ms = iter(range(count)), list[float]()
    body = b""
    async with world.connections(CLIENTS) as opened:

        async def client(connection: Connection) -> None:
            nonlocal body
            for n in left:
                asked = time.perf_counter()
                _, body = await connection.ask(requests[n % len(requests)])
                took_ms.append((time.perf_counter() - asked) * 1000)

        begun = time.monotonic()
        await asyncio.gather(*map(client, opened))
        return took_ms, time.monotonic() - begun, body
