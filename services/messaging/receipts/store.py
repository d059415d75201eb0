"""SQL of receipts: raw batches, parts by their references, receipts that came too early, and late answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.carriers.carrier import Part, Receipt

KEEP_RAW = "INSERT INTO raw_receipts (carrier, items) VALUES ($1, $2::jsonb)"


async def keep_raw(tx: Tx, carrier: str, items_json: str) -> None:
    # PostgreSQL's jsonb holds no null character.
    await tx.execute(KEEP_RAW, carrier, items_json.replace("\\u0000", "\\ufffd"))


CARRIER_ID = "SELECT id FROM carriers WHERE name = $1"


async def carrier_id(tx: Tx, name: str) -> int | None:
    id_: int | None = await tx.fetchval(CARRIER_ID, name)
    return id_


RAW = """
SELECT id, items FROM raw_receipts WHERE carrier = $1 AND at >= $2 AND at < $3 AND id > $4 ORDER BY id LIMIT $5
"""


async def raw(tx: Tx, carrier: str, since: datetime, until: datetime, after: int, limit: int) -> list[Record]:
    return await tx.fetch(RAW, carrier, since, until, after, limit)


# A carrier that gives a reference again means the newer part by it.
KEEP_PARTS = """
INSERT INTO sent_parts AS s (carrier, reference, text_id, part, parts, concat, sender, ask_at)
SELECT DISTINCT ON (reference) $1, reference, text_id, part, parts, concat, sender, clock_timestamp() + make_interval(secs => $8)
FROM unnest($2::text[], $3::uuid[], $4::smallint[], $5::smallint[], $6::int[], $7::text[]) AS p(reference, text_id, part, parts, concat, sender)
ORDER BY reference, text_id DESC
ON CONFLICT (carrier, reference) DO UPDATE SET text_id = excluded.text_id, part = excluded.part, parts = excluded.parts, concat = excluded.concat,
    sender = excluded.sender, state = NULL, at = excluded.at, ask_at = excluded.ask_at
WHERE s.text_id <> excluded.text_id OR s.part <> excluded.part
"""


async def keep_parts(tx: Tx, carrier: int, taken: Sequence[tuple[Part, str]], ask_after_s: float | None) -> None:
    parts = [part for part, _ in taken]
    await tx.execute(
        KEEP_PARTS,
        carrier,
        [reference for _, reference in taken],
        [part.text_id for part in parts],
        [part.part for part in parts],
        [part.parts for part in parts],
        [part.concat for part in parts],
        [part.sender for part in parts],
        ask_after_s,
    )


# Parts are found one by one through the key: a join, or a list, could be planned over all parts of the carrier (docs/decisions/0002).
KNOWN_PARTS = """
SELECT found.* FROM unnest($2::text[]) AS r(reference) CROSS JOIN LATERAL (
    SELECT s.reference, s.text_id, s.state FROM sent_parts s WHERE s.carrier = $1 AND s.reference = r.reference LIMIT 1
) AS found
"""
# The text stands for all its parts: of two receipts of it at once, the later sees what the former ended. As a settling locks it, before any part.
LOCK_TEXTS = "SELECT FROM open_texts WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
# A part's end is never changed.
END_PARTS = """
UPDATE sent_parts s SET state = e.state, ask_at = NULL
FROM unnest($2::text[], $3::text[]) AS e(reference, state) CROSS JOIN LATERAL (
    SELECT p.ctid AS at FROM sent_parts p WHERE p.carrier = $1 AND p.reference = e.reference AND p.state IS NULL LIMIT 1 FOR UPDATE
) AS found
WHERE s.ctid = found.at
"""
PARTS_OF = """
SELECT text_id, max(parts)::int AS parts, array_agg(state) AS states FROM sent_parts WHERE text_id = ANY($1::uuid[]) GROUP BY text_id
"""


async def known_parts(tx: Tx, carrier: int, references: Collection[str]) -> dict[str, Record]:
    return {row["reference"]: row for row in await tx.fetch(KNOWN_PARTS, carrier, list(references))}


async def lock_texts(tx: Tx, ids: Collection[UUID]) -> None:
    await tx.execute(LOCK_TEXTS, list(ids))


async def end_parts(tx: Tx, carrier: int, ends: Sequence[tuple[str, State]]) -> None:
    await tx.execute(END_PARTS, carrier, [reference for reference, _ in ends], [state for _, state in ends])


async def parts_of(tx: Tx, ids: Collection[UUID]) -> list[Record]:
    """How many parts each text has, and the ends of those that its carrier has named."""
    return await tx.fetch(PARTS_OF, list(ids))


PARK = """
INSERT INTO parked_receipts (carrier, reference, number, status, failure, error, at)
SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
    AS r(reference, number, status, failure, error, at)
