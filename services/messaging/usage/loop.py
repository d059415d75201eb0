"""Usage is summed up by itself: entries, of which each claim makes some, become the months that are read and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libs.common.loop import Loop
from services.messaging.usage import store

if TYPE_CHECKING:
    from services.messaging.app import Messaging

SUMMED_MAX = 5_000  # entries a transaction: some 20 ms


async def sum_up(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        moved = await store.sum_up(tx, SUMMED_MAX)
    return moved if moved == SUMMED_MAX else 0  # a few wait for the next round, so that they are summed up together


LOOPS = [Loop("sum_up_usage", sum_up, every_s=10.0)]
