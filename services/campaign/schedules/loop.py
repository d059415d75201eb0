"""What the clock does to campaigns: begins those whose LaunchAt has come, rests those outside their windows, ends those whose Lease runs out.

Owns the steps launched -> freezing and anything running -> expired, and `resting`. The hand-over looks at lease and windows itself: nothing is
handed over between the end of one and the next round of these loops; what messaging has by then is held back by them, within two seconds.
"""

from __future__ import annotations

from typing import Any

import structlog

from libs.common.clock import UK
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.schedules import rules, store

log = structlog.get_logger()


async def begin(app: Kernel[Any]) -> int:
    async with app.db.transaction() as tx:
        begun = await store.begin_if_launched_and_due(tx)
        if begun:
            tx.wake("freeze")
    return begun


async def expire(app: Kernel[Any]) -> int:
    async with app.db.transaction() as tx:
        expired = await store.expire_if_lease_is_over(tx)
        for steered in expired:
            tx.emit(steered)
    for steered in expired:
        log.info("campaign_expired", campaign_id=steered.campaign_id)
    return len(expired)


async def rest(app: Kernel[Any]) -> int:
    """Each campaign whose windows have opened or closed: what messaging has of it goes on, or rests."""
    async with app.db.reading() as tx:
        windowed = await store.windowed(tx)
    for campaign in windowed:
        resting = not rules.open_at(campaign.windows, campaign.at)
        if resting is not campaign.resting:
            await _rest(app, campaign, resting)
    return 0  # the next look is at the next poll


async def _rest(app: Kernel[Any], campaign: store.Windowed, resting: bool) -> None:
    opens = rules.next_change(campaign.windows, campaign.at) if resting else None
    why = f"outside its windows until {opens.astimezone(UK):%a %d %b %H:%M}" if opens else ""
    async with app.db.transaction() as tx:
        steered = await store.rest_if_sending(tx, campaign.id, resting=resting, why=why)
        if steered:
            tx.emit(steered)
            tx.wake("hand_over")
    if steered:
        log.info("campaign_rests" if resting else "campaign_goes_on", campaign_id=campaign.id)


LOOPS = [
    Loop("begin", begin, every_s=1.0, woken_by=frozenset({"begin"})),
    Loop("rest", rest, every_s=1.0),
    Loop("expire", expire, every_s=5.0),
]
