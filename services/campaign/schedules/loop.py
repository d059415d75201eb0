"""What the clock does to campaigns: begins those whose LaunchAt has come, ends those whose Lease runs out.

Owns the steps launched -> freezing and anything running -> expired. The hand-over looks at the lease itself: nothing is
handed over between the end of a lease and the next round of this loop.
"""

from __future__ import annotations

from typing import Any

import structlog

from libs.common.contracts.campaign import CampaignStopped
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.schedules import store

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
        for campaign_id, company_id in expired:
            tx.emit(CampaignStopped(company_id=company_id, campaign_id=campaign_id))
    for campaign_id, _ in expired:
        log.info("campaign_expired", campaign_id=campaign_id)
    return len(expired)


LOOPS = [Loop("begin", begin, every_s=1.0, woken_by=frozenset({"begin"})), Loop("expire", expire, every_s=5.0)]
