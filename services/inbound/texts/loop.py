"""What was stored before we heard whose its header is, as if it came now: texts go to their company, wishes that are everybody's are obeyed.

Owns no rows. Never gives a text to a shared number to anybody: that is decided when it comes in. Answers nothing: it is too late for that.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from libs.common.contracts.base import ITEMS_MAX
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.inbound.optouts.handlers import hear, obey
from services.inbound.optouts.policies import parties
from services.inbound.texts import rules, store
from services.inbound.texts.handlers import headers_of, whose
from services.inbound.texts.store import Unheard


async def claim_step(kernel: Kernel[Any]) -> int:
    async with kernel.db.transaction() as tx:
        texts = await store.lock_unclaimed(tx)
        headers = await headers_of(tx, texts)
        owners = await whose(tx, texts, headers)
        readings = rules.readings(texts, owners, headers)
        await store.claim_unclaimed(tx, owners, readings)
        for received in rules.announcements(texts, owners):
            tx.emit(received)
        await obey(tx, rules.said(texts, owners, readings), headers)
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
            if wished:
                [party] = [
                    one for one in (await parties(tx, [header.key]))[header.key] if one.company_id == header.company_id
                ]
                await hear(tx, wished, party)
            if len(wished) < ITEMS_MAX and header.complete:
                await store.set_heard(tx, header)
        heard += len(wished)
        if len(wished) < ITEMS_MAX:
            return heard
        after = wished[-1].id


claim = Loop("claim_unclaimed", claim_step, every_s=30, woken_by=frozenset({"headers"}))
hearing = Loop("hear_wishes", hear_step, every_s=30, woken_by=frozenset({"headers"}))
