"""What the guard against repetition counted more than an hour ago is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libs.common.loop import Loop
from services.messaging.policies import store

if TYPE_CHECKING:
    from services.messaging.app import Messaging

FORGOTTEN_MAX = 5_000  # a step


async def forget_step(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        return await store.prune_repetitions(tx, FORGOTTEN_MAX)


LOOPS = [Loop("forget_repetitions", forget_step, every_s=60.0)]
