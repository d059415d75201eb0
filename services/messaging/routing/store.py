"""SQL of routing: routes, the sentences of decisions, texts that are sent another way, and how carriers do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from libs.common.contracts.routing import NewRoute
from libs.common.db import Database, Tx
from libs.common.db.pool import Record
from services.messaging.routing.rules import SHIFT_EVERY_S, WINDOW_S, Doing, Route

ROUTES = (
    "SELECT id, position, carrier, weight, prefix, country, sender, company_id, lane FROM routes ORDER BY position, id"
)


async def routes(tx: Tx) -> list[Route]:
    return [Route(**{k: v for k, v in row.items() if k != "id"}) for row in await tx.fetch(ROUTES)]


LISTED = """
SELECT r.id, r.position, c.name AS carrier, r.weight, r.prefix, r.country, r.sender, r.company_id, r.lane
FROM routes r JOIN carriers c ON c.id = r.carrier ORDER BY r.position, r.id
"""


async def listed(tx: Tx) -> list[Record]:
    return await tx.fetch(LISTED)


ADD = """
INSERT INTO routes (position, carrier, weight, prefix, country, sender, company_id, lane)
SELECT $1, c.id, $3, $4, $5, $6, $7, $8 FROM carriers c WHERE c.name = $2 AND c.id <> 0 RETURNING id
"""


async def add(tx: Tx, new: NewRoute, sender: str | None, lane: int | None) -> int | None:
    """None where there is no such carrier."""
    id_: int | None = await tx.fetchval(
        ADD, new.position, new.carrier, new.weight, new.prefix, new.country, sender, new.company_id, lane
    )
    return id_


REMOVE = "DELETE FROM routes WHERE id = $1"


async def remove(tx: Tx, id_: int) -> bool:
    return await tx.execute(REMOVE, id_) == "DELETE 1"


# Committed for itself, so that what is remembered of it in this process is true also where the transaction that asked is undone.
DECISIONS = """
INSERT INTO decisions (why) SELECT unnest($1::text[]) ON CONFLICT (why) DO UPDATE SET why = excluded.why RETURNING why, id
"""


async def decision_ids(db: Database, whys: Collection[str]) -> dict[str, int]:
    connection = await db.direct()  # not of the pool: all of it may be in the hands of those who wait for this
    try:
        return {row["why"]: row["id"] for row in await connection.fetch(DECISIONS, sorted(whys))}
    finally:
        await connection.close()


# What waits for a carrier that is held, past `$2`, in the order of ids. Where some of its parts are out, the others must go the same way.
STRANDED = """
SELECT o.id, o.company_id, o.lane, o.number, o.sender, o.test FROM open_texts o
WHERE o.route = $1 AND o.lane = ANY('{0,1,2}') AND o.claim_id IS NULL AND o.next_attempt_at < clock_timestamp() + interval '1 minute'
    AND o.id > $2 AND NOT EXISTS (SELECT FROM sent_parts p WHERE p.text_id = o.id)
ORDER BY o.id LIMIT $3 FOR UPDATE SKIP LOCKED
"""


async def stranded(tx: Tx, carrier: int, after: UUID, limit: int) -> list[Record]:
    return await tx.fetch(STRANDED, carrier, after, limit)


REROUTE = """
UPDATE open_texts o SET route = r.route, decision = r.decision, next_attempt_at = least(next_attempt_at, clock_timestamp())
FROM unnest($1::uuid[], $2::smallint[], $3::int[]) AS r(id, route, decision)
WHERE o.id = r.id AND o.claim_id IS NULL
"""
HAPPENED = "INSERT INTO happenings (text_id, what) SELECT * FROM unnest($1::uuid[], $2::text[])"


async def reroute(tx: Tx, moved: Sequence[tuple[UUID, int, int]]) -> None:
    """(text, carrier, decision) each."""
    ids, carriers, decisions = zip(*moved, strict=True)
    await tx.execute(REROUTE, ids, carriers, decisions)


async def happened(tx: Tx, happenings: Sequence[tuple[UUID, str]]) -> None:
    if happenings:
        ids, whats = zip(*happenings, strict=True)
        await tx.execute(HAPPENED, ids, whats)


ADD_MINUTES = """
INSERT INTO carrier_minutes AS m (carrier, minute, answered, errors, delivered, slow)
SELECT carrier, date_trunc('minute', clock_timestamp()), answered, errors, delivered, slow
FROM unnest($1::smallint[], $2::int[], $3::int[], $4::int[], $5::int[]) AS d(carrier, answered, errors, delivered, slow) ORDER BY carrier
ON CONFLICT (carrier, minute) DO UPDATE SET answered = m.answered + excluded.answered, errors = m.errors + excluded.errors,
    delivered = m.delivered + excluded.delivered, slow = m.slow + excluded.slow
"""


async def add_minutes(tx: Tx, doings: Mapping[int, Doing]) -> None:
    if doings:
        some = list(doings.values())
        await tx.execute(
            ADD_MINUTES,
            list(doings),
            [d.answered for d in some],
            [d.errors for d in some],
            [d.delivered for d in some],
            [d.slow for d in some],
        )


# Whoever locks the row first shifts it; the others find that it was shifted.
DUE_TO_SHIFT = """
SELECT id, name, share FROM carriers WHERE id <> 0 AND shifted_at < clock_timestamp() - make_interval(secs => $1) ORDER BY id FOR UPDATE SKIP LOCKED
"""
LATELY = """
SELECT coalesce(sum(answered), 0)::int AS answered, coalesce(sum(errors), 0)::int AS errors, coalesce(sum(delivered), 0)::int AS delivered,
    coalesce(sum(slow), 0)::int AS slow
FROM carrier_minutes WHERE carrier = $1 AND minute > clock_timestamp() - make_interval(secs => $2)
"""
SHIFT = "UPDATE carriers SET share = $2, shifted_at = clock_timestamp() WHERE id = $1"
FORGET_MINUTES = "DELETE FROM carrier_minutes WHERE minute < clock_timestamp() - interval '1 day'"


async def due_to_shift(tx: Tx) -> list[Record]:
    return await tx.fetch(DUE_TO_SHIFT, SHIFT_EVERY_S)


async def lately(tx: Tx, carrier: int) -> Doing:
    row = await tx.fetchrow(LATELY, carrier, WINDOW_S)
    assert row is not None
    return Doing(**row)


async def shift(tx: Tx, carrier: int, share: float) -> None:
    await tx.execute(SHIFT, carrier, share)


async def forget_minutes(tx: Tx) -> None:
    await tx.execute(FORGET_MINUTES)
