"""The outbox: events written in the transaction of the change they tell of, carried to the broker by one active relay a service.

The relay holds a session advisory lock on a connection of its own, reads what is there in order, publishes with confirms and deletes what
was confirmed: never an `id > last` cursor, since sequence order is not commit order. What is urgent (a STOP) is carried beside the others and waits for
none of them: it goes to queues of its own, so no order between them was ever promised. A holder that hangs is ended by a peer. An event may be
published twice (a cut between confirm and delete); its id is the same, and the consumer's inbox drops the second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from libs.common import crash, telemetry
from libs.common.contracts.base import Event, Lane
from libs.common.ids import uuid7

if TYPE_CHECKING:
    from libs.common.db.pool import Database

log = structlog.get_logger()

# Reads begin above what was carried last, past the dead entries that a held snapshot keeps; a lower seq may commit later, so once in a while
# all is read: that is the truth.
READ_ALL_EVERY_S = 0.5
RELAY_BATCH = 100  # events between a read and a delete: all are in the broker's confirm window at once
POLL_S = 1.0  # beneath the wake-ups: what another copy committed is found at the latest then
NOTIFY_EVERY_S = 0.02  # a NOTIFY on every commit cut commits from 7,500 to 2,200 a second (design, 5)
BEAT_S = 2.0
FROZEN_S = 15.0  # a holder silent for so long is ended by a peer: it may be stopped or its machine gone

OUTBOX_TABLES = """
CREATE TABLE IF NOT EXISTS outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    type text NOT NULL,
    routing_key text NOT NULL,
    body bytea NOT NULL,
    urgent boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS outbox_urgent ON outbox (seq) WHERE urgent;
CREATE TABLE IF NOT EXISTS relay (holder int NOT NULL, beat_at timestamptz NOT NULL);
"""

WRITE = """
INSERT INTO outbox (id, type, routing_key, body, urgent)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bool[])
"""

READ_URGENT = "SELECT seq, id, type, routing_key, body, at FROM outbox WHERE urgent ORDER BY seq LIMIT $1"
READ = "SELECT seq, id, type, routing_key, body, at FROM outbox WHERE NOT urgent AND seq > $1 ORDER BY seq LIMIT $2"
DELETE = "DELETE FROM outbox WHERE seq = ANY($1::bigint[])"
LOCK = "SELECT pg_try_advisory_lock(hashtext('heliograph.relay'))"
TAKE_OVER = "WITH gone AS (DELETE FROM relay) INSERT INTO relay VALUES (pg_backend_pid(), clock_timestamp())"
BEAT = "UPDATE relay SET beat_at = clock_timestamp() WHERE holder = pg_backend_pid()"
END_FROZEN = """
SELECT pg_terminate_backend(holder) FROM relay
WHERE beat_at < clock_timestamp() - make_interval(secs => $1) AND holder IN (SELECT pid FROM pg_stat_activity WHERE usename = current_user)
"""


def event_type(event: type[Event]) -> str:
    """The CloudEvents type: with the major version, so that a consumer can tell what it does not know."""
    return f"{event.type}.v{event.version}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event whose JSON is made already: models of thousands of items a second cost more than what they say."""

    kind: type[Event]
    company_id: int
    body: bytes


def encoded(event: Event) -> Encoded:
    return Encoded(type(event), event.company_id, event.model_dump_json().encode())


async def write_outbox(connection: Any, events: Sequence[Encoded]) -> None:
    await connection.execute(
        WRITE,
        [uuid7() for _ in events],
        [event_type(event.kind) for event in events],
        [f"{event.kind.type}.{event.company_id}" for event in events],
        [event.body for event in events],
        [event.kind.lane is Lane.URGENT for event in events],
    )


