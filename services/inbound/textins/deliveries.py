"""The rows of what webhooks shall have. Owns `deliveries`; reads where to and with which secret from `text_ins`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.contracts.textins import DELIVERIES_PAGE_MAX, DeadDeliveries, DeadDelivery, ListDeadDeliveries
from libs.common.db import Tx
from libs.common.ids import uuid7
from services.inbound.textins import webhooks
from services.inbound.textins.rules import Claimed

INSERT = """
INSERT INTO deliveries (id, company_id, text_in_id, text_id, body)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[])
"""


async def insert(tx: Tx, texts: Sequence[Claimed]) -> None:
    rows = [(uuid7(), text.company_id, text.text_in_id, text.id, webhooks.body_of(text)) for text in texts]
    await tx.execute(INSERT, *zip(*rows, strict=True))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. `attempts`: with this one."""

    id: UUID
    url: str
    secret: str
    body: str
    attempts: int
    created_at: datetime


CLAIM = """
-- Of each webhook a few, so that one that is slow keeps nobody's waiting. What is claimed comes again after the lease: its worker is dead.
WITH due AS (
    SELECT d.id, t.webhook_url, t.webhook_secret
    FROM (SELECT id, webhook_url, webhook_secret FROM text_ins WHERE webhook_url <> '' ORDER BY random()) t CROSS JOIN LATERAL (
        SELECT id FROM deliveries WHERE text_in_id = t.id AND ended_at IS NULL AND next_attempt_at <= clock_timestamp()
        ORDER BY next_attempt_at LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) d LIMIT $1
)
UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
FROM due WHERE deliveries.id = due.id
RETURNING deliveries.id, webhook_url AS url, webhook_secret AS secret, body, attempts, created_at
"""


async def claim(tx: Tx, limit: int, of_each: int, lease_s: float) -> list[Delivery]:
    return [Delivery(**row) for row in await tx.fetch(CLAIM, limit, of_each, lease_s)]


# A worker whose lease passed says nothing more: the attempt that followed does.
REMOVE = "DELETE FROM deliveries WHERE id = $1 AND attempts = $2"


async def remove_if_still_ours(tx: Tx, delivery: Delivery) -> None:
    await tx.execute(REMOVE, delivery.id, delivery.attempts)


SET_FAILED = """
UPDATE deliveries SET error = $3, next_attempt_at = coalesce($4, next_attempt_at), ended_at = CASE WHEN $4 IS NULL THEN clock_timestamp() END
WHERE id = $1 AND attempts = $2 AND ended_at IS NULL
"""


async def set_failed_if_still_ours(tx: Tx, delivery: Delivery, error: str, again_at: datetime | None) -> None:
    """`again_at` None: it is given up."""
    await tx.execute(SET_FAILED, delivery.id, delivery.attempts, error, again_at)


# What is left of a webhook that was taken away is nobody's to have; the dead are told of for 30 days.
FORGET = """
DELETE FROM deliveries WHERE id IN (
    (SELECT id FROM deliveries WHERE ended_at < clock_timestamp() - interval '30 days' LIMIT $1)
    UNION ALL
    (SELECT d.id FROM deliveries d JOIN text_ins t ON t.id = d.text_in_id WHERE t.webhook_url = '' AND d.ended_at IS NULL LIMIT $1))
"""


async def forget(tx: Tx, limit: int) -> int:
    return int((await tx.execute(FORGET, limit)).split()[-1])


READ_NOW = "SELECT clock_timestamp()"


async def now(tx: Tx) -> datetime:
    at: datetime = await tx.fetchval(READ_NOW)
    return at


READ_DEAD = """
SELECT id, text_in_id, text_id, attempts, error, created_at, ended_at FROM deliveries
WHERE company_id = $1 AND ended_at IS NOT NULL AND id > $2 ORDER BY id LIMIT $3
"""


async def dead(tx: Tx, company_id: int, asked: ListDeadDeliveries) -> DeadDeliveries:
    limit = min(asked.limit, DELIVERIES_PAGE_MAX)
    rows = await tx.fetch(READ_DEAD, company_id, asked.after or UUID(int=0), limit + 1)
    return DeadDeliveries(items=[DeadDelivery(**row) for row in rows[:limit]], more=len(rows) > limit)
