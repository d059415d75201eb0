"""Texts in: given to the network in bulk, one in ten of them STOP, until an outside subscriber of the company has heard every one.

Each function does one run, as those of figures.py do. Owns the subscriber, which is made as an operator makes one and reads its own queue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import orjson

from tests.bench.figures import LIMIT_S, LOOK_EVERY_S, TEXT, Run, World, quiet, until

BULK_TEXTS_MAX = 10_000  # what the simulator's control takes at once
STOP_EVERY = 10  # texts
SUBSCRIBER = "bench"
PREFETCH = 20  # events of up to 500 items
TEXTS_RECEIVED, CONTACTS_STOPPED = "inbound.texts.received.v1", "inbound.contacts.stopped.v1"

AT_SUBSCRIBER = "texts at the subscriber a second"


class Subscriber:
    """What an outside system hears on its queue."""

    def __init__(self) -> None:
        self.heard: dict[str, int] = {TEXTS_RECEIVED: 0, CONTACTS_STOPPED: 0}
        self.events = 0

    async def hear(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.events += 1
        self.heard[message.type or ""] += len(orjson.loads(message.body)["items"])
        await message.ack()


@asynccontextmanager
async def subscribed(world: World) -> AsyncIterator[Subscriber]:
    if "subscriber" not in world.kept:
        told = await asyncio.to_thread(world.fleet.console, "subscriber", "create", SUBSCRIBER, "--company", "Demo")
        url, named = told.splitlines()
        world.kept["subscriber"] = url, named.removeprefix("queue ")
    url, queue_name = world.kept["subscriber"]
    subscriber = Subscriber()
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(queue_name, ensure=False)
        await queue.purge()  # of what other figures' texts have left
        await queue.consume(subscriber.hear)
        yield subscriber


async def inbound(world: World, count: int) -> Run:
    """From the texts' being given to the network to the last one at the subscriber; each STOP is told there too."""
    database = world.databases["inbound"]
    before = await database.fetchval("SELECT count(*) FROM texts")
    numbers = world.new_numbers(count)
    items = [
        {"from": f"+{number}", "to": "82830", "text": TEXT if n % STOP_EVERY else "STOP"}
        for n, number in enumerate(numbers)
    ]
    bulks = [orjson.dumps(items[at : at + BULK_TEXTS_MAX]) for at in range(0, count, BULK_TEXTS_MAX)]
    stops = len(range(0, count, STOP_EVERY))
    async with subscribed(world) as subscriber:
        begun = time.monotonic()
        for bulk in bulks:
            await asyncio.to_thread(world.fleet.control, "/handsets/messages", bulk)
        while (await asyncio.to_thread(world.fleet.control, "/stats"))["texts_pending"]:
            assert time.monotonic() < begun + LIMIT_S, "the texts are not taken"
            await asyncio.sleep(LOOK_EVERY_S * 4)
        acknowledged = time.monotonic()
        while subscriber.heard != {TEXTS_RECEIVED: count, CONTACTS_STOPPED: stops}:
            assert time.monotonic() < begun + LIMIT_S, f"the subscriber heard {subscriber.heard} of {count}, {stops}"
            await asyncio.sleep(LOOK_EVERY_S)
        heard = time.monotonic()
    await until(database, "SELECT count(*) = $1 FROM texts", before + count)
    await quiet(world)
    values = {
        AT_SUBSCRIBER: count / (heard - begun),
        "acknowledged to the network a second": count / (acknowledged - begun),
        "of them STOP": stops,
        "items an event": (count + stops) / subscriber.events,
    }
    return Run(count, values)