class Relay:
    """Carries the outbox to `publish`, which returns once the broker has confirmed every row it was given."""

    def __init__(self, db: Database, publish: Callable[[Sequence[asyncpg.Record]], Awaitable[None]]) -> None:
        self._db = db
        self._publish = publish
        self._wake, self._wake_urgent = asyncio.Event(), asyncio.Event()
        self._floor = 0
        self._read_all_at = 0.0

    def woken(self, names: set[str]) -> None:
        """After a commit of this process: carry on, or tell the copy that holds the lock."""
        if "outbox" in names:
            self._wake_both()

    def _wake_both(self) -> None:
        self._wake.set()
        self._wake_urgent.set()

    async def run(self) -> None:
        """Until cancelled: wait for the lock, relay, and wait for it again when its connection is lost."""
        while True:
            connection = None
            try:
                connection = await self._db.direct()
                await self._lead_or_follow(connection)
            except Exception as error:  # database or broker: what was not deleted is still here, and will be carried
                log.warning("relay_interrupted", error=repr(error))
                await asyncio.sleep(0.5)
            finally:
                if connection is not None:
                    connection.terminate()

    async def _lead_or_follow(self, connection: asyncpg.Connection) -> None:
        while not await connection.fetchval(LOCK):
            await connection.execute(END_FROZEN, FROZEN_S)
            await self._follow(connection)
        await connection.execute(TAKE_OVER)
        await connection.add_listener("outbox", lambda *_: self._wake_both())
        log.info("relay_leading")
        urgent = await self._db.direct()
        try:
            async with asyncio.TaskGroup() as both:  # what ends one ends the other: the lock is the first one's
                both.create_task(self._keep_carrying(partial(self.carry_others, connection), self._wake, connection))
                both.create_task(self._keep_carrying(partial(self.carry_urgent, urgent), self._wake_urgent))
        finally:
            urgent.terminate()

    async def _keep_carrying(
        self, carry: Callable[[], Awaitable[int]], wake: asyncio.Event, beats: asyncpg.Connection | None = None
    ) -> None:
        clock = asyncio.get_running_loop().time
        beat_at = clock()
        while True:
            wake.clear()
            carried = await carry()
            if beats is not None and clock() - beat_at > BEAT_S:
                await beats.execute(BEAT)
                beat_at = clock()
            if carried == 0:
                await _wait(wake, POLL_S)

    async def _follow(self, connection: asyncpg.Connection) -> None:
        """For POLL_S: passes this process's wake-ups on to the holder, at most one each NOTIFY_EVERY_S."""
        clock = asyncio.get_running_loop().time
        until = clock() + POLL_S
        while (left_s := until - clock()) > 0:
            if await _wait(self._wake, left_s):
                self._wake.clear()
                await connection.execute("NOTIFY outbox")
                await asyncio.sleep(NOTIFY_EVERY_S)

    async def carry_urgent(self, connection: asyncpg.Connection) -> int:
        """One batch of what is urgent; how many events it carried."""
        return await self._carry(connection, await connection.fetch(READ_URGENT, RELAY_BATCH))

    async def carry_others(self, connection: asyncpg.Connection) -> int:
        """One batch of what is not; how many events it carried."""
        rows = await connection.fetch(READ, self._from_here(), RELAY_BATCH)
        carried = await self._carry(connection, rows)
        if rows:
            self._floor = rows[-1]["seq"]
        return carried

    async def _carry(self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> int:
        telemetry.OUTBOX_BATCH.observe(len(rows))
        if not rows:
            return 0
        crash.point("relay.read")
        await self._publish(rows)
        crash.point("relay.confirmed")
        await connection.execute(DELETE, [row["seq"] for row in rows])
        crash.point("relay.marked")
        return len(rows)

    def _from_here(self) -> int:
        now_s = asyncio.get_running_loop().time()
        if now_s > self._read_all_at + READ_ALL_EVERY_S:
            self._floor, self._read_all_at = 0, now_s
        return self._floor


async def _wait(event: asyncio.Event, limit_s: float) -> bool:
    """Whether `event` was set within `limit_s`."""
    try:
        async with asyncio.timeout(limit_s):
            return await event.wait()
    except TimeoutError:
        return False
