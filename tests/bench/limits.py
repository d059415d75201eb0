"""What each part can do alone, in the same run: PostgreSQL with the very statements of the ledger, the broker with events of a window, the simulator,
an empty endpoint. No figure of the platform can be above them, so that each is told as a part of its limit and holds on another machine.

Each function does one run, as those of figures.py do. Owns the scratch databases and the queue that it makes, and takes them away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import orjson

from libs.common.bus.connection import EVENTS, Bus
from libs.common.bus.consume import PREFETCH, QUEUE
from libs.common.contracts.base import ITEMS_MAX, Lane
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import RecipientsSettled, SettledText, State
from libs.common.db import Tx, migrator
from libs.common.db.outbox import RELAY_BATCH
from libs.common.db.pool import PLANNER
from libs.common.ids import uuid7
from services.messaging.connections.rules import CLAIM_MAX
from services.messaging.ledger.closing import BEFORE, CLOSE
from services.messaging.receipts.store import KEEP_RAW
from services.messaging.sending.rules import Lane as SendingLane
from services.messaging.sending.store import insert_recipients, keep_campaign
from services.messaging.submitting.floors import Floors
from services.messaging.submitting.store import (
    claim_queued,
    drop_claim,
    keep_claim,
    submitted_if_claimed,
    waiting_companies,
)
from tests.bench import embedded_load, smpp_load
from tests.bench.carrier_figures import WINDOW as SMPP_WINDOW
from tests.bench.figures import NUMBERS_FROM, TEXT, Run, World
from tests.bench.load import connections, get

CONNECTIONS, CONNECTIONS_MANY = 2, 8  # two bulk claims stand side by side in a process
CLAIM_TEXTS = CLAIM_MAX[SendingLane.BULK]
COMPANY, CAMPAIGN, ROUTE, CARRIER = 1, 1, 1, "embedded"
SHARES = {COMPANY: CLAIM_TEXTS}
LEASE_S = 20.0

CLAIMED = "recipients claimed, settled and delivered a second"
CLAIMED_MANY = f"the same over {CONNECTIONS_MANY} connections"
CARRIED = "recipients there and back in events of 500 a second"
COPIED = "rows of a list copied in a second"
SUBMITS_EMBEDDED = "embedded: submits with receipts a second"
SUBMITS_SMPP = f"SMPP, window {SMPP_WINDOW}: submits with receipts a second"
TEXTS_IN = "embedded: texts from handsets a second"
ANSWERS = "empty answers a second, 64 clients"
ANSWERS_ONE = "empty answers a second, 1 client"


# ------------------------------------------------------------------------------------------------------------- PostgreSQL


@asynccontextmanager
async def scratch(world: World, service: str, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    """`count` connections, set as the service's own, to a new database with its real schema."""
    infra = world.fleet.infra
    dsn = await asyncio.to_thread(infra.create_database, service)
    opened: list[asyncpg.Connection] = []
    try:
        await migrator.migrate(dsn, service)
        opened += [await asyncpg.connect(dsn, server_settings=PLANNER) for _ in range(count)]
        yield opened
    finally:
        for connection in opened:
            await connection.close()
        await asyncio.to_thread(infra.drop_database, dsn)


async def ledger(world: World, count: int) -> Run:
    """Queued recipients are claimed, settled as taken and closed as delivered: each a transaction, by batches as messaging's, over as many connections as
    one process of it has for this, and over more."""
    per_s, wal_bytes = await _ledger(world, count, CONNECTIONS)
    many_per_s, _ = await _ledger(world, count, CONNECTIONS_MANY)
    return Run(2 * count, {CLAIMED: per_s, CLAIMED_MANY: many_per_s, "WAL, bytes a recipient": wal_bytes / count})


