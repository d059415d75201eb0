"""Runs a service in the test's own loop, on real PostgreSQL and RabbitMQ, and asks it as others would.

Each running service gets a database of its own; the broker's vhost is shared, so one test process runs one copy of a name at a time unless it wants two.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import aio_pika
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.common.bus import Asker, Bus
from libs.common.contracts.base import Ask, Code, Contract, Event, Refusal
from libs.common.db import migrator
from libs.common.db.outbox import event_type
from libs.common.grants import Caller, Signer
from libs.common.ids import uuid7
from libs.common.service import Process, Service
from libs.common.settings import ServiceSettings
from tests.infra import Infra

KEY = Ed25519PrivateKey.from_private_bytes(b"a key for tests, known to anyone")
PRIVATE_KEY = base64.b64encode(KEY.private_bytes_raw()).decode()
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
VERIFICATION_KEY = base64.b64encode(b"another key for tests, 32 bytes!").decode()

A = TypeVar("A", bound=Contract)


async def eventually(check: Callable[[], Awaitable[Any]], within_s: float = 10.0) -> Any:
    """What `check` answers once it is truthy; fails with its last answer after `within_s`."""
    until = time.monotonic() + within_s
    while not (answer := await check()):
        if time.monotonic() > until:
            raise AssertionError(
                f"not within {within_s} s: {getattr(check, '__name__', check)} last answered {answer!r}"
            )
        await asyncio.sleep(0.02)
    return answer


def grant(company_id: int, *permissions: str, user_id: int = 1) -> str:
    """Good for longer than a run of every test lasts: modules make theirs when they are collected."""
    return Signer(PRIVATE_KEY).sign(Caller(company_id, user_id, frozenset(permissions)), time.time() + 86_400)


@dataclass
class Client:
    """Asks over the real broker as `user`, and publishes events as their owner would."""

    infra: Infra
    bus: Bus
    asker: Asker

    async def ask(self, ask: Ask[A], grant: str = "", id_: UUID | None = None) -> A:
        return await self.asker.ask(ask, grant, id_, deadline_s=8)

    async def refused(self, ask: Ask[Any], grant: str = "") -> Code:
        """The code `ask` is refused with."""
        with pytest.raises(Refusal) as refusal:
            await self.ask(ask, grant)
        return refusal.value.code

    async def publish(self, event: Event, id_: UUID | None = None) -> None:
        """As the outbox relay of its owner would; `id_` again makes it a repeat."""
        message = aio_pika.Message(
            event.model_dump_json().encode(), message_id=str(id_ or uuid7()), type=event_type(type(event))
        )
        await self.bus.publish("heliograph.events", f"{event.type}.{event.company_id}", message)


@asynccontextmanager
async def client(infra: Infra, user: str) -> AsyncIterator[Client]:
    """`user`: gateway, console or a service's name (whose events it may then publish)."""
    bus = Bus(infra.broker_url(user), f"test-{user}")
    await bus.open()
    asker = Asker(bus)
    await asker.open()
    try:
        yield Client(infra, bus, asker)
    finally:
        await bus.close()


@asynccontextmanager
async def running(infra: Infra, service: Service, dsn: str | None = None, **settings: Any) -> AsyncIterator[Process]:
    """One copy of `service`, ready. `dsn`: a database another copy uses too; else a new one, migrated, dropped at the end."""
    own = dsn or ""
    if not own and issubclass(service.settings, ServiceSettings):
        own = infra.create_database(service.name)
        await migrator.migrate(own, service.name)
        await _purge(infra, service.name)
    known: dict[str, Any] = {
        "mode": "development",
        "broker_url": infra.broker_url(service.name),
        "database_url": own,
        "grant_public_key": PUBLIC_KEY,
        "grant_private_key": PRIVATE_KEY,
        "verification_key": VERIFICATION_KEY,
        "drain_s": 5.0,
    }
    process = Process(service, service.settings(**(known | settings)))
    await process.start()
    try:
        yield process
    finally:
        await process.stop()
        if own and dsn is None:
            infra.drop_database(own)


async def _purge(infra: Infra, service: str) -> None:
    """What is left in the service's queues was meant for a database that is gone."""
    async with httpx.AsyncClient(base_url=infra.management_url) as management:
        for queue in (await management.get("/api/queues/heliograph", params={"columns": "name"})).json():
            if queue["name"].startswith(f"{service}."):
                (await management.delete(f"/api/queues/heliograph/{queue['name']}/contents")).raise_for_status()


@asynccontextmanager
async def heard(infra: Infra, *events: type[Event]) -> AsyncIterator[list[Event]]:
    """Collects the events of these types from now on, as they pass through the broker (read as admin)."""
    bus = Bus(infra.broker_url("admin"), "test-heard")
    await bus.open()
    known = {event_type(event): event for event in events}
    collected: list[Event] = []

    async def on_message(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        collected.append(known[message.type or ""].model_validate_json(message.body))

    keys = [f"{event.type}.*" for event in events]
    await bus.consume(
        f"heard.{bus.process}", {"heliograph.events": keys}, on_message, prefetch=0, exclusive=True, no_ack=True
    )
    try:
        yield collected
    finally:
        await bus.close()
