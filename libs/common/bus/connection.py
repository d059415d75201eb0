"""Two connections to the broker a process: one to publish on, one to consume on, so that a blocked publisher still gets its deliveries.

Every publish has a time limit; events are published with confirms and persistent; asks and replies travel light, since the ledger and the
repeat by id carry the durability (docs/decisions/0001). Comes back by itself after the broker was away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection
from yarl import URL

log = structlog.get_logger()

HEARTBEAT_S = 10  # aiormq gives a silent broker up after three of them; the default of 60 would take three minutes
RECONNECT_S = 0.5  # always the same: a broker that boots is two connections a process away, and everything waits for it
PUBLISH_LIMIT_S = 5.0

EVENTS = "heliograph.events"
REQUESTS = "heliograph.requests"
REPLIES = "heliograph.replies"
RETRY = "heliograph.retry"
RETURN = "heliograph.return"
DEAD = "heliograph.dead"

OnMessage = Callable[[AbstractIncomingMessage], Awaitable[None]]

# What the broker's being away can raise from any call: all that is known then is that the outcome is unknown.
BROKER_ERRORS = (aio_pika.exceptions.AMQPError, ConnectionError, OSError, TimeoutError, RuntimeError)


class Bus:
    """`user` is the broker user, which the broker vouches for on every message (AMQP `user-id`)."""

    def __init__(self, url: str, name: str) -> None:
        parsed = URL(url)
        self.user = parsed.user or name
        self.process = uuid4().hex  # names this process's own queues
        self._url = parsed.update_query(
            heartbeat=str(HEARTBEAT_S), reconnect_interval=str(RECONNECT_S), name=name, fail_fast="1"
        )
        self._publishing: AbstractRobustConnection | None = None
        self._consuming: AbstractRobustConnection | None = None
        self._confirmed: AbstractRobustChannel | None = None
        self._light: AbstractRobustChannel | None = None
        self._exchanges: dict[tuple[bool, str], Any] = {}
        self._consumed: list[Any] = []  # held here, for aio_pika holds them weakly: what is collected is not restored

    async def open(self) -> None:
        """Raises one of BROKER_ERRORS while the broker is away; the caller waits for dependencies."""
        self._publishing = await aio_pika.connect_robust(self._url, timeout=5)
        self._consuming = await aio_pika.connect_robust(self._url, timeout=5)
        self._confirmed = await self._channel(self._publishing, confirms=True)
        self._light = await self._channel(self._publishing, confirms=False)

    @staticmethod
    async def _channel(connection: AbstractRobustConnection, *, confirms: bool) -> AbstractRobustChannel:
        channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await channel.initialize()
        return channel

    async def close(self) -> None:
        for connection in (self._consuming, self._publishing):
            if connection is not None:
                try:
                    async with asyncio.timeout(3):
                        await connection.close()
                except BROKER_ERRORS as error:
                    log.warning("bus_closed_uncleanly", error=repr(error))

    @property
    def connected(self) -> bool:
        """Whether both connections are up, as far as this side knows."""
        return all(c is not None and c.connected.is_set() for c in (self._publishing, self._consuming))

    async def publish(self, exchange: str, key: str, message: aio_pika.Message) -> None:
        """Persistent and confirmed by the broker when this returns. One of BROKER_ERRORS: it may be there or not."""
        message.delivery_mode = aio_pika.DeliveryMode.PERSISTENT
        await self._send(self._confirmed, exchange, key, message)

    async def publish_light(self, exchange: str, key: str, message: aio_pika.Message) -> None:
        """Written to the socket when this returns, and no more."""
        await self._send(self._light, exchange, key, message)

    async def _send(
        self, channel: AbstractRobustChannel | None, exchange: str, key: str, message: aio_pika.Message
    ) -> None:
        assert channel is not None, "the bus is not open"
        message.user_id = self.user
        async with asyncio.timeout(PUBLISH_LIMIT_S):
            known = self._exchanges.get((channel is self._confirmed, exchange))
            if known is None:
                known = await channel.get_exchange(exchange, ensure=False)
                self._exchanges[channel is self._confirmed, exchange] = known
            await known.publish(message, key, mandatory=False)

    async def consume(
        self,
        queue: str,
        bindings: Mapping[str, list[str]],
        on_message: OnMessage,
        *,
        prefetch: int,
        arguments: Mapping[str, Any] | None = None,
        exclusive: bool = False,
        no_ack: bool = False,
    ) -> Callable[[], Awaitable[None]]:
        """Declares `queue`, binds it (exchange -> keys) and consumes; up to `prefetch` messages are in hand at once, each in its own task.

        Returns what stops the consumer. Exclusive queues die with the connection and are declared again with it.
        """
        assert self._consuming is not None, "the bus is not open"
        channel = await self._channel(self._consuming, confirms=True)
        await channel.set_qos(prefetch_count=prefetch)
        declared = await channel.declare_queue(
            queue, durable=not exclusive, exclusive=exclusive, auto_delete=exclusive, arguments=dict(arguments or {})
        )
        for exchange, keys in bindings.items():
            for key in keys:
                await declared.bind(await channel.get_exchange(exchange, ensure=False), key)
        tag = await declared.consume(on_message, no_ack=no_ack)
        self._consumed.append(declared)

        async def stop() -> None:
            async with asyncio.timeout(3):
                await declared.cancel(tag)

        return stop
