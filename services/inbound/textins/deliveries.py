"""The rows of what webhooks shall have. Owns `deliveries`; reads where to and with which secret from `text_ins`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

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
    text_in_id: int
    url: str
    secret: str
    body: str
    attempts: int
    created_at: datetime


CLAIM = """
-- Of each webhook as many as it has not under way from here ($3), so that one that is slow keeps nobody's waiting. What is claimed comes again after
-- the lease: its worker is dead.
WITH due AS (
    SELECT d.id, t.webhook_url, t.webhook_secret
    FROM (SELECT id, webhook_url, webhook_secret FROM text_ins WHERE webhook_url <> '' ORDER BY random()) t CROSS JOIN LATERAL (
        SELECT id FROM deliveries WHERE text_in_id = t.id AND ended_at IS NULL AND next_attempt_at <= clock_timestamp()
        ORDER BY next_attempt_at LIMIT greatest(0, $2 - coalesce(($3::jsonb ->> t.id::text)::int, 0))
        FOR UPDATE SKIP LOCKED
    ) d LIMIT $1
)
UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $4)
FROM due WHERE deliveries.id = due.id
RETURNING deliveries.id, text_in_id, webhook_url AS url, webhook_secret AS secret, body, attempts, created_at
"""


async def claim(tx: Tx, limit: int, of_each: int, under_way: Mapping[int, int], lease_s: float) -> list[Delivery]:
    """`under_way`: how many of each text-in this process has already."""
    busy = orjson.dumps(under_way, option=orjson.OPT_NON_STR_KEYS).decode()
    return [Delivery(**row) for row in await tx.fetch(CLAIM, limit, of_each, busy, lease_s)]


# A worker whose lease passed says nothing more: the attempt that followed does.
REMOVE = "DELETE FROM deliveries d USING unnest($1::uuid[], $2::int[]) AS ours(id, attempts) WHERE d.id = ours.id AND d.attempts = ours.attempts"


async def remove_those_still_ours(tx: Tx, some: Sequence[Delivery]) -> None:
    ours = sorted((one.id, one.attempts) for one in some)
    await tx.execute(REMOVE, [id_ for id_, _ in ours], [attempts for _, attempts in ours])


@dataclass(frozen=True, slots=True)
class Failed:
    """`again_at` None: it is given up."""

    delivery: Delivery
    error: str
    again_at: datetime | None


SET_FAILED = """
UPDATE deliveries d SET error = ours.error, next_attempt_at = coalesce(again_at, next_attempt_at),
    ended_at = CASE WHEN again_at IS NULL THEN clock_timestamp() END
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[]) AS ours(id, attempts, error, again_at)
WHERE d.id = ours.id AND d.attempts = ours.attempts AND d.ended_at IS NULL
"""


async def set_failed_those_still_ours(tx: Tx, some: Sequence[Failed]) -> None:
    rows = [(one.delivery.id, one.delivery.attempts, one.error, one.again_at) for one in some]
    await tx.execute(SET_FAILED, *zip(*sorted(rows, key=lambda row: row[0]), strict=True))


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
