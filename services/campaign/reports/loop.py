"""Sums up spans of recipients, so that how far a campaign is can be told without counting a million rows.

Owns `tallies`. A tally is only ever true: it sums final ends, and names those that have none yet, which are looked up. It is written anew until none are:
by one statement, which needs no transaction around it.
"""

from __future__ import annotations

from typing import Any

from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.reports import store

ENDED_LOOKED_AT = 100  # the newest; what ended late of an older one is looked up at each read


async def tally(app: Kernel[Any]) -> int:
    """Of campaigns that run."""
    async with app.db.reading() as tx:
        await store.tally(tx, await store.untallied_of_running(tx))
    return 0  # the rest at the next poll


async def tally_ended(app: Kernel[Any]) -> int:
    """Of campaigns that were over before the last of their texts had its end."""
    async with app.db.reading() as tx:
        await store.tally(tx, await store.untallied_of_ended(tx, ENDED_LOOKED_AT))
    return 0


LOOPS = [Loop("tally", tally, every_s=1.0), Loop("tally_ended", tally_ended, every_s=30.0)]
