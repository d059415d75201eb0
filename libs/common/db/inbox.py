"""The inbox: what a service has already done, by the id of what asked for it, written in the transaction of its effect.

An event id is remembered a consumer; a command's id with its answer, so that a repeat after a lost reply gets the same answer and changes
nothing. Kept longer than anything can be redelivered or replayed (`KEEP_DAYS`); pruned by the kernel's own loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.db.pool import Tx

KEEP_DAYS = 14

INBOX_TABLES = """
CREATE TABLE IF NOT EXISTS inbox (
    id uuid PRIMARY KEY,
    answer bytea,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS inbox_at ON inbox USING brin (at);
CREATE TABLE IF NOT EXISTS suspects (id uuid PRIMARY KEY, deaths int NOT NULL DEFAULT 1);
"""

FIRST_TIME = "INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING"
ANSWERS = "SELECT id, answer FROM inbox WHERE id = ANY($1::uuid[])"
REMEMBER = "INSERT INTO inbox (id, answer) SELECT * FROM unnest($1::uuid[], $2::bytea[])"
PRUNE = "DELETE FROM inbox WHERE at < clock_timestamp() - make_interval(days => $1)"

SUSPECT = (
    "INSERT INTO suspects (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET deaths = suspects.deaths + 1 RETURNING deaths"
)
CLEAR = "DELETE FROM suspects WHERE id = $1"


async def first_time(tx: Tx, event_id: UUID) -> bool:
    """Whether this event was not consumed before; remembers it with the transaction."""
    return await tx.execute(FIRST_TIME, event_id) == "INSERT 0 1"


async def answers(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The answers to those of `ids` that were carried out before, as JSON."""
    return {row["id"]: row["answer"] for row in await tx.fetch(ANSWERS, ids)}


async def remember(tx: Tx, answered: Mapping[UUID, bytes]) -> None:
    """Raises asyncpg.UniqueViolationError where another copy carried one out meanwhile: the whole transaction is undone then."""
    if answered:
        await tx.execute(REMEMBER, list(answered), list(answered.values()))


async def prune(tx: Tx) -> int:
    return int((await tx.execute(PRUNE, KEEP_DAYS)).split()[-1])


async def suspect(tx: Tx, event_id: UUID) -> int:
    """Writes down that a message that was there when a process died is about to be tried again; how often by now."""
    deaths: int = await tx.fetchval(SUSPECT, event_id)
    return deaths


async def clear(tx: Tx, event_id: UUID) -> None:
    await tx.execute(CLEAR, event_id)
