"""Pauses a campaign by itself when errors burst, with the reason. A person resumes it: what failed until then is not looked at again.

Owns the decision; what a pause does is campaigns'. Woken by errors, so that campaigns that go well are looked at every now and then only.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.campaigns.store import pause_if_freezing_or_sending
from services.campaign.watching import rules, store

log = structlog.get_logger()

REST_S = 1.0  # between two looks while errors come, each 15 ms of PostgreSQL's CPU for a campaign at full speed


async def watch(app: Kernel[Any]) -> int:
    async with app.db.reading() as tx:
        watched = await store.look(tx)
    paused = sum([await _pause_if_failing(app, campaign) for campaign in watched])
    await asyncio.sleep(REST_S)  # every event with errors wakes this loop
    return paused


async def _pause_if_failing(app: Kernel[Any], campaign: store.Watched) -> bool:
    burst = rules.burst(campaign.blocks)
    if burst is None or not rules.something_to_hold(campaign.waiting, campaign.blocks):
        return False
    async with app.db.transaction() as tx:
        steered = None
        if await store.lock_if_sending(tx, campaign):
            steered = await pause_if_freezing_or_sending(tx, campaign.id, burst.why())
        if steered is not None:
            tx.emit(steered)
    if steered is None:
        return False
    log.warning(
        "campaign_paused_by_itself",
        company_id=campaign.company_id,
        campaign_id=campaign.id,
        failed=burst.failed,
        of=burst.counted,
    )
    return True


LOOPS = [Loop("watch", watch, every_s=10.0, woken_by=frozenset({"watch"}))]
