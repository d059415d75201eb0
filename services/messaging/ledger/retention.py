"""Retention: old months of the ledger leave by dropping their partitions, and next month's is made ahead; what is kept beside them goes by its age.

Owns the partitions. One copy at a time looks, on a connection of its own, for a month leaves without waiting for anybody or being waited for: it is
detached first, which locks out nobody, and dropped when nothing can see it any more. A step that is killed is taken up where it stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import structlog

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.messaging import LedgerMonth, ReadRetention, Retention
from libs.common.db import Tx
from libs.common.loop import Loop
from services.messaging.ledger import retained

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

EVERY_S = 6 * 3600.0
LIMIT_S = 3600.0  # a month of a big ledger is summed up and taken off the disk in minutes
PRUNED_MAX = 5_000  # rows a transaction: a backlog must not be one long one


@dataclass(frozen=True, slots=True)
class Kept:
    """`months`: whole ones of the ledger, beside the current one. `raw_days`: of what carriers sent, as they sent it."""

    months: int
    raw_days: int


def oldest(kept: Kept, today: date) -> date:
    """The first month that stays."""
    return months_after(today, -kept.months)


def months_after(day: date, months: int) -> date:
    """The first day of the month that is so many after that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


async def keep_partitions(app: Messaging) -> int:
    """Makes next month's part of the ledger ahead (there is no default one), and lets the old ones go."""
    async with app.db.transaction() as tx:
        await retained.make_partitions_ahead(tx)
    connection = await app.db.direct()
    try:
        if await retained.alone(connection):
            first = oldest(app.kept, now().date())
            for name in await retained.detach_before(connection, first):
                log.info("month_detached", partition=name)
            for name, texts in await retained.drop_before(connection, first):
                log.info("month_dropped", partition=name, texts=texts)
    finally:
        await connection.close()
    return 0


async def prune(app: Messaging) -> int:
    for what in (retained.RAW_RECEIPTS, retained.RAW_ARRIVALS, retained.RAW_CALLBACKS, retained.HAPPENINGS):
        await _prune(app, lambda tx, sql=what: retained.prune(tx, sql, app.kept.raw_days, PRUNED_MAX))  # type: ignore[misc]
    first = oldest(app.kept, now().date())
    await _prune(app, lambda tx: retained.prune_received(tx, first, PRUNED_MAX))
    return 0


async def _prune(app: Messaging, some: Callable[[Tx], Awaitable[int]]) -> None:
    gone = 1
    while gone:
        async with app.db.transaction() as tx:
            gone = await some(tx)


async def read_retention(tx: Tx, ask: Asked[ReadRetention]) -> Retention:
    kept: Kept = tx.app.kept
    months = [
        LedgerMonth(
            month=row["month"],
            texts=row["texts"],
            bytes=row["bytes"],
            goes_on=months_after(row["month"], kept.months + 1),
        )
        for row in await retained.partitions(tx)
    ]
    return Retention(kept_months=kept.months, raw_kept_days=kept.raw_days, months=months)


LOOPS = [
    Loop("keep_partitions", keep_partitions, EVERY_S, limit_s=LIMIT_S),
    Loop("prune_raw", prune, EVERY_S, limit_s=LIMIT_S),
]
