"""Receipts (DLR), late answers and received texts (MO): what carriers bring in is stored before they are answered.

Owns the way from submitted to delivered, failed and expired. A receipt names our own id where the carrier gives it back, so one that overtakes the
answer is applied at once. Monotonic: an end state is never left. What a received text means is inbound's business.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import structlog

from libs.common import crash
from libs.common.contracts.messaging import State
from libs.common.db import Database
from services.messaging.arrivals.handlers import keep_arrived
from services.messaging.carriers.carrier import Arrived, LateAnswer, Receipt, ReceiptStatus, Refused, Taken
from services.messaging.ledger.closing import close_each
from services.messaging.receipts import store

log = structlog.get_logger()

END_OF = {
    ReceiptStatus.DELIVERED: State.DELIVERED,
    ReceiptStatus.FAILED: State.FAILED,
    ReceiptStatus.EXPIRED: State.EXPIRED,
}


class Intake:
    """Where a carrier hands what comes in. What returns is committed; what raises will be handed over again."""

    def __init__(self, db: Database, carrier: str) -> None:
        self._db = db
        self._carrier = carrier

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Keeps the raw batch and closes the texts it ends, in one transaction; what is closed already stays as it is."""
        crash.point("receipts.read")
        raw = [[r.text_id, r.reference, r.status, r.at, r.error] for r in batch]
        ends = {r.text_id: (END_OF[r.status], r.error or "") for r in batch if r.text_id and r.status in END_OF}
        async with self._db.transaction() as tx:
            await store.keep_raw(tx, self._carrier, orjson.dumps(raw).decode())
            closed = await close_each(tx, [(id_, state, reason) for id_, (state, reason) in ends.items()])
        crash.point("receipts.committed")
        if closed < len(batch):
            log.info("receipts_without_effect", carrier=self._carrier, count=len(batch) - closed)

    async def late_answers(self, batch: Sequence[LateAnswer]) -> None:
        """Settles what was in doubt only because the answer was late."""
        taken = [(late.text_id, late.answer.reference) for late in batch if isinstance(late.answer, Taken)]
        refused = [(late.text_id, late.answer.reason) for late in batch if isinstance(late.answer, Refused)]
        async with self._db.transaction() as tx:
            await store.submitted_if_in_doubt(tx, taken)
            await close_each(tx, [(id_, State.REJECTED, reason) for id_, reason in refused])

    async def texts(self, batch: Sequence[Arrived]) -> None:
        crash.point("arrivals.read")
        async with self._db.transaction() as tx:
            await keep_arrived(tx, self._carrier, batch)
        crash.point("arrivals.committed")
