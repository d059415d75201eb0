"""Heliograph sends to Jasmin's SMPP server, whose far side is our simulator; receipts and texts from handsets come back the same way.

Owns the whole of the run: a fleet of its own with one carrier more, the texts, and what is compared with what. Jasmin itself is jasmin.py.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from deploy.native.terminal import step
from services.simulator.handsets import shown
from tests.bench.figures import World, quiet, until, world_of
from tests.bench.fleet import new_fleet
from tests.bench.load import connections, post, send_texts
from tests.peers.counting import TWICE_S, Ran, until_all
from tests.peers.jasmin import USER, USER_PASSWORD, Jasmin
from tests.peers.texts import NUMBERS_IN_FROM, NUMBERS_OUT_FROM, compare, numbered

HEADER = "82830"
SYSTEM_ID, SYSTEM_PASSWORD = "jasmin", "simulate"  # Jasmin's account at the simulator
CLIENTS = 16
# Jasmin answers some hundreds a second, the parts of long texts last: with more than this on the way one may wait for 5 s, and then it comes again.
WINDOW_OF_TEXTS = 10
IN_EFFECT_S = 2.0  # what is changed of carriers and routes is promised to take effect within one
OUT_PREFIX, RECEIPT_AFTER_MS = "+4474", 3_000  # as real networks do; after 50 ms Jasmin has not noted the answer yet
CONNECTED_LIMIT_S = 30.0
SESSIONS = 2  # Jasmin's, at the simulator


@asynccontextmanager
async def heliograph_and_jasmin(programs: Path) -> AsyncIterator[World]:
    with step("PostgreSQL, RabbitMQ"):
        fleet = await new_fleet()
    try:
        with step("Heliograph"):
            fleet.start()
        with ExitStack() as stack:
            with step("Jasmin"):
                jasmin = stack.enter_context(Jasmin(programs, fleet.layout.home, fleet.infra).run())
            async with world_of(fleet) as world:
                account = {"system_id": SYSTEM_ID, "window": WINDOW_OF_TEXTS}
                fleet.control("/accounts", json.dumps(account).encode())
                late = {"number_prefix": OUT_PREFIX, "delay_ms": RECEIPT_AFTER_MS}
                fleet.control("/handsets/behaviour", json.dumps(late).encode())
                await jasmin.configure(fleet.port["smpp"], SYSTEM_ID, SYSTEM_PASSWORD)
                await _add_carrier(world, jasmin)
                yield world
    finally:
        fleet.stop_services()
        fleet.infra.stop()
        shutil.rmtree(fleet.layout.tree)


async def _add_carrier(world: World, jasmin: Jasmin) -> None:
    settings = world.fleet.layout.home / "jasmin.json"
    settings.write_text(
        json.dumps({"host": "127.0.0.1", "port": jasmin.port, "system_id": USER, "password": USER_PASSWORD})
    )
    world.fleet.console("carrier", "add", "jasmin", "smpp", str(settings))
    world.fleet.console("route", "add", "jasmin", "--position", "1")
    world.fleet.console("carrier", "pause", "embedded")  # no text may go round Jasmin
    await asyncio.sleep(IN_EFFECT_S)
    async with asyncio.timeout(CONNECTED_LIMIT_S):
        while sum(session["bind"] == SYSTEM_ID for session in (await _stats(world))["sessions"]) < SESSIONS:
            await asyncio.sleep(0.1)
    await until(world.databases["messaging"], "SELECT count(*) = 1 FROM binds WHERE connected")


async def _stats(world: World) -> dict[str, Any]:
    return dict(await asyncio.to_thread(world.fleet.control, "/stats"))


async def out(world: World, texts: list[str]) -> list[Ran]:
    """Texts to handsets and their receipts."""
    sent = numbered(texts, NUMBERS_OUT_FROM)
    fields = {"SessionToken": world.token, "FromNumber": HEADER}
    requests = [
        post("/api/Messages/SendInstantMessage", orjson.dumps(fields | {"ToNumber": number, "Message": text}))
        for number, text in sent.items()
    ]
    log: list[dict[str, Any]] = []
    begun, begun_at = time.monotonic(), time.time()
    async with connections(world.fleet.gateway_port, CLIENTS) as opened:
        await send_texts(opened, requests.__getitem__, len(requests))

    async def at_handsets() -> int:
        log.extend(world.new_submits())
        return len({entry["to"] for entry in log})

    database = world.databases["messaging"]

    async def delivered() -> int:
        return int(await database.fetchval("SELECT count(*) FROM texts WHERE state = 'delivered'"))

    await until_all("at handsets", at_handsets, len(sent))
    received = await until_all("delivered, by receipt", delivered, len(sent))
    await asyncio.sleep(TWICE_S)
    await at_handsets()

    foreign = {entry["account"] for entry in log} - {f"smpp:{SYSTEM_ID}"}
    ran = Ran(
        "Heliograph -> Jasmin -> handsets",
        compare(sent, shown_by_handsets(log), (await _stats(world))["doubles"]),
        max(entry["at"] for entry in log) - begun_at,
        [f"{len(log):,} parts"],
        [f"went by another way: {foreign}"] if foreign else [],
    )
    states = await database.fetch(
        "SELECT state, count(*) FROM texts GROUP BY state UNION ALL SELECT state, count(*) FROM open_texts GROUP BY state"
    )
    counts = {row["state"]: row["count"] for row in states}
    took_s = received - begun
    ran.facts.append(
        f"receipts: {counts.get('delivered', 0):,} texts delivered, the last after {took_s:.1f} s, {len(log) / took_s:,.0f} receipts/s"
    )
    if counts != {"delivered": len(sent)}:
        ran.troubles.append(f"the ledger says {counts}")
    return [ran]


def shown_by_handsets(log: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What each handset shows."""
    by_number: Mapping[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in log:
        if entry["outcome"] == "taken":
            by_number[entry["to"]].append(entry)
    now = time.time()
    return [(number, each["text"]) for number, entries in by_number.items() for each in shown(entries, now)]


async def back(world: World, texts: list[str]) -> list[Ran]:
    """Texts from handsets."""
    sent = numbered(texts, NUMBERS_IN_FROM)
    database = world.databases["inbound"]
    bulk = orjson.dumps([{"from": number, "to": HEADER, "text": text} for number, text in sent.items()])
    begun = time.monotonic()
    await asyncio.to_thread(world.fleet.control, f"/handsets/messages?account=smpp:{SYSTEM_ID}", bulk)

    async def stored() -> int:
        return int(await database.fetchval("SELECT count(*) FROM texts"))

    ended = await until_all("received", stored, len(sent))
    await asyncio.sleep(TWICE_S)
    rows = await database.fetch("SELECT number, body, incomplete FROM texts")
    ran = Ran(
        "handsets -> Jasmin -> Heliograph",
        compare(sent, [(row["number"], row["body"]) for row in rows]),
        ended - begun,
    )
    if incomplete := sum(row["incomplete"] for row in rows):
        ran.troubles.append(f"{incomplete} are incomplete")
    await quiet(world)
    return [ran]


async def run(programs: Path, texts: list[str]) -> list[Ran]:
    async with heliograph_and_jasmin(programs) as world:
        return await out(world, texts) + await back(world, texts)
