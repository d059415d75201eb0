"""Doubts: what no answer came for is settled by asking the carrier, or by the policy of its class.

Owns the way from in_doubt back to the queue: one retry of a transactional text, where its company chose so and no process has a session any more in
which it could still be under way. Marketing is left alone until it ages out; a code expires with its life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Gauge

from libs.common.contracts.messaging import State
from libs.common.loop import Loop
from services.messaging.doubts import rules, store
from services.messaging.ledger.closing import close
from services.messaging.receipts.handlers import count_delivered, take_receipts
from services.messaging.routing.store import happened
from services.messaging.sending.rules import Lane

if TYPE_CHECKING:
    from services.messaging.app import Messaging

IN_DOUBT = Gauge("heliograph_texts_in_doubt", "Texts that a carrier may or may not have")
ASKS_MAX = 50  # of one carrier a round


async def settle_by_policy(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        await store.forget_settled(tx)
        await close(tx, await store.late_codes(tx), State.EXPIRED, "in doubt, and too late by now")
        # Each claim's session is gone by then: its lease, the answers' grace and the carrier's own limits lie within AGAIN_AFTER.
        again = [
            row["id"]
            for row in await store.retriable(tx, rules.AGAIN_AFTER)
            if rules.may_retry(Lane(row["lane"]), row["attempts"], app.retries_doubts(row["company_id"]))
        ]
        await store.retry(tx, again)
        await happened(tx, [(id_, "in doubt: tried once more, as its company chose") for id_ in again])
        IN_DOUBT.set(await store.count(tx))
    return 0


async def ask_carriers(app: Messaging) -> int:
    """Of parts without a receipt, and of those in doubt whose reference is known."""
    for desk in app.desks[:]:
        if not desk.carrier.capabilities.query or not desk.carrier.connected:
            continue
        async with app.db.transaction() as tx:
            due = await store.to_ask(tx, desk.id, ASKS_MAX)
            await store.ask_no_more(tx, desk.id, [row["reference"] for row in due if not row["open"]])
        asked = [(row["reference"], row["sender"]) for row in due if row["open"]]
        said = [receipt for receipt in await desk.carrier.query(asked) if receipt is not None] if asked else []
        if said:
            async with app.db.transaction() as tx:
                closed = await take_receipts(tx, desk.id, desk.carrier.name, said)
            count_delivered(desk, closed)
    return 0


POLICY = Loop("settle_doubts", settle_by_policy, every_s=5.0)
ASK = Loop("ask_carriers", ask_carriers, every_s=10.0)
