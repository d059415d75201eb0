"""What every process is: start, ready, drain, stop; health and metrics on a port of their own.

Start waits for PostgreSQL, its migrations and RabbitMQ, saying what it lacks. SIGTERM: take nothing more, finish what is in hand or leave it to be
redelivered, let the loops end their step, close. A service is a table of commands, of queries, of events and of loops, and a composition.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import asyncpg
import structlog
import uvloop
from pydantic import ValidationError

from libs.common import crash, logging, ops, telemetry
from libs.common.bus import Asker, Bus, Commands, Events, Queries
from libs.common.bus.answer import Answerer
from libs.common.bus.connection import BROKER_ERRORS
from libs.common.bus.consume import Consumer, Listener
from libs.common.bus.publish import publish_rows
from libs.common.bus.registry import Broadcasts, Registered
from libs.common.contracts.base import Ask
from libs.common.db import IDLE_S, Database, inbox, migrator
from libs.common.db.outbox import Relay
from libs.common.grants import Verifier
from libs.common.loop import Loop
from libs.common.settings import BusSettings, ServiceSettings

log = structlog.get_logger()

S = TypeVar("S", bound=BusSettings)

RETRY_S = 0.2  # between two looks at a dependency that is not there yet: one connection each, and always the same pause
# A claim or a page makes thousands of objects that go by themselves: to look at the young ones after 700 was 4 % of a campaign's rate.
COLLECT_AFTER = (20_000, 20, 20)
PRUNE_EVERY = timedelta(hours=1)


@dataclass
class Kernel(Generic[S]):
    """What a composition gets to build its app from. `db` is there only in services with a database."""

    settings: S
    bus: Bus
    asker: Asker
    _db: Database | None = None
    bound: dict[str, int] = field(default_factory=dict)  # ports that a composition listens on, by name

    @property
    def db(self) -> Database:
        assert self._db is not None, "this service has no database"
        return self._db


Compose = Callable[[Kernel[Any]], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def kernel_only(kernel: Kernel[Any]) -> AsyncIterator[Kernel[Any]]:
    """The composition of a service that needs nothing of its own."""
    yield kernel


@dataclass(frozen=True)
class Service:
    """`broadcasts` and `loops` are made from the app, for they keep its state right. `idle_s`: for how long a process that was stopped in the middle of a
    transaction may hold up others."""

    name: str
    settings: type[BusSettings]
    compose: Compose = kernel_only
    commands: Commands = field(default_factory=dict)
    queries: Queries = field(default_factory=dict)
    events: Events = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    broadcasts: Callable[[Any], Broadcasts] | None = None
    idle_s: float = IDLE_S


def run(service: Service) -> None:
    """Runs the service until SIGTERM or SIGINT. Exits 2, saying why, where its settings are wrong."""
    try:
        settings = service.settings()
    except ValidationError as error:
        wrong = "; ".join(f"HELIOGRAPH_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        sys.exit(f"{service.name}: {wrong}")
    crash.arm(settings.mode)
    logging.configure(service.name)
    uvloop.run(_live(service, settings))


async def _live(service: Service, settings: BusSettings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    health = ops.Health()
    async with ops.serve(health, settings.ops_host, settings.ops_port):
        process = Process(service, settings, health)
        starting = asyncio.create_task(process.start())
        await asyncio.wait([starting, asyncio.ensure_future(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting  # raises what went wrong
            _leave_to_live()
            log.info("ready")
            await stopping.wait()
        else:
            starting.cancel()
        log.info("stopping")
        await process.stop()
    log.info("stopped")


def _leave_to_live() -> None:
    """What is there once a process has started stays: modules, models, tables. A full collection that walks through it stopped everything for 45 ms, up to
    three times a second under load."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


