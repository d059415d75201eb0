"""Events in: each applied once, in one transaction with its inbox row, then acknowledged.

What fails is retried on four rungs of a ladder (5 s, 30 s, 5 min, 30 min), each a queue for the whole system from which a message finds its own way
back; then it goes to the dead letters with the reason. Copies on the ladder get clean headers: a copied `x-death` loses messages on RabbitMQ 3.10.
A message that was in hand when the process died is suspected: it runs alone, and after its second death goes to the dead letters alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage
from pydantic import ValidationError

from libs.common import crash, telemetry
from libs.common.bus.connection import BROKER_ERRORS, DEAD, EVENTS, RETRY, RETURN, Bus
from libs.common.bus.registry import Broadcasts, Events, HandlerOfEvent
from libs.common.contracts.base import Broadcast, Event, Lane
from libs.common.db import AWAY, Database, inbox
from libs.common.db.outbox import event_type

log = structlog.get_logger()

RUNGS = ("5s", "30s", "5m", "30m")
PREFETCH = {
    Lane.URGENT: 4,
    Lane.ORDINARY: 2,
    Lane.BULK: 2,
    Lane.READS: 1,
}  # x the longest handler stays far under a minute
PLACES = sum(PREFETCH.values())
DEATHS_MAX = 2
IN_PLACE_S = 600.0  # far less than the broker's own limit on an unacknowledged message, 30 minutes
IN_PLACE_PAUSE_S = 0.5
SUSPECT_AFTER = 2  # deliveries: once for a process that died with innocent messages in hand
ATTEMPT = "x-attempt"

# The delivery limit is only the last net: RabbitMQ drops whole prefetches on it.
QUEUE = {"x-queue-type": "quorum", "x-delivery-limit": 50, "x-dead-letter-exchange": DEAD}


class Consumer:
    """Consumes one service's table of events, a queue a lane."""

    def __init__(self, bus: Bus, db: Database, service: str, events: Events) -> None:
        self._bus = bus
        self._db = db
        self._service = service
        self._events = {event_type(event): (event, handle) for event, handle in events.items()}
        self._stops: list[Any] = []
        self._busy: set[asyncio.Task[Any]] = set()
        self._places = asyncio.Semaphore(PLACES)
        self._clearing = asyncio.Lock()

    async def open(self) -> None:
        for lane in sorted({event.lane for event, _ in self._events.values()}):
            queue = f"{self._service}.event.{lane}"
            keys = [f"{event.type}.*" for event, _ in self._events.values() if event.lane is lane]
            self._stops.append(
                await self._bus.consume(
                    queue,
                    {EVENTS: keys, RETURN: [f"*.{queue}"]},
                    partial(self._on_message, queue),
                    prefetch=PREFETCH[lane],
                    arguments=QUEUE,
                )
            )

    async def drain(self, limit_s: float) -> None:
        """Takes nothing more and finishes what is in hand, up to `limit_s`."""
        for stop in self._stops:
            await stop()
        if self._busy:
            await asyncio.wait(self._busy, timeout=limit_s)

    async def _on_message(self, queue: str, message: AbstractIncomingMessage) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            await self._consume(queue, message)
            await message.ack()
            crash.point("consume.acked")
        except BROKER_ERRORS as error:
            log.warning("not_acknowledged", queue=queue, id=message.message_id, error=repr(error))
        finally:
            self._busy.discard(task)

    async def _consume(self, queue: str, message: AbstractIncomingMessage) -> None:
        known = self._events.get(message.type or "")
        if known is None:
            await self._give_up(queue, message, "unknown type or version")
            return
        type_, handle = known
        try:
            event = type_.model_validate_json(message.body)
            id_ = UUID(message.message_id)
        except (ValidationError, ValueError) as error:
            await self._give_up(queue, message, f"unreadable: {type(error).__name__}")
            return
        try:
            with telemetry.CONSUME_SECONDS.labels(type_.type).time():
                await self._apply_while_database_away(queue, message, handle, id_, event)
        except Exception as error:
            log.warning("event_failed", type=type_.type, id=str(id_), error=repr(error), exc_info=True)
            telemetry.CONSUMED.labels(type_.type, "failed").inc()
            await self._retry(queue, message, repr(error))

    async def _apply_while_database_away(
        self, queue: str, message: AbstractIncomingMessage, handle: HandlerOfEvent, id_: UUID, event: Event
    ) -> None:
        """Tries in place while our own database is away: the ladder would delay a STOP by minutes after a restart of seconds."""
        clock = asyncio.get_running_loop().time
        until = clock() + IN_PLACE_S
        while True:
            try:
                await self._apply(queue, message, handle, id_, event)
                return
            except AWAY as error:
                if clock() > until:
                    raise
                log.warning("database_away", type=type(event).type, id=str(id_), error=repr(error))
                telemetry.CONSUMED.labels(type(event).type, "waited").inc()
                await asyncio.sleep(IN_PLACE_PAUSE_S)

    async def _apply(
        self, queue: str, message: AbstractIncomingMessage, handle: HandlerOfEvent, id_: UUID, event: Event
    ) -> None:
        if int(str(message.headers.get("x-delivery-count", 0))) < SUSPECT_AFTER:
            async with self._places:
                await self._apply_once(handle, id_, event)
            return
        async with self._alone():
            async with self._db.transaction() as tx:
                deaths = await inbox.suspect(tx, id_)
            try:
                if deaths > DEATHS_MAX:
                    await self._give_up(queue, message, f"killer: its process died {deaths - 1} times")
                else:
                    await self._apply_once(handle, id_, event)
            finally:
                async with self._db.transaction() as tx:
                    await inbox.clear(tx, id_)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """While no other event is being applied by this process."""
        async with self._clearing:
            for _ in range(PLACES):
                await self._places.acquire()
        try:
            yield
        finally:
            for _ in range(PLACES):
                self._places.release()

    async def _apply_once(self, handle: HandlerOfEvent, id_: UUID, event: Event) -> None:
        async with self._db.transaction() as tx:
            fresh = await inbox.first_time(tx, id_)
            if fresh:
                await handle(tx, event)
                crash.point("consume.handled")
        crash.point("consume.committed")
        telemetry.CONSUMED.labels(type(event).type, "applied" if fresh else "repeat").inc()

    async def _retry(self, queue: str, message: AbstractIncomingMessage, reason: str) -> None:
        attempt = int(str(message.headers.get(ATTEMPT, 0)))
        if attempt >= len(RUNGS):
            await self._give_up(queue, message, reason)
            return
        await self._bus.publish(RETRY, f"{RUNGS[attempt]}.{queue}", _clean_copy(message, {ATTEMPT: attempt + 1}))
        crash.point("retry.rung_published")

    async def _give_up(self, queue: str, message: AbstractIncomingMessage, reason: str) -> None:
        telemetry.DEAD.labels(reason.partition(":")[0]).inc()
        log.error("dead_letter", queue=queue, id=message.message_id, type=message.type, reason=reason)
        await self._bus.publish(DEAD, queue, _clean_copy(message, {"x-reason": reason[:500], "x-queue": queue}))


def _clean_copy(message: AbstractIncomingMessage, headers: dict[str, Any]) -> aio_pika.Message:
    return aio_pika.Message(
        message.body, message_id=message.message_id, type=message.type, headers=headers, content_type="application/json"
    )


class Listener:
    """Hears broadcasts: each process has a queue of its own that dies with it."""

    def __init__(self, bus: Bus, broadcasts: Broadcasts) -> None:
        self._bus = bus
        self._broadcasts = {broadcast.type: (broadcast, handle) for broadcast, handle in broadcasts.items()}

    async def open(self) -> None:
        queue = f"broadcast.{self._bus.user}.{self._bus.process}"
        keys = list(self._broadcasts)
        await self._bus.consume(queue, {EVENTS: keys}, self._on_message, prefetch=0, exclusive=True, no_ack=True)

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        known = self._broadcasts.get(message.type or "")
        if known is not None:
            broadcast, handle = known
            handle(broadcast.model_validate_json(message.body))


async def tell(bus: Bus, broadcast: Broadcast) -> None:
    """Tells every process that listens now. May raise one of BROKER_ERRORS."""
    message = aio_pika.Message(broadcast.model_dump_json().encode(), type=broadcast.type)
    await bus.publish_light(EVENTS, broadcast.type, message)
