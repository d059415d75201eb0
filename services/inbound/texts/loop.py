"""What was stored before we heard whose its header is, as if it came now: texts go to their company, wishes to a shared number are obeyed.

Owns no rows. Never gives a text to a shared number to anybody: that is decided when it comes in, by its keyword.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from libs.common.contracts.base import ITEMS_MAX
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.inbound.optouts.handlers import obey
from services.inbound.texts import rules, store
from services.inbound.texts.handlers import whose
from services.inbound.texts.store import Unheard


async def claim_step(kernel: Kernel[Any]) -> int:
    async with kernel.db.transaction() as tx:
        texts = await store.lock_unclaimed(tx)
        owners = await whose(tx, texts)
        await store.claim_unclaimed(tx, owners)
        for received in rules.announcements(texts, owners):
            tx.emit(received)
        await obey(tx, rules.wishes_in(texts, owners, {}))
    return len(owners)


async def hear_step(kernel: Kernel[Any]) -> int:
    async with kernel.db.transaction() as tx:
        unheard = await store.unheard(tx)
    return sum([await _hear(kernel, header) for header in unheard])


async def _hear(kernel: Kernel[Any], header: Unheard) -> int:
    """Obeys the wishes that one more company of a shared number has not heard, page by page; how many there were."""
    heard, after = 0, UUID(int=0)
    while True:
        async with kernel.db.transaction() as tx:
            if not await store.lock_unheard(tx, header):
                return heard  # another copy is at it
            wished = await store.unheard_wishes(tx, header, after)
            await obey(tx, wished)
            if len(wished) < ITEMS_MAX and header.complete:
                await store.set_heard(tx, header)
        heard += len(wished)
        if len(wished) < ITEMS_MAX:
            return heard
        after = wished[-1].text_id


claim = Loop("claim_unclaimed", claim_step, every_s=30, woken_by=frozenset({"headers"}))
hear = Loop("hear_wishes", hear_step, every_s=30, woken_by=frozenset({"headers"}))
