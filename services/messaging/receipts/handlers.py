"""Receipts (DLR), late answers and received texts (MO): what carriers bring in is stored before they are answered.

Owns the way from submitted to delivered, failed and expired. A receipt that names our own id is applied at once, also where it overtakes the answer;
any other is matched by carrier and reference, and parked until the answer that brings the reference is there. Monotonic: an end state is never left.
What a received text means is inbound's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import structlog

from libs.common import crash
from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.messaging import State
from libs.common.contracts.routing import ReplayReceipts
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.arrivals.handlers import keep_arrived
from services.messaging.carriers.carrier import (
    Arrived,
    Failure,
    LateAnswer,
    Part,
    Receipt,
    ReceiptStatus,
    Refused,
    Taken,
)
from services.messaging.connections.desk import Desk
from services.messaging.ledger.closing import close_each
from services.messaging.receipts import rules, store
from services.messaging.routing.rules import SLOW_S
from services.messaging.routing.store import happened
from services.messaging.suppressions.handlers import note_failed

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

ASK_AFTER_S = 900.0  # no receipt for so long: a carrier that can be asked is asked
REPLAY_BATCHES = 200  # raw batches a round


class Intake:
    """Where a carrier hands what comes in. What returns is committed; what raises will be handed over again."""

    def __init__(self, app: Messaging, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._carrier = desk.carrier.name

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Keeps the raw batch and closes the texts it ends, in one transaction; what is closed already stays as it is."""
        crash.point("receipts.read")
        async with self._app.db.transaction() as tx:
            closed = await take_receipts(tx, self._desk.id, self._carrier, batch)
        crash.point("receipts.committed")
        count_delivered(self._desk, closed)

    async def late_answers(self, batch: Sequence[LateAnswer]) -> None:
        """Settles what was in doubt only because the answer was late."""
        async with self._app.db.transaction() as tx:
            await _settle_late(tx, self._desk, batch)

    async def texts(self, batch: Sequence[Arrived]) -> None:
        crash.point("arrivals.read")
        async with self._app.db.transaction() as tx:
            await keep_arrived(tx, self._carrier, batch)
        crash.point("arrivals.committed")


async def take_receipts(tx: Tx, carrier: int, name: str, batch: Sequence[Receipt]) -> list[Record]:
    """Keeps them as they came and applies them; the texts that ended by it."""
    await store.keep_raw(tx, name, orjson.dumps([_raw(receipt) for receipt in batch]).decode())
    return await apply(tx, carrier, batch)


def count_delivered(desk: Desk, closed: Sequence[Record]) -> None:
    took_s = [
        (row["at"] - row["submitted_at"]).total_seconds()
        for row in closed
        if row["state"] == State.DELIVERED and row["submitted_at"] is not None
    ]
    desk.did(delivered=len(took_s), slow=sum(s > SLOW_S for s in took_s))


async def apply(tx: Tx, carrier: int, receipts: Sequence[Receipt]) -> list[Record]:
    """The texts that ended by them. Receipts with an unknown reference are parked."""
    final = [receipt for receipt in receipts if receipt.status in rules.END_OF]
    # Of several for one, the first counts.
    ends: dict[UUID, tuple[State, Receipt]] = {
        r.text_id: (rules.END_OF[r.status], r) for r in reversed(final) if r.text_id
    }
    by_reference = {receipt.reference: receipt for receipt in reversed(final) if receipt.text_id is None}
    if by_reference:
        ends |= await _by_reference(tx, carrier, by_reference)
    said = [(id_, state, receipt.error or "") for id_, (state, receipt) in ends.items()]
    closed = await close_each(tx, said, by_receipt=True)
    failed = [
        (row, ends[row["id"]][1].failure if row["state"] == State.FAILED else Failure.TEMPORARY)
        for row in closed
        if row["state"] != State.DELIVERED
    ]
    await note_failed(tx, failed)
    return closed


