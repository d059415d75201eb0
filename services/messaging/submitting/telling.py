"""Tells campaign, several times a second, how far its texts have left the queue: it hands over by that, not by receipts, which may take hours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from libs.common.bus.consume import tell
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.messaging import CampaignsClaimed, ClaimedTo
from libs.common.db.pool import Record
from libs.common.loop import Loop

if TYPE_CHECKING:
    from services.messaging.app import Messaging

CLAIMED = "claimed"
TELL_EVERY_S = 0.1  # a thousand recipients at the 10,000 a second that we aim for


def note(app: Messaging, carrier: int, claimed: Iterable[Record]) -> None:
    """Of each campaign any of what was claimed: a claim is a few hundred neighbours."""
    for campaign_id, position in {row["campaign_id"]: row["position"] for row in claimed}.items():
        if campaign_id is not None:
            app.claimed[campaign_id, carrier] = max(position, app.claimed.get((campaign_id, carrier), 0))


async def tell_claimed(app: Messaging) -> int:
    if app.claimed:
        items = [ClaimedTo(campaign_id=id_, carrier=carrier, position=at) for (id_, carrier), at in app.claimed.items()]
        app.claimed.clear()
        for start in range(0, len(items), ITEMS_MAX):
            await tell(app.bus, CampaignsClaimed(items=items[start : start + ITEMS_MAX]))
        await asyncio.sleep(TELL_EVERY_S)  # every claim wakes this loop: they are told together
    return 0


TELL = Loop("tell_claimed", tell_claimed, every_s=2.0, woken_by=frozenset({CLAIMED}))
