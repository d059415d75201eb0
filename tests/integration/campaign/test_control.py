"""Pause, resume and stop at any moment of a campaign that runs: real campaign, phonelist and simulator, and messaging twice, whose claims race."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from libs.common.contracts.campaign import (
    CampaignState,
    Halted,
    PauseCampaign,
    ReadCampaignBooks,
    ResumeCampaign,
    StopCampaign,
)
from libs.common.contracts.messaging import ReadMessagingBooks, State
from libs.common.db import migrator
from libs.common.service import Process
from services.campaign.__main__ import SERVICE as CAMPAIGN
from services.campaign.recipients import rules, store
from services.messaging.__main__ import SERVICE as MESSAGING
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import Client, eventually, running
from tests.infra import Infra
from tests.integration.campaign.conftest import launched, new_list, progress, provision, sender
from tests.integration.simulator.process import SimulatorProcess, simulator_process

COUNT = 12_000  # so that it is under way while it is paused five times
QUIET_S = 0.7  # after which what a carrier was given has arrived

# Claimed for good: what a claim put back, or its end without a carrier, does not count.
CLAIMED_SINCE = """
SELECT count(*) FROM (
    SELECT campaign_id, state, claimed_at FROM open_texts UNION ALL SELECT campaign_id, state, claimed_at FROM texts
) t WHERE campaign_id = $1 AND claimed_at > $2 AND state NOT IN ('queued', 'cancelled', 'suppressed')
"""


@dataclass
class Platform:
    campaign: Process
    messaging: Process
    simulator: SimulatorProcess
    gateway: Client
    console: Client
    company_id: int
    campaign_id: int = 0

    async def launch(self, lists: int) -> None:
        numbers = [f"+4474{lists:02d}{n:06d}" for n in range(COUNT)]
        await self.simulator.begin_anew()
        self.campaign_id = await launched(
            self.gateway, self.company_id, await new_list(self.gateway, self.company_id, numbers)
        )

    async def ledger(self, sql: str, *args: object) -> Any:
        async with self.messaging.app.db.reading() as tx:
            return await tx.fetchval(sql, *args)

    async def order(self, ask: type[PauseCampaign] | type[StopCampaign]) -> Halted:
        """And checks, some time later, that nothing was claimed once it was answered, and no more arrived than the answer said."""
        halted: Halted = await self.gateway.ask(ask(campaign_id=self.campaign_id), sender(self.company_id))
        answered_at: datetime = await self.ledger("SELECT clock_timestamp()")
        arrived = (await self.simulator.stats())["submits"]
        await asyncio.sleep(QUIET_S)
        assert await self.ledger(CLAIMED_SINCE, self.campaign_id, answered_at) == 0
        assert (await self.simulator.stats())["submits"] - arrived <= halted.can_still_arrive
        seen = await progress(self.gateway, self.company_id, self.campaign_id)
        assert seen.targeted - seen.waiting == halted.handed_over
        assert await self.faults() == []
        return halted

    async def faults(self) -> list[str]:
        campaign = (await self.console.ask(ReadCampaignBooks())).faults
        return campaign + (await self.console.ask(ReadMessagingBooks(campaigns=[self.campaign_id]))).faults

    async def some_are_out(self, more_than: int) -> None:
        async def are_out() -> bool:
            return int((await self.simulator.stats())["submits"]) > more_than

        await eventually(are_out, within_s=30)


@pytest.fixture(scope="module")
async def platform(
    infra: Infra, gateway: Client, console: Client, auth: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(simulator_process(tmp_path_factory.mktemp("far_side")))
        url = f"tcp://127.0.0.1:{simulator.carrier_port}"
        dsn = infra.create_database("messaging")
        stack.callback(infra.drop_database, dsn)
        await migrator.migrate(dsn, "messaging")
        first, _ = [
            await stack.enter_async_context(running(infra, MESSAGING, dsn=dsn, simulator_url=url)) for _ in range(2)
        ]
        await stack.enter_async_context(running(infra, PHONELIST))
        campaign = await stack.enter_async_context(running(infra, CAMPAIGN))
        yield Platform(campaign, first, simulator, gateway, console, await provision(campaign, auth))


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an order meets recipients at every station: not handed over, on their way, queued, claimed, with the carrier."""
    monkeypatch.setattr(store, "OPEN_MAX", 1_500)
    monkeypatch.setattr(rules, "OPEN_MAX", 1_500)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 700)


