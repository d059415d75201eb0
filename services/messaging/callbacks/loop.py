"""Reads stored callbacks and hands on what they say; each is done in the transaction that applies it.

What cannot be read is kept with its trouble and counted, and takes nothing along: where a batch fails, its callbacks are tried one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

from libs.common.db import AWAY, Tx
from libs.common.db.pool import Record
from libs.common.loop import Loop
from services.messaging.arrivals.handlers import keep_arrived
from services.messaging.callbacks import store
from services.messaging.callbacks.handlers import called_back
from services.messaging.callbacks.store import Waiting
from services.messaging.carriers.carrier import Arrived, Receipt
from services.messaging.connections.desk import Desk
from services.messaging.receipts.handlers import count_delivered, take_receipts

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

CALLBACKS_A_ROUND = 200
TROUBLE_CHARACTERS_MAX = 500
READ = Counter("heliograph_callbacks_total", "Stored callbacks that were read", ["carrier", "outcome"])

Closed = list[tuple[Desk, list[Record]]]


async def read(app: Messaging) -> int:
    """One round: as many as there are, up to CALLBACKS_A_ROUND."""
    try:
        async with app.db.transaction() as tx:
            waiting = await store.lock_waiting(tx, CALLBACKS_A_ROUND)
            troubles, closed = await _apply(tx, app, waiting)
    except AWAY:
        raise
    except Exception as error:  # one of them cannot be applied: it must not keep the others
        log.warning("callbacks_one_by_one", error=repr(error))
        return await _one_by_one(app)
    _count(waiting, troubles, closed)
    return len(waiting)


async def _one_by_one(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        waiting = await store.lock_waiting(tx, CALLBACKS_A_ROUND)
        for one in waiting:
            try:
                async with tx.savepoint():
                    troubles, closed = await _apply(tx, app, [one])
            except AWAY:
                raise
            except Exception as error:
                troubles, closed = [f"not applied: {error!r}"[:TROUBLE_CHARACTERS_MAX]], []
                await store.done(tx, [one.id], troubles)
            _count([one], troubles, closed)
    return len(waiting)


async def _apply(tx: Tx, app: Messaging, waiting: Sequence[Waiting]) -> tuple[list[str], Closed]:
    """The trouble of each ('' where there is none), and what its receipts closed."""
    troubles: list[str] = []
    by_carrier: dict[str, tuple[Desk, list[Receipt], list[Arrived]]] = {}
    for one in waiting:
        found = called_back(app.desks, one.carrier)
        if found is None:
            troubles.append("no such carrier")
            continue
        desk, carrier = found
        try:
            said = carrier.read(one.callback)
        except ValueError as error:
            troubles.append(str(error)[:TROUBLE_CHARACTERS_MAX].replace("\x00", "") or "cannot be read")
            continue
        _, receipts, texts = by_carrier.setdefault(one.carrier, (desk, [], []))
        receipts.extend(said.receipts)
        texts.extend(said.texts)
        troubles.append("")
    closed: Closed = []
    for name, (desk, receipts, texts) in by_carrier.items():
        if receipts:
            closed.append((desk, await take_receipts(tx, desk.id, name, receipts)))
        if texts:
            await keep_arrived(tx, name, texts)
    if waiting:
        await store.done(tx, [one.id for one in waiting], troubles)
    return troubles, closed


def _count(waiting: Sequence[Waiting], troubles: Sequence[str], closed: Closed) -> None:
    for one, trouble in zip(waiting, troubles, strict=True):
        READ.labels(one.carrier, "trouble" if trouble else "read").inc()
        if trouble:
            log.warning("callback_not_read", carrier=one.carrier, callback=str(one.id))
    for desk, records in closed:
        count_delivered(desk, records)


LOOPS = [Loop("read_callbacks", read, every_s=5.0, woken_by=frozenset({"callbacks"}))]
