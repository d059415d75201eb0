"""The pool of one service and its transactions.

A `Tx` is what handlers get: it runs SQL, takes the events to announce (`emit`) and names the loops to wake once it is committed.
What it emits is written to the outbox in the same transaction: a change and its event are one. Never retries a transaction by itself:
a cut during COMMIT is `CommitUnknown`, settled by whoever holds the id (the inbox on redelivery, the guard of a loop's next round).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from libs.common import telemetry
from libs.common.contracts.base import Event
from libs.common.db.outbox import Encoded, encoded, write_outbox

CONNECT_LIMIT_S = 5.0
# Our tables fill and empty within seconds, so their statistics are wrong half of the time: left to them, the planner made the same work cost twice
# the CPU (docs/decisions/0002). Every statement of ours goes by key: one generic plan, by index.
PLANNER = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "default_toast_compression": "lz4",
}
# A process that was stopped in the middle of a transaction gives its locks back. Not sooner: a fold of logins hashes for many seconds within one.
IDLE_S = 30.0
STATEMENT_LIMIT_S = 30.0  # longer than any page or batch of ours; a stuck statement must not hold its lane for ever

Record = asyncpg.Record


# What any statement may raise while PostgreSQL is away or going: nothing of the transaction is there, or (CommitUnknown) all of it may be.
AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.DeadlockDetectedError,
    OSError,
    TimeoutError,
)


class CommitUnknown(ConnectionError):
    """The connection was lost while COMMIT was under way: the transaction is either whole or not there."""


class Tx:
    """One open transaction (or, for reads, one connection without). `app` is the service's own composition."""

    def __init__(self, connection: Any, app: Any) -> None:
        self.app = app
        self.events: list[Encoded] = []
        self.wakes: set[str] = set()
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> list[Record]:
        rows: list[Record] = await self._connection.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: object) -> Record | None:
        row: Record | None = await self._connection.fetchrow(sql, *args)
        return row

    async def fetchval(self, sql: str, *args: object) -> Any:
        return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        status: str = await self._connection.execute(sql, *args)
        return status

    async def copy(self, table: str, columns: Sequence[str], records: Sequence[Sequence[object]]) -> None:
        """COPY `records` into `table`: the fastest way in for many rows; fails whole on any conflict."""
        await self._connection.copy_records_to_table(table, columns=columns, records=records)

    def emit(self, event: Event) -> None:
        """Announces `event` when, and only when, this transaction commits."""
        self.emit_json(encoded(event))

    def emit_json(self, event: Encoded) -> None:
        """As `emit`. Whoever makes the JSON answers for it that its contract takes it."""
        self.events.append(event)

    def wake(self, loop: str) -> None:
        """Wakes the loop of that name in this process after the commit. A hint: its poll is the truth."""
        self.wakes.add(loop)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is done inside is undone, events too, if it raises."""
        emitted = len(self.events)
        try:
            async with self._connection.transaction():
                yield
        except BaseException:
            del self.events[emitted:]
            raise


class Database:
    """The service's own database. `app` is handed on to each `Tx`. A transaction that asks nothing for `idle_s` is ended."""

    def __init__(self, dsn: str, name: str, *, size: int = 10, idle_s: float = IDLE_S) -> None:
        self.app: Any = None
        self.on_commit: list[Callable[[set[str]], None]] = []
        self._dsn = dsn
        self._name = name
        self._size = size
        self._idle_ms = str(round(idle_s * 1000))
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Raises what asyncpg raises while the database is away; the caller waits for dependencies."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=self._size,
            timeout=CONNECT_LIMIT_S,
            command_timeout=STATEMENT_LIMIT_S,
            max_inactive_connection_lifetime=300,
            server_settings={
                "application_name": self._name,
                "idle_in_transaction_session_timeout": self._idle_ms,
                **PLANNER,
            },
            reset=_nothing_to_reset,
        )

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    async def direct(self) -> asyncpg.Connection:
        """A connection of its own, outside the pool, for locks and LISTEN. The caller closes it."""
        return await asyncpg.connect(
            self._dsn, timeout=CONNECT_LIMIT_S, server_settings={"application_name": self._name}
        )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection for reads, each statement with a snapshot, and a transaction, of its own: nothing is held between them."""
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            yield Tx(connection, self.app)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commits at the end, with what was emitted in the outbox; rolls back if the body raises. Raises CommitUnknown."""
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            tx = Tx(connection, self.app)
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield tx
                if tx.events:
                    await write_outbox(connection, tx.events)
                    tx.wakes.add("outbox")
            except BaseException:
                if not connection.is_closed():
                    await transaction.rollback()
                raise
            await _commit(connection, transaction)
        for wake in self.on_commit:
            wake(tx.wakes)


async def _nothing_to_reset(_: Any) -> None:
    """Instead of asyncpg's own statement at each release, a round trip a transaction: what it would undo (LISTEN, advisory locks, SET) is done on
    `direct` connections only. An open transaction is still rolled back."""


async def _commit(connection: Any, transaction: Any) -> None:
    try:
        await transaction.commit()
    except AWAY as error:
        telemetry.COMMITS_UNKNOWN.inc()
        raise CommitUnknown from error
