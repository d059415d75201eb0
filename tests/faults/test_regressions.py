"""What fault runs have found, each as the shortest run that shows it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from libs.common.bus import Bus
from libs.common.bus.ask import Unanswered
from libs.common.bus.consume import Listener
from libs.common.contracts.auth import Tick
from libs.common.contracts.base import Refusal
from libs.common.contracts.companies import ListCompanies
from libs.common.contracts.senders import Header, HeadersChanged
from services.auth.__main__ import SERVICE as AUTH
from tests.harness import client, eventually, running
from tests.infra import Infra, start_infra


@pytest.fixture(scope="module")
def own() -> Iterator[Infra]:
    """Servers that may be killed."""
    infra = start_infra(durable=True)
    if infra.rabbitmq is None:
        infra.stop()
        pytest.skip("a broker in a container is not killed by this test")
    yield infra
    infra.stop()


@asynccontextmanager
async def broker_away(own: Infra) -> AsyncIterator[None]:
    """Killed, and started again behind the block. All garbage is collected meanwhile: what is to come back must be held by somebody."""
    assert own.rabbitmq is not None
    await asyncio.to_thread(own.rabbitmq.kill)
    for _ in range(20):
        await asyncio.sleep(0.05)
        gc.collect()
    yield
    await asyncio.to_thread(own.rabbitmq.start)


@pytest.mark.timeout(180)
async def test_answers_and_broadcasts_are_heard_again_after_the_broker_was_away(
    own: Infra, caplog: pytest.LogCaptureFixture
) -> None:
    """aio_pika holds channels weakly: one that nobody else held was gone before the broker was back, and its process deaf for good."""
    for library in ("aio_pika", "aiormq", "asyncio"):
        caplog.set_level("CRITICAL", library)  # a record that pytest keeps would hold the channel
    heard: list[Tick] = []
    async with running(own, AUTH), client(own, "console") as console:
        gateway = Bus(own.broker_url("gateway"), "test-gateway")
        await gateway.open()
        await Listener(gateway, {Tick: heard.append}).open()

        async def ticked() -> bool:
            return bool(heard)

        async def answered() -> bool:
            try:
                return bool(await console.asker.ask(ListCompanies(), deadline_s=4))
            except (Unanswered, Refusal):
                return False

        await eventually(ticked)
        async with broker_away(own):
            heard.clear()

        await eventually(ticked, within_s=30)
        await eventually(answered, within_s=30)
        await gateway.close()


@pytest.mark.timeout(180)
async def test_an_event_written_while_the_broker_is_away_is_carried_when_it_is_back(own: Infra) -> None:
    """The relay ended, without a word, on the first error of the broker's library that was none of the operating system's."""
    async with running(own, AUTH) as auth:
        assert auth.db is not None
        db = auth.db

        async def carried() -> bool:
            async with db.reading() as tx:
                return bool(await tx.fetchval("SELECT count(*) = 0 FROM outbox"))

        async def tried_twice() -> bool:
            return (REGISTRY.get_sample_value("heliograph_outbox_batch_sum") or 0) >= before + 2

        async with broker_away(own):
            before = REGISTRY.get_sample_value("heliograph_outbox_batch_sum") or 0
            async with db.transaction() as tx:
                tx.emit(HeadersChanged(company_id=1, items=[Header(header="82830", active=True, version=1)]))
            await eventually(tried_twice)

        await eventually(carried, within_s=30)
