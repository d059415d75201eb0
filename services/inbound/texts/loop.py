"""Unclaimed texts: gives those that came before we heard whose their header is to its company, as if they came now."""

from __future__ import annotations

from typing import Any

from libs.common.loop import Loop
from libs.common.service import Kernel
from services.inbound.texts import store
from services.inbound.texts.handlers import tell, whose


async def step(kernel: Kernel[Any]) -> int:
    async with kernel.db.transaction() as tx:
        texts = await store.lock_unclaimed(tx)
        owners = await whose(tx, texts)
        await store.claim_unclaimed(tx, owners)
        await tell(tx, [text for text in texts if text.id in owners], owners)
    return len(owners)


claim = Loop("claim_unclaimed", step, every_s=30, woken_by=frozenset({"headers"}))
