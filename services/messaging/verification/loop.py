"""What verification does by itself: looks for prefixes whose codes nobody uses, ends what is over, forgets what is old.

Owns the alarms. Raising one says so once, in the log and in a metric; it refuses nothing by itself (limits.py, handlers.py).
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from prometheus_client import Gauge

from libs.common.loop import Loop
from services.messaging.app import Messaging
from services.messaging.verification import limits, store

log = structlog.get_logger()

KEEP = timedelta(days=30)  # for questions about who was verified when; the ledger keeps the texts
SWEEP_MAX = 2_000

ALARMS = Gauge("heliograph_verification_alarms", "Prefixes whose codes are sent but not used")


async def watch(app: Messaging) -> int:
    """Raises alarms and clears those that are over; one copy at a time looks, each shows how many there are."""
    async with app.db.transaction() as tx:
        if await store.one_watches(tx):
            rows = await store.traffic(tx, codes_min=limits.ALARM_CODES_MIN)
            bad = [row for row in rows if limits.is_alarming(row["codes"], row["used"])]
            refusable = [limits.is_refusable(row["codes"], row["used"]) for row in bad]
            alarmed = [(row["company_id"], row["prefix"], worse) for row, worse in zip(bad, refusable, strict=True)]
            raised, cleared = await store.keep_alarms(tx, alarmed)
            for row in bad:
                if (row["company_id"], row["prefix"]) in raised:
                    told = {name: row[name] for name in ("company_id", "prefix", "codes", "used", "texts")}
                    log.warning("verification_codes_unused", **told)
            for row in cleared:
                log.info("verification_codes_used_again", company_id=row["company_id"], prefix=row["prefix"])
        ALARMS.set(await store.alarms(tx))
    return 0


async def sweep(app: Messaging) -> int:
    """Ends those whose life is over, and removes what is of no more use."""
    async with app.db.transaction() as tx:
        return await store.expire_overdue(tx, SWEEP_MAX) + await store.prune(tx, KEEP, SWEEP_MAX)


LOOPS = [Loop("watch_verifications", watch, every_s=30.0), Loop("sweep_verifications", sweep, every_s=60.0)]
