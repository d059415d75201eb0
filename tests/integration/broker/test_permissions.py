"""What each service's broker user may and may not do, asked of a real broker with deploy/rabbitmq/definitions.json."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from deploy.native.environment import WITH_DATABASE
from tests.infra import Infra

QUORUM = {"x-queue-type": "quorum", "x-dead-letter-exchange": "heliograph.dead"}


@asynccontextmanager
async def channel_of(infra: Infra, user: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(infra.broker_url(user))
    async with connection:
        yield await connection.channel(on_return_raises=True)


async def publish(channel: AbstractChannel, exchange: str, key: str) -> None:
    message = aio_pika.Message(b"{}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await (await channel.get_exchange(exchange, ensure=False)).publish(message, key, mandatory=False)


async def declare_and_bind(channel: AbstractChannel, queue: str, exchange: str, key: str) -> None:
    declared = await channel.declare_queue(queue, durable=True, arguments=dict(QUORUM))
    await declared.bind(exchange, key)


async def take(channel: AbstractChannel, queue: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).get(fail=False)


Attempt = Callable[[AbstractChannel], Awaitable[None]]

ALLOWED: dict[str, tuple[str, Attempt]] = {
    "its own event": ("inbound", lambda c: publish(c, "heliograph.events", "inbound.probes.tried.17")),
    "a service listens to another's events": (
        "messaging",
        lambda c: declare_and_bind(c, "messaging.probe", "heliograph.events", "inbound.probes.tried.*"),
    ),
    "a service takes its own requests": (
        "auth",
        lambda c: declare_and_bind(c, "auth.probe", "heliograph.requests", "auth.probe"),
    ),
    "the gateway asks anyone": ("gateway", lambda c: publish(c, "heliograph.requests", "campaign.probe")),
    "the console asks anyone": ("console", lambda c: publish(c, "heliograph.requests", "auth.probe")),
    "campaign asks phonelist": ("campaign", lambda c: publish(c, "heliograph.requests", "phonelist.probe")),
    "campaign steers what messaging has of a campaign": (
        "campaign",
        lambda c: publish(c, "heliograph.requests", "messaging.urgent"),
    ),
    "a service answers": ("phonelist", lambda c: publish(c, "heliograph.replies", "reply.gateway.1")),
    "a retry of its own queue": ("inbound", lambda c: publish(c, "heliograph.retry", "30m.inbound.probe")),
    "its own dead letter": ("inbound", lambda c: publish(c, "heliograph.dead", "inbound.probe")),
    "the console sends a dead letter back": ("console", lambda c: publish(c, "heliograph.return", "again.auth.probe")),
}

REFUSED: dict[str, tuple[str, Attempt]] = {
    "an event in another's name": ("inbound", lambda c: publish(c, "heliograph.events", "messaging.texts.settled.17")),
    "an event by the gateway": ("gateway", lambda c: publish(c, "heliograph.events", "auth.sessions.revoked.17")),
    "an ask by a service that asks nobody": ("inbound", lambda c: publish(c, "heliograph.requests", "messaging.bulk")),
    "campaign asking someone else": ("campaign", lambda c: publish(c, "heliograph.requests", "auth.ordinary")),
    "campaign asking messaging to send": (
        "campaign",
        lambda c: publish(c, "heliograph.requests", "messaging.ordinary"),
    ),
    "a foreign queue declared": (
        "inbound",
        lambda c: declare_and_bind(c, "messaging.stolen", "heliograph.events", "messaging.texts.settled.*"),
    ),
    "another's requests taken": (
        "inbound",
        lambda c: declare_and_bind(c, "inbound.probe", "heliograph.requests", "messaging.urgent"),
    ),
    "everybody's requests taken": (
        "inbound",
        lambda c: declare_and_bind(c, "inbound.probe", "heliograph.requests", "#"),
    ),
    "another's returns taken": (
        "inbound",
        lambda c: declare_and_bind(c, "inbound.probe", "heliograph.return", "*.messaging.event.urgent"),
    ),
    "a retry into another's queue": ("inbound", lambda c: publish(c, "heliograph.retry", "5s.messaging.event.bulk")),
    "a return without the wait": ("inbound", lambda c: publish(c, "heliograph.return", "5s.inbound.probe")),
    "a public event past the events exchange": (
        "inbound",
        lambda c: publish(c, "heliograph.public", "inbound.texts.received.17"),
    ),
    "the default exchange, which reaches any queue": ("inbound", lambda c: publish(c, "", "dead")),
    "the dead letters read": ("inbound", lambda c: take(c, "dead")),
    "a rung of the ladder drained": ("inbound", lambda c: take(c, "retry.30m")),
    "a new exchange": ("inbound", lambda c: _declare_exchange(c)),
}


async def _declare_exchange(channel: AbstractChannel) -> None:
    await channel.declare_exchange(f"heliograph.{uuid4().hex}", "topic", durable=True)


@pytest.fixture(scope="module", autouse=True)
async def no_trace_is_left(infra: Infra) -> AsyncIterator[None]:
    """Nobody consumes the keys that are used here; what the probes left in queues is taken away."""
    yield
    async with channel_of(infra, "admin") as admin:
        for queue in ("messaging.probe", "auth.probe"):
            await admin.queue_delete(queue)
        for queue in ("dead", "retry.30m"):
            await (await admin.get_queue(queue)).purge()


@pytest.mark.parametrize("case", ALLOWED)
async def test_a_service_may_do_what_its_work_needs(infra: Infra, case: str) -> None:
    user, attempt = ALLOWED[case]

    async with channel_of(infra, user) as channel:
        await attempt(channel)


@pytest.mark.parametrize("case", REFUSED)
async def test_a_service_may_not_act_as_another(infra: Infra, case: str) -> None:
    user, attempt = REFUSED[case]

    async with channel_of(infra, user) as channel:
        with pytest.raises(ChannelAccessRefused):
            await attempt(channel)


async def test_a_message_put_on_the_ladder_comes_back_to_its_own_queue_only(infra: Infra) -> None:
    queues = {service: f"{service}.ladder" for service in WITH_DATABASE}
    async with channel_of(infra, "admin") as admin:
        for queue in queues.values():
            declared = await admin.declare_queue(queue, durable=True, arguments=dict(QUORUM))
            await declared.bind("heliograph.return", f"*.{queue}")
        async with channel_of(infra, "messaging") as channel:
            await publish(channel, "heliograph.retry", f"5s.{queues['messaging']}")
            async with (await channel.get_queue(queues["messaging"])).iterator(timeout=20) as messages:
                returned = await anext(messages)
                await returned.ack()

        left = {
            service: (await admin.declare_queue(q, passive=True)).declaration_result.message_count
            for service, q in queues.items()
        }

        assert returned.routing_key == f"5s.{queues['messaging']}"
        assert left == dict.fromkeys(WITH_DATABASE, 0)
        for queue in queues.values():
            await admin.queue_delete(queue)