class Process:
    """One running copy of a service. Tests start and stop it in their own loop."""

    def __init__(self, service: Service, settings: BusSettings, health: ops.Health | None = None) -> None:
        self.service = service
        self.settings = settings
        self.health = health or ops.Health()
        self.bus = Bus(settings.broker_url, service.name)
        self.db: Database | None = None
        if isinstance(settings, ServiceSettings):
            self.db = Database(settings.database_url, service.name, size=settings.pool_size, idle_s=service.idle_s)
        self.kernel: Kernel[Any] = Kernel(settings, self.bus, Asker(self.bus), self.db)
        self.app: Any = None
        self._composition: AbstractAsyncContextManager[Any] | None = None
        self._drains: list[Callable[[float], Awaitable[None]]] = []
        self._loops_stopping = asyncio.Event()
        self._loops: set[asyncio.Task[None]] = set()
        self._relay: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Waits for what it needs, then takes work."""
        if self.db is not None:
            await self._until("PostgreSQL", self.db.open)
            await self._until("its migrations", self._migrated)
        await self._until("RabbitMQ", self.bus.open)
        await self.kernel.asker.open()
        self._composition = self.service.compose(self.kernel)
        self.app = await self._composition.__aenter__()
        if isinstance(self.settings, ServiceSettings) and self.db is not None:
            self.db.app = self.app
            await self._open_work(self.settings, self.db)
        if self.service.broadcasts is not None:
            await Listener(self.bus, self.service.broadcasts(self.app)).open()
        for loop in self.service.loops:
            self._loops.update(loop.start(self.app, self._loops_stopping))
        self.health.lacks = self._lacks
        telemetry.READY.set(1)

    async def _open_work(self, settings: ServiceSettings, db: Database) -> None:
        name = self.service.name
        relay = Relay(db, lambda rows: publish_rows(self.bus, name, rows))
        self._relay = asyncio.create_task(relay.run())
        db.on_commit += [relay.woken, *(loop.woken for loop in self.service.loops)]
        prune = Loop("prune_inbox", _prune, every_s=PRUNE_EVERY.total_seconds())
        self._loops.update(prune.start(db, self._loops_stopping))
        asks: dict[type[Ask[Any]], Registered] = dict([*self.service.commands.items(), *self.service.queries.items()])
        answerer = Answerer(self.bus, db, name, asks, Verifier(settings.grant_public_key))
        consumer = Consumer(self.bus, db, name, self.service.events)
        self._drains = [answerer.drain, consumer.drain]
        await answerer.open()
        await consumer.open()

    async def stop(self) -> None:
        """Takes nothing more, finishes what is in hand within the time to drain, closes."""
        telemetry.READY.set(0)
        self.health.lacks = _stopping
        limit_s = self.settings.drain_s
        self._loops_stopping.set()
        results = await asyncio.gather(*(drain(limit_s) for drain in self._drains), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                log.warning("not_drained", error=repr(result))
        if self._loops:
            _, hanging = await asyncio.wait(self._loops, timeout=limit_s)
            for task in hanging:
                task.cancel()
        if self._composition is not None and self.app is not None:
            await self._composition.__aexit__(None, None, None)
        if self._relay is not None:
            self._relay.cancel()
            await asyncio.gather(self._relay, return_exceptions=True)
        await self.bus.close()
        if self.db is not None:
            await self.db.close()

    async def _until(self, what: str, attempt: Callable[[], Awaitable[None]]) -> None:
        said = ""
        while True:
            try:
                await attempt()
                return
            except (*BROKER_ERRORS, asyncpg.PostgresError, asyncpg.InterfaceError, NotMigrated) as error:
                if repr(error) != said:
                    said = repr(error)
                    log.info("waiting", lacks=what, error=said)
                self.health.lacks = partial(_said, what)
                await asyncio.sleep(RETRY_S)

    async def _migrated(self) -> None:
        assert self.db is not None
        connection = await self.db.direct()
        try:
            missing = await migrator.missing(connection, self.service.name)
        finally:
            await connection.close()
        if missing:
            raise NotMigrated(f"run `heliograph migrate`: {', '.join(missing)}")

    async def _lacks(self) -> list[str]:
        lacks = []
        if not self.bus.connected:
            lacks.append("RabbitMQ")
        if self.db is not None:
            try:
                async with asyncio.timeout(2), self.db.reading() as tx:
                    await tx.fetchval("SELECT 1")
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                lacks.append("PostgreSQL")
        return lacks


class NotMigrated(Exception):
    """The database lacks migrations that this code needs."""


async def _prune(db: Database) -> int:
    async with db.transaction() as tx:
        await inbox.prune(tx)
    return 0


async def _said(what: str) -> list[str]:
    return [what]


async def _stopping() -> list[str]:
    return ["it is stopping"]