async def test_paused_and_resumed_at_random_moments_it_reaches_everyone_once(platform: Platform) -> None:
    may = sender(platform.company_id)
    await platform.launch(lists=1)
    for pauses in range(5):
        await platform.some_are_out(pauses * 400)
        await asyncio.sleep(random.uniform(0, 0.2))
        halted = await platform.order(PauseCampaign)
        assert halted.targeted == COUNT
        await platform.gateway.ask(ResumeCampaign(campaign_id=platform.campaign_id), may)

    async def finished() -> bool:
        seen = await progress(platform.gateway, platform.company_id, platform.campaign_id)
        return seen.state is CampaignState.FINISHED

    await eventually(finished, within_s=60)
    seen = await progress(platform.gateway, platform.company_id, platform.campaign_id)
    assert (seen.targeted, seen.waiting, seen.handed_over, seen.ended) == (COUNT, 0, 0, {State.DELIVERED: COUNT})
    reached = Counter(submit["to"] for submit in await platform.simulator.log())
    assert (len(reached), set(reached.values())) == (COUNT, {1})
    assert await platform.faults() == []


async def test_stopped_at_a_random_moment_everyone_is_at_a_handset_or_cancelled_or_never_left(
    platform: Platform,
) -> None:
    await platform.launch(lists=2)
    await platform.some_are_out(300)
    await asyncio.sleep(random.uniform(0, 0.3))

    halted = await platform.order(StopCampaign)

    async def all_ended() -> bool:
        seen = await progress(platform.gateway, platform.company_id, platform.campaign_id)
        return seen.handed_over == 0

    await eventually(all_ended, within_s=30)
    seen = await progress(platform.gateway, platform.company_id, platform.campaign_id)
    assert set(seen.ended) <= {State.DELIVERED, State.CANCELLED}
    assert (seen.state, sum(seen.ended.values()), seen.waiting) == (
        CampaignState.STOPPED,
        halted.handed_over,
        COUNT - halted.handed_over,
    )
    reached = Counter(submit["to"] for submit in await platform.simulator.log())
    assert (len(reached), set(reached.values())) == (seen.ended[State.DELIVERED], {1})
    assert await platform.order(StopCampaign) == Halted(targeted=COUNT, handed_over=halted.handed_over)


async def test_orders_that_cross_leave_it_as_the_last_one_says(platform: Platform) -> None:
    """Each is a revision: whatever order they come in at messaging, asked or told, the newest holds."""
    may = sender(platform.company_id)
    await platform.launch(lists=3)
    await platform.some_are_out(100)
    for _ in range(10):
        await asyncio.gather(
            platform.gateway.ask(PauseCampaign(campaign_id=platform.campaign_id), may),
            platform.gateway.ask(ResumeCampaign(campaign_id=platform.campaign_id), may),
            platform.gateway.ask(PauseCampaign(campaign_id=platform.campaign_id), may),
        )
    await platform.order(PauseCampaign)
    await platform.gateway.ask(ResumeCampaign(campaign_id=platform.campaign_id), may)

    async def finished() -> bool:
        seen = await progress(platform.gateway, platform.company_id, platform.campaign_id)
        return seen.ended == {State.DELIVERED: COUNT}

    await eventually(finished, within_s=60)
    reached = Counter(submit["to"] for submit in await platform.simulator.log())
    assert (len(reached), set(reached.values())) == (COUNT, {1})
