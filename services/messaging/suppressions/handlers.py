"""Suppressions: the opt-outs that sending obeys. Inbound decides what a STOP is; this is where it takes effect.

From the commit of `stopped` on, no claim takes a text to that number; what was claimed is looked at once more just before the write.
"""

from __future__ import annotations

from libs.common import crash
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped
from libs.common.contracts.messaging import State
from libs.common.db import Tx
from services.messaging.ledger.closing import close
from services.messaging.suppressions import store


async def stopped(tx: Tx, event: ContactsStopped) -> None:
    """Opts the numbers out and ends what is queued to them singly; a campaign's are suppressed by the claim that meets them."""
    numbers = await store.apply_if_newer(tx, event.company_id, True, event.items)
    await close(tx, await store.queued_singles_to(tx, event.company_id, numbers), State.SUPPRESSED, "opted out")
    crash.point("stop.applied")


async def reinstated(tx: Tx, event: ContactsReinstated) -> None:
    await store.apply_if_newer(tx, event.company_id, False, event.items)
