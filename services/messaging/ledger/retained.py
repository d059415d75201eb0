"""SQL of retention: the ledger's partitions, and what is pruned by its age."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from libs.common.db import Tx
from libs.common.db.pool import Record

if TYPE_CHECKING:
    import asyncpg

# This month's too: an installation that was stopped for long has it not yet.
PARTITIONS_AHEAD = "SELECT make_partition(now()), make_partition(now() + interval '1 month')"


async def make_partitions_ahead(tx: Tx) -> None:
    await tx.execute(PARTITIONS_AHEAD)


# How many texts a month has is the planner's estimate: to count them would read them all.
PARTITIONS = """
SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS month, greatest(c.reltuples, 0)::bigint AS texts, pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'texts'::regclass AND c.relname ~ '^texts_[0-9]{4}_[0-9]{2}$'
ORDER BY c.relname
"""


async def partitions(tx: Tx) -> list[Record]:
    return await tx.fetch(PARTITIONS)


ALONE = "SELECT pg_try_advisory_lock(hashtext('heliograph.retention'))"
LOCK_LIMIT = "SET lock_timeout = '10s'"
ATTACHED = """
SELECT c.relname AS name, i.inhdetachpending AS pending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'texts'::regclass AND c.relname ~ '^texts_[0-9]{4}_[0-9]{2}$' AND right(c.relname, 7) < to_char($1::date, 'YYYY_MM')
ORDER BY c.relname
"""
DETACHED = """
SELECT relname AS name FROM pg_class
WHERE relkind = 'r' AND NOT relispartition AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'texts'::regclass)
    AND relname ~ '^texts_[0-9]{4}_[0-9]{2}$' AND right(relname, 7) < to_char($1::date, 'YYYY_MM')
"""


async def alone(connection: asyncpg.Connection) -> bool:
    """Whether no other copy is at it; until the connection is closed."""
    await connection.execute(LOCK_LIMIT)
    mine: bool = await connection.fetchval(ALONE)
    return mine


async def detach_before(connection: asyncpg.Connection, first: date) -> list[str]:
    """The names of partitions of earlier months, which are none any more. One that was left half detached is finished."""
    names = []
    for row in await connection.fetch(ATTACHED, first):
        how = "FINALIZE" if row["pending"] else "CONCURRENTLY"
        await connection.execute(f'ALTER TABLE texts DETACH PARTITION "{row["name"]}" {how}')
        names.append(row["name"])
    return names


# What its texts used stays known for the books; then it is gone.
KEEP_PARTS = """
INSERT INTO dropped_parts AS d (campaign_id, parts)
SELECT campaign_id, sum(taken) FROM "{name}" WHERE campaign_id IS NOT NULL AND NOT test GROUP BY 1 HAVING sum(taken) > 0
ON CONFLICT (campaign_id) DO UPDATE SET parts = d.parts + excluded.parts
"""


async def drop_before(connection: asyncpg.Connection, first: date) -> list[tuple[str, int]]:
    """What was detached, with how many texts were in it."""
    gone = []
    for row in await connection.fetch(DETACHED, first):
        name = row["name"]
        async with connection.transaction():
            await connection.execute(KEEP_PARTS.format(name=name))
            texts = await connection.fetchval(f'SELECT count(*) FROM "{name}"')  # noqa: S608  a name of the catalogue
            await connection.execute(f'DROP TABLE "{name}"')
        gone.append((name, texts))
    return gone


# Only the oldest are looked at, by the key, which rises with time: none of a table is read because nothing in it is old enough.
RAW_RECEIPTS = """
DELETE FROM raw_receipts WHERE id IN (SELECT id FROM (SELECT id, at FROM raw_receipts ORDER BY id LIMIT $2) AS first
    WHERE at < clock_timestamp() - make_interval(days => $1))
"""
RAW_ARRIVALS = """
DELETE FROM raw_arrivals WHERE id IN (SELECT id FROM (SELECT id, at FROM raw_arrivals ORDER BY id LIMIT $2) AS first
    WHERE at < clock_timestamp() - make_interval(days => $1))
"""
RAW_CALLBACKS = """
DELETE FROM raw_callbacks WHERE id IN (SELECT id FROM (SELECT id, at, done_at FROM raw_callbacks ORDER BY id LIMIT $2) AS first
    WHERE at < clock_timestamp() - make_interval(days => $1) AND done_at IS NOT NULL)
"""
HAPPENINGS = """
DELETE FROM happenings WHERE ctid = ANY(ARRAY(SELECT ctid FROM happenings WHERE at < clock_timestamp() - make_interval(days => $1) LIMIT $2))
"""


async def prune(tx: Tx, sql: str, days: int, limit: int) -> int:
    """How many rows went."""
    return int((await tx.execute(sql, days, limit)).removeprefix("DELETE "))


RECEIVED = """
DELETE FROM inbound_texts WHERE id IN (SELECT id FROM inbound_texts WHERE id < uuid7_floor($1::timestamp AT TIME ZONE 'UTC') ORDER BY id LIMIT $2)
"""


async def prune_received(tx: Tx, first: date, limit: int) -> int:
    """The other side of conversations goes with the texts of its month."""
    return int((await tx.execute(RECEIVED, first, limit)).removeprefix("DELETE "))
