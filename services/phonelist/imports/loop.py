"""Old imports: removes those that nobody finished within a day and those that were finished a month ago, one a step."""

from __future__ import annotations

from typing import Any

from libs.common.loop import Loop
from libs.common.service import Kernel
from services.phonelist.imports import store


async def step(kernel: Kernel[Any]) -> int:
    async with kernel.db.transaction() as tx:
        return await store.remove_old(tx)


sweep = Loop("remove_old_imports", step, every_s=600)