async def _by_reference(tx: Tx, carrier: int, receipts: Mapping[str, Receipt]) -> dict[UUID, tuple[State, Receipt]]:
    """What these receipts make of their texts; those of unknown parts are parked."""
    known = await store.known_parts(tx, carrier, receipts)
    if unknown := [receipt for reference, receipt in receipts.items() if reference not in known]:
        await store.park(tx, carrier, unknown)
    new = [(r, rules.END_OF[receipts[r].status]) for r, row in known.items() if row["state"] is None]
    if not new:
        return {}
    await store.lock_texts(tx, {known[reference]["text_id"] for reference, _ in new})
    await store.end_parts(tx, carrier, new)
    last = {known[reference]["text_id"]: receipts[reference] for reference, _ in new}
    verdicts = {
        row["text_id"]: rules.verdict(row["parts"], row["states"]) for row in await store.parts_of(tx, last.keys())
    }
    return {id_: (state, last[id_]) for id_, state in verdicts.items() if state is not None}


async def keep_taken(tx: Tx, desk: Desk, taken: Sequence[tuple[Part, str]]) -> None:
    """Remembers which part has which reference, and applies the receipts that came before."""
    if not taken:
        return
    await store.keep_parts(tx, desk.id, taken, ASK_AFTER_S if desk.carrier.capabilities.query else None)
    parked = await store.take_parked(tx, desk.id, [reference for _, reference in taken])
    if parked:
        await apply(tx, desk.id, [parked_receipt(row) for row in parked])


def parked_receipt(row: Record) -> Receipt:
    return Receipt(
        row["reference"],
        ReceiptStatus(row["status"]),
        row["at"],
        row["error"],
        failure=Failure(row["failure"]),
        number=row["number"],
    )


async def _settle_late(tx: Tx, desk: Desk, batch: Sequence[LateAnswer]) -> None:
    """A text of one part is settled by its answer. One of several is submitted once all its parts are known to be taken, and stays in doubt else."""
    taken = [(late, late.answer.reference) for late in batch if isinstance(late.answer, Taken)]
    refused = [late for late in batch if isinstance(late.answer, Refused)]
    whole = {late.text_id: reference for late, reference in taken if late.parts == 1}
    if desk.keeps_references:
        rows = await store.texts_of(tx, [late.text_id for late, _ in taken])
        parts = [
            (Part(late.text_id, row["number"], row["sender"], "", 0, late.part, late.parts, row["concat"] or 0), ref)
            for late, ref in taken
            if (row := rows.get(late.text_id)) is not None
        ]
        await keep_taken(tx, desk, parts)
        long = {late.text_id: reference for late, reference in taken if late.parts > 1}
        for row in await store.parts_of(tx, long.keys()) if long else []:
            if len(row["states"]) == row["parts"]:
                whole[row["text_id"]] = long[row["text_id"]]
    await store.submitted_if_in_doubt(tx, sorted(whole.items()))
    await happened(tx, [(late.text_id, "a late answer: taken") for late, _ in taken])
    await close_each(tx, [(late.text_id, State.REJECTED, late.answer.reason) for late in refused if late.parts == 1])  # type: ignore[union-attr]


def _raw(r: Receipt) -> list[Any]:
    return [r.text_id, r.reference, r.status, r.at, r.error, r.failure, r.number, r.raw]


def _receipt(item: Sequence[Any]) -> Receipt:
    text_id, reference, status, at, error, failure, number, raw = item
    return Receipt(
        reference,
        ReceiptStatus(status),
        datetime.fromisoformat(at),
        error,
        UUID(text_id) if text_id else None,
        failure=Failure(failure),
        raw=raw,
        number=number,
    )


async def replay(tx: Tx, ask: Asked[ReplayReceipts]) -> Done:
    """All in one transaction: the whole span or nothing."""
    order = ask.body
    carrier = await store.carrier_id(tx, order.carrier)
    if carrier is None:
        raise Refusal(Code.NOT_FOUND, "there is no such carrier")
    after = 0
    while rows := await store.raw(tx, order.carrier, order.since, order.until, after, REPLAY_BATCHES):
        await apply(tx, carrier, [_receipt(item) for row in rows for item in orjson.loads(row["items"])])
        after = rows[-1]["id"]
    return Done()