async def _ledger(world: World, count: int, connections_: int) -> tuple[float, int]:
    """Recipients a second, and the bytes of WAL they took."""
    async with scratch(world, "messaging", connections_) as opened:
        await _queue(opened[0], count)
        first = await opened[0].fetchval(WAL_AT)
        begun = time.monotonic()
        closed = await asyncio.gather(*(_deliver(connection) for connection in opened))
        took_s = time.monotonic() - begun
        wal_bytes: int = await opened[0].fetchval(WAL_AT) - first
        ended = await opened[0].fetchval("SELECT count(*) FROM texts WHERE state = 'delivered'")
    assert sum(closed) == ended == count, f"{ended} of {count} were delivered"
    return count / took_s, wal_bytes


async def _queue(connection: asyncpg.Connection, count: int) -> None:
    """Not measured."""
    tx = Tx(connection, None)
    async with connection.transaction():
        course = await keep_campaign(tx, CAMPAIGN, COMPANY, "82830", TEXT)
        for items in _windows(count):
            window = _handed_over(items)
            await insert_recipients(tx, window, course, (), [(ROUTE, 0)] * len(items))


async def _deliver(connection: asyncpg.Connection) -> int:
    """All that messaging asks of PostgreSQL for a recipient between its queue and its end, but the event; the Python is what makes the arguments."""
    tx, floors, closed = Tx(connection, None), Floors(), 0
    open_: list[UUID] = []
    while ids := await _claim(connection, tx, floors):
        claim_id = ids.pop()
        async with connection.transaction():
            await submitted_if_claimed(tx, claim_id, CARRIER, ids, list(map(str, ids)), [1] * len(ids))
            await drop_claim(tx, claim_id)
        open_ += ids
        if len(open_) >= ITEMS_MAX:  # receipts come together
            closed += await _receive(connection, open_)
            open_ = []
    return closed + (await _receive(connection, open_) if open_ else 0)


async def _claim(connection: asyncpg.Connection, tx: Tx, floors: Floors) -> list[UUID]:
    """The claimed, and behind them the claim's id; nothing when all are."""
    claim_id, lane = uuid7(), SendingLane.BULK
    async with connection.transaction():
        from_here = floors.known()
        rows = await claim_queued(tx, ROUTE, lane, from_here, SHARES, claim_id) if from_here else []
        if not rows:
            from_here = floors.begin(await waiting_companies(tx, ROUTE, lane))
            rows = await claim_queued(tx, ROUTE, lane, from_here, SHARES, claim_id) if from_here else []
        if not rows:
            return []
        floors.rise((row["company_id"], row["next_attempt_at"]) for row in rows)
        ids = sorted(row["id"] for row in rows)
        await keep_claim(tx, claim_id, "limit", CARRIER, LEASE_S, ids, [1] * len(ids))
    return [*ids, claim_id]


async def _receive(connection: asyncpg.Connection, ids: list[UUID]) -> int:
    at = datetime.now(UTC).isoformat()
    raw = [[str(id_), str(id_), "delivered", at, None, "unknown", "", None] for id_ in ids]
    async with connection.transaction():
        await connection.execute(KEEP_RAW, CARRIER, orjson.dumps(raw).decode())
        return len(await connection.fetch(CLOSE, ids, State.DELIVERED, "", BEFORE[State.DELIVERED]))


WAL_AT = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
ROWS = """
CREATE TABLE limit_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, list_id int NOT NULL, number text NOT NULL,
    first_name text, surname text, reference text, UNIQUE (list_id, number))
"""


async def rows_in(world: World, count: int) -> Run:
    """One COPY of rows as a list's, with a key and a number that is unique in its list: what no import can be faster than."""
    columns = ["list_id", "number", "first_name", "surname", "reference"]
    csv = b"".join(b"1,+%d,Sam,Sample,C-%d\n" % (NUMBERS_FROM + n, n) for n in range(count))
    async with scratch(world, "phonelist", 1) as (connection,):
        await connection.execute(ROWS)
        begun = time.monotonic()
        await connection.copy_to_table("limit_rows", source=BytesIO(csv), columns=columns, format="csv")
        took_s = time.monotonic() - begun
    return Run(count, {COPIED: count / took_s})


# ------------------------------------------------------------------------------------------------------------- the broker


