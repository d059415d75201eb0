"""Long texts whose parts do not all come: after WAIT_S what there is, in order, is announced as incomplete. And what is a day old is forgotten.

Owns no rows of its own; holds a text's key as handlers.py does, so a part that comes in this moment is in it or late, never lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libs.common.loop import Loop
from services.messaging.arrivals import rules, store
from services.messaging.arrivals.handlers import announce

if TYPE_CHECKING:
    from services.messaging.app import Messaging


async def give_up_step(app: Messaging) -> int:
    async with app.db.reading() as tx:
        overdue = await store.overdue(tx)
    for carrier, keys in overdue.items():
        async with app.db.transaction() as tx:
            await store.lock(tx, carrier, keys)
            known = await store.assemblies(tx, carrier, keys)
            waited = rules.waited_in_vain(known, await store.now(tx))
            await store.set_announced(tx, [assembly.text for assembly in waited])
            announce(tx, [rules.joined(carrier, assembly) for assembly in waited])
    return sum(map(len, overdue.values()))


async def forget_step(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        return await store.forget(tx)


LOOPS = (Loop("incomplete_texts", give_up_step, every_s=5), Loop("forget_arrivals", forget_step, every_s=60))
