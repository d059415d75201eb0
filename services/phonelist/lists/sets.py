"""Whole lists against each other, by statements over a part of one at a time, so that none takes long. The caller holds the list that is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from libs.common.db import Tx
from services.phonelist.entries import OTHER_LIST

PART = 100_000  # entries: a second or two of the thirty that a statement has

COUNT = "SELECT count(*) FROM entries WHERE list_id = $1::bigint"


async def size(tx: Tx, list_id: int) -> int:
    count: int = await tx.fetchval(COUNT, list_id)
    return count


PART_END = """
SELECT coalesce(
    (SELECT id FROM entries WHERE list_id = $1::bigint AND id > $2 ORDER BY id OFFSET $3 - 1 LIMIT 1),
    (SELECT max(id) FROM entries WHERE list_id = $1::bigint AND id > $2)
)
"""


async def _parts(tx: Tx, list_id: int) -> AsyncIterator[tuple[int, int]]:
    """Ranges of the list's keys, after the first to the second, with up to PART entries each."""
    after = 0
    while (end := await tx.fetchval(PART_END, list_id, after, PART)) is not None:
        yield after, end
        after = end


ADD_FROM = f"""
WITH part AS MATERIALIZED (
    SELECT number, {OTHER_LIST} FROM entries WHERE list_id = $2::bigint AND id > $3 AND id <= $4 ORDER BY id
), added AS (
    INSERT INTO entries (list_id, number, {OTHER_LIST}) SELECT $1, number, {OTHER_LIST} FROM part
    ON CONFLICT (list_id, number) DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM added) AS added, (SELECT count(*) FROM part) AS seen
"""  # noqa: S608


async def add_from(tx: Tx, list_id: int, from_id: int) -> tuple[int, int]:
    """Adds the entries of another list in its order; how many were new, and how many not."""
    added = seen = 0
    async for part in _parts(tx, from_id):
        row = await tx.fetchrow(ADD_FROM, list_id, from_id, *part)
        assert row is not None
        added, seen = added + row["added"], seen + row["seen"]
    return added, seen - added


REMOVE_HELD = """
DELETE FROM entries e
WHERE list_id = $1::bigint AND id > $3 AND id <= $4
    AND EXISTS (SELECT FROM entries held WHERE held.list_id = $2::bigint AND held.number = e.number)
"""


async def remove_held_by(tx: Tx, list_id: int, other_id: int) -> int:
    """Removes what the other list holds too; how many that were."""
    removed = 0
    async for part in _parts(tx, list_id):
        removed += int((await tx.execute(REMOVE_HELD, list_id, other_id, *part)).split()[-1])
    return removed
