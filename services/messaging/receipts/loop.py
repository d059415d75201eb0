"""Receipts that could not be matched when they came: those whose answer was stored at the same moment, and those whose answer was lost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from libs.common import gsm
from libs.common.loop import Loop
from services.messaging.carriers.carrier import Part, Receipt
from services.messaging.receipts import store
from services.messaging.receipts.handlers import apply, parked_receipt
from services.messaging.routing.store import happened

if TYPE_CHECKING:
    from services.messaging.app import Messaging

ORPHANED_AFTER_S = (
    45.0  # every answer that could still bring its reference has come by then: submitting's lease and grace
)
PARKED_S = 7 * 24 * 3600.0  # the raw form stays
PARTS_S = 7 * 24 * 3600.0


async def match(app: Messaging) -> int:
    """Those that met their reference meanwhile. A part that was closed by it before stays as it is."""
    async with app.db.transaction() as tx:
        together: dict[int, list[Receipt]] = defaultdict(list)
        for row in await store.take_met(tx):
            together[row["carrier"]].append(parked_receipt(row))
        for carrier, receipts in sorted(together.items()):
            await apply(tx, carrier, receipts)
    return sum(map(len, together.values()))


async def adopt(app: Messaging) -> int:
    """A receipt whose answer was lost settles the one text in doubt that it can mean: of one part, to its number, by its carrier."""
    async with app.db.transaction() as tx:
        orphans = [row for row in await store.orphans(tx, ORPHANED_AFTER_S) if gsm.segments(row["body"]) == 1]
        for row in orphans:  # its part is known from now on: the same receipt again means it too
            part = Part(row["text_id"], row["number"], row["sender"], "", 0)
            await store.keep_parts(tx, row["carrier"], [(part, row["reference"])], None)
            parked = await store.take_parked(tx, row["carrier"], [row["reference"]])
            await apply(tx, row["carrier"], [parked_receipt(each) for each in parked])
        await happened(
            tx, [(r["text_id"], f"settled by receipt {r['reference']}: no other text it can mean") for r in orphans]
        )
    return 0


async def forget(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        await store.forget(tx, PARKED_S, PARTS_S)
    return 0


LOOPS = [
    Loop("match_receipts", match, every_s=1.0),
    Loop("adopt_receipts", adopt, every_s=10.0),
    Loop("forget_receipts", forget, every_s=3600.0),
]