def _windows(count: int) -> list[list[Recipient]]:
    bounds = [*range(0, count, ITEMS_MAX), count]
    return [
        [Recipient(id=uuid7(), position=n + 1, number=f"+{NUMBERS_FROM + n}") for n in range(first, last)]
        for first, last in pairwise(bounds)
    ]


def _handed_over(items: list[Recipient]) -> RecipientsHandedOver:
    return RecipientsHandedOver(company_id=COMPANY, campaign_id=CAMPAIGN, sender="82830", body=TEXT, items=items)


def _settled(items: list[Recipient]) -> RecipientsSettled:
    at = datetime.now(UTC)
    ends: list[Any] = [
        SettledText(
            id=r.id, to=r.number, state=State.DELIVERED, reason="", at=at, version=4, campaign_id=1, position=r.position
        )
        for r in items
    ]
    return RecipientsSettled(company_id=COMPANY, items=ends)


async def broker(world: World, count: int) -> Run:
    """The two events in which a recipient crosses the broker, to a quorum queue: published with confirms, a relay's batch at once, and consumed."""
    events = [make(items) for items in _windows(count) for make in (_handed_over, _settled)]
    bodies = [event.model_dump_json().encode() for event in events]
    bus, queue = Bus(world.fleet.infra.broker_url("admin"), "limit"), "bench.limit"
    await bus.open()
    try:
        heard, done = 0, asyncio.Event()

        async def on_message(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            nonlocal heard
            await message.ack()
            heard += 1
            if heard == len(bodies):
                done.set()

        stop = await bus.consume(
            queue, {EVENTS: ["bench.limit.*"]}, on_message, prefetch=PREFETCH[Lane.BULK], arguments=QUEUE
        )
        begun = time.monotonic()
        for at in range(0, len(bodies), RELAY_BATCH):
            some = [aio_pika.Message(body, message_id=str(uuid7())) for body in bodies[at : at + RELAY_BATCH]]
            await asyncio.gather(*(bus.publish(EVENTS, "bench.limit.1", message) for message in some))
        await done.wait()
        took_s = time.monotonic() - begun
        await stop()
    finally:
        await bus.close()
        await _delete_queue(world, queue)
    megabytes = sum(map(len, bodies)) / 1e6
    return Run(
        count, {CARRIED: count / took_s, "events a second": len(bodies) / took_s, "MB a second": megabytes / took_s}
    )


async def _delete_queue(world: World, name: str) -> None:
    connection = await aio_pika.connect(world.fleet.infra.broker_url("admin"))
    async with connection:
        await (await connection.channel()).queue_delete(name)


# ------------------------------------------------------------------------------------------- the simulator, and an empty endpoint


async def simulator(_: World, count: int) -> Run:
    """A simulator of its own and a bare client, on each wire in turn."""
    embedded = await embedded_load.simulator_ceiling(count)
    smpp = (await smpp_load.simulator_ceiling(count, SMPP_WINDOW))["submits with receipts"]
    told = {
        SUBMITS_EMBEDDED: embedded["submits with receipts"],
        TEXTS_IN: embedded["texts from handsets"],
        SUBMITS_SMPP: smpp,
    }
    values = {name: each.per_s for name, each in told.items()}
    values |= {
        f"{name.partition(':')[0]}, CPU us each": each.cpu_us_each
        for name, each in told.items()
        if each is not told[TEXTS_IN]
    }
    return Run(3 * count, values, {"the simulator": sum(each.simulator_cpu_s for each in told.values())})


async def empty_endpoint(world: World, count: int) -> Run:
    """GET /health/live of the gateway's process: the server and its loop, and nothing behind them."""
    values = {}
    for name, clients, asks in ((ANSWERS, 64, count), (ANSWERS_ONE, 1, count // 10)):
        async with connections(world.fleet.port["ops:gateway"], clients) as opened:
            left = iter(range(asks))

            async def client(connection: Any, left: Any = left) -> None:
                for _ in left:
                    await connection.ask(get("/health/live"))

            begun = time.monotonic()
            await asyncio.gather(*(client(connection) for connection in opened))
            values[name] = asks / (time.monotonic() - begun)
    return Run(count + count // 10, values)