WHERE NOT EXISTS (SELECT FROM parked_receipts p WHERE p.carrier = $1 AND p.reference = r.reference AND p.status = r.status)
"""
TAKE_PARKED = """
DELETE FROM parked_receipts WHERE carrier = $1 AND reference = ANY($2::text[]) RETURNING reference, number, status, failure, error, at
"""
# What was parked while the answer's own transaction was under way: neither saw the other. Looked for among the newest, for what met nothing stays days.
TAKE_MET = """
DELETE FROM parked_receipts p USING sent_parts s WHERE s.carrier = p.carrier AND s.reference = p.reference AND p.id IN (
    SELECT id FROM parked_receipts ORDER BY id DESC LIMIT 10000
)
RETURNING p.carrier, p.reference, p.number, p.status, p.failure, p.error, p.at
"""
FORGET_PARKED = "DELETE FROM parked_receipts WHERE parked_at < clock_timestamp() - make_interval(secs => $1)"
FORGET_PARTS = "DELETE FROM sent_parts WHERE at < clock_timestamp() - make_interval(secs => $1)"


async def park(tx: Tx, carrier: int, receipts: Sequence[Receipt]) -> None:
    await tx.execute(
        PARK,
        carrier,
        [r.reference for r in receipts],
        [r.number for r in receipts],
        [r.status for r in receipts],
        [r.failure for r in receipts],
        [r.error or "" for r in receipts],
        [r.at for r in receipts],
    )


async def take_parked(tx: Tx, carrier: int, references: Collection[str]) -> list[Record]:
    return await tx.fetch(TAKE_PARKED, carrier, list(references))


async def take_met(tx: Tx) -> list[Record]:
    return await tx.fetch(TAKE_MET)


async def forget(tx: Tx, parked_s: float, parts_s: float) -> None:
    await tx.execute(FORGET_PARKED, parked_s)
    await tx.execute(FORGET_PARTS, parts_s)


# A lost answer: its receipt names a reference that nobody knows, and a number. Where just one text in doubt went to that number by that carrier, it is
# that one's, unless another receipt is parked that could mean it too. A minute, for many carriers give no seconds.
ORPHANS = """
SELECT p.reference, p.carrier, p.number, o.sender, o.id AS text_id, coalesce(o.body, c.body) AS body
FROM parked_receipts p JOIN carriers k ON k.id = p.carrier
CROSS JOIN LATERAL (
    SELECT (array_agg(t.id))[1] AS id FROM doubts d JOIN open_texts t ON t.id = d.text_id
    WHERE t.number = p.number AND t.state = 'in_doubt' AND t.carrier = k.name AND t.claimed_at < least(p.at + interval '1 minute', p.parked_at)
    HAVING count(*) = 1
) AS one JOIN open_texts o ON o.id = one.id LEFT JOIN campaigns c ON c.campaign_id = o.campaign_id
WHERE p.number <> '' AND p.parked_at < clock_timestamp() - make_interval(secs => $1) AND o.code_rule IS NULL
    AND NOT EXISTS (SELECT FROM parked_receipts q WHERE q.carrier = p.carrier AND q.number = p.number AND q.reference <> p.reference)
    AND NOT EXISTS (SELECT FROM sent_parts s WHERE s.text_id = o.id)
LIMIT 500
"""


async def orphans(tx: Tx, parked_s: float) -> list[Record]:
    return await tx.fetch(ORPHANS, parked_s)


LATE_TAKEN = """
UPDATE open_texts o
SET state = 'submitted', submitted_at = clock_timestamp(), reference = a.reference, reason = '', version = version + 1
FROM unnest($1::uuid[], $2::text[]) AS a(id, reference)
WHERE o.id = a.id AND o.state = 'in_doubt'
"""


async def submitted_if_in_doubt(tx: Tx, taken: Sequence[tuple[UUID, str]]) -> None:
    await tx.execute(LATE_TAKEN, [id_ for id_, _ in taken], [reference for _, reference in taken])


PART_OF = """
SELECT id, number, sender, (SELECT max(concat) FROM sent_parts s WHERE s.text_id = o.id) AS concat FROM open_texts o WHERE id = ANY($1::uuid[])
"""


async def texts_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Record]:
    return {row["id"]: row for row in await tx.fetch(PART_OF, ids)}
