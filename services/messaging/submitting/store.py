"""SQL of submitting: claim, settle, and what is left of claims whose worker died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.sending.rules import Lane
from services.messaging.submitting.rules import Outcome

# The companies with something due, found by skipping through the index from each company's earliest text to the next company's.
WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT company_id, next_attempt_at FROM open_texts WHERE route = $2 AND lane = $1 AND claim_id IS NULL ORDER BY company_id, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT following.company_id, following.next_attempt_at FROM waiting w CROSS JOIN LATERAL (
        SELECT o.company_id, o.next_attempt_at FROM open_texts o
        WHERE o.route = $2 AND o.lane = $1 AND o.claim_id IS NULL AND o.company_id > w.company_id ORDER BY o.company_id, o.next_attempt_at LIMIT 1
    ) AS following
)
SELECT company_id FROM waiting WHERE next_attempt_at <= statement_timestamp()
"""


async def waiting_companies(tx: Tx, route: int, lane: Lane) -> list[int]:
    """Not those whose texts are all for later: they would take a share of each claim."""
    return [row["company_id"] for row in await tx.fetch(WAITING, lane, route)]


# Fair by company: each gives up to its share by weight, oldest first from its floor on, past the dead entries that a held snapshot keeps. The opt-out is read
# by the claim's own statement: no text is claimed by a statement that could see the STOP. The time is the statement's, not the clock's, for it bounds
# the walk through the index: what is scheduled for later is not looked at.
CLAIM = """
WITH due AS (
    SELECT t.at FROM unnest($4::int[], $5::timestamptz[], $2::int[]) AS waiting(company_id, floor, share) CROSS JOIN LATERAL (
        SELECT o.ctid AS at FROM open_texts o
        WHERE o.route = $6 AND o.lane = $1 AND o.claim_id IS NULL AND o.company_id = waiting.company_id
            AND o.next_attempt_at >= waiting.floor AND o.next_attempt_at <= statement_timestamp()
        ORDER BY o.next_attempt_at, o.id
        LIMIT waiting.share
        FOR UPDATE SKIP LOCKED
    ) t
)
UPDATE open_texts o
SET state = 'submitting', claim_id = $3, claimed_at = clock_timestamp(), version = version + 1, attempts = attempts + 1
FROM due WHERE o.ctid = due.at
RETURNING o.id, o.company_id, o.lane, o.next_attempt_at, o.number, o.sender, o.body, o.code_rule, o.code_place, coalesce(o.code_of, o.id) AS code_of,
    o.campaign_id, o.position, o.attempts, o.expires_at, o.taken,
    o.expires_at <= clock_timestamp() AS too_old,
    CASE WHEN $1 <> 0 THEN (
        SELECT array_agg(s.cause || ' ' || s.scope) FROM suppressions s
        WHERE s.number = o.number AND s.company_id IN (0, o.company_id) AND s.active AND (s.until IS NULL OR s.until > statement_timestamp())
    ) END AS stops
"""


async def claim_queued(
    tx: Tx, route: int, lane: Lane, floors: Mapping[int, datetime], shares: Mapping[int, int], claim_id: UUID
) -> list[Record]:
    """Takes due texts of `lane` that wait for the carrier `route`: of each company in `shares` up to so many, from its floor on. Rows say too where one is
    too old, and what stands against its number."""
    some = [(company_id, floors[company_id], share) for company_id, share in shares.items() if share]
    if not some:
        return []
    companies, from_here, at_most = zip(*some, strict=True)
    return await tx.fetch(CLAIM, lane, at_most, claim_id, companies, from_here, route)


KEEP_CLAIM = """
INSERT INTO claims (id, worker, carrier, lease_until, texts, taken) VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), $5, $6)
"""


async def keep_claim(
    tx: Tx, claim_id: UUID, worker: str, carrier: str, lease_s: float, ids: Sequence[UUID], taken: Sequence[int]
) -> None:
    """`taken`: how many parts of each carriers will have, were all of it taken."""
    await tx.execute(KEEP_CLAIM, claim_id, worker, carrier, lease_s, ids, taken)


# Claimed beyond what its sender may send now.
PUT_BACK = """
UPDATE open_texts o SET state = 'queued', claim_id = NULL, attempts = attempts - 1, version = version + 1,
    next_attempt_at = clock_timestamp() + make_interval(secs => a.after_s)
FROM unnest($2::uuid[], $3::float[]) AS a(id, after_s) WHERE o.id = a.id AND o.claim_id = $1 AND o.state = 'submitting'
"""


async def put_back(tx: Tx, claim_id: UUID, waits: Sequence[tuple[UUID, float]]) -> None:
    """(text, seconds until it may be claimed again) each."""
    if waits:
        await tx.execute(PUT_BACK, claim_id, [id_ for id_, _ in waits], [wait_s for _, wait_s in waits])


BODIES = "SELECT campaign_id, body FROM campaigns WHERE campaign_id = ANY($1::int[])"


async def bodies(tx: Tx, campaign_ids: Sequence[int]) -> dict[int, str]:
    return {row["campaign_id"]: row["body"] for row in await tx.fetch(BODIES, campaign_ids)}


STOPS_OF = """
SELECT o.id, o.company_id, o.lane, o.sender, array_agg(s.cause || ' ' || s.scope) AS stops
FROM open_texts o JOIN suppressions s ON s.number = o.number AND s.company_id IN (0, o.company_id)
WHERE o.id = ANY($1::uuid[]) AND o.lane <> 0 AND s.active AND (s.until IS NULL OR s.until > statement_timestamp()) GROUP BY o.id
"""


async def stops_of(tx: Tx, ids: Sequence[UUID]) -> list[Record]:
    """What stands against these claimed texts now."""
    return await tx.fetch(STOPS_OF, ids)


# Where the upsert finds a row, the reference is the one after the last; 0 is none (it would say that there is one part).
NEXT_REFERENCES = """
INSERT INTO concat_references AS c (number, last) SELECT DISTINCT ON (1) number, first FROM unnest($1::text[], $2::int[]) AS n(number, first) ORDER BY 1
ON CONFLICT (number) DO UPDATE SET last = c.last % 65535 + 1
RETURNING number, last
"""


async def next_references(tx: Tx, firsts: Mapping[str, int]) -> dict[str, int]:
    """A 16-bit reference for one long text to each number; `firsts`: what a number that had none begins with."""
    rows = await tx.fetch(NEXT_REFERENCES, list(firsts), list(firsts.values()))
    return {row["number"]: row["last"] for row in rows}


TAKEN_PARTS = "SELECT text_id, part, concat FROM sent_parts WHERE text_id = ANY($1::uuid[])"


async def taken_parts(tx: Tx, ids: Sequence[UUID]) -> list[Record]:
    """What the carrier has of texts that were tried before."""
    return await tx.fetch(TAKEN_PARTS, ids)


# The claim's id is the fence: an answer settles only what its own claim still holds. A late one finds its text in doubt.
# Rows are found one by one through the key, then by place: a join could be planned from the other side (docs/decisions/0002).
SUBMITTED = """
UPDATE open_texts o
SET state = 'submitted', submitted_at = clock_timestamp(), carrier = $2, reference = a.reference, taken = a.taken, version = version + 1
FROM unnest($3::uuid[], $4::text[], $5::smallint[]) AS a(id, reference, taken) CROSS JOIN LATERAL (
    SELECT t.ctid AS at FROM open_texts t
    WHERE t.id = a.id AND t.claim_id = $1 AND t.state IN ('submitting', 'in_doubt') LIMIT 1 FOR UPDATE
) AS found
WHERE o.ctid = found.at
"""
AGAIN = """
UPDATE open_texts o
SET state = 'queued', claim_id = NULL, next_attempt_at = a.next_at, reason = a.reason, taken = a.taken, version = version + 1
FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::smallint[]) AS a(id, next_at, reason, taken) CROSS JOIN LATERAL (
    SELECT t.ctid AS at FROM open_texts t
    WHERE t.id = a.id AND t.claim_id = $1 AND t.state IN ('submitting', 'in_doubt') LIMIT 1 FOR UPDATE
) AS found
WHERE o.ctid = found.at
RETURNING o.id
"""
# In doubt is told to the world: a campaign's books count it.
IN_DOUBT = """
UPDATE open_texts o SET state = 'in_doubt', carrier = $2, reason = a.reason, taken = a.taken, version = version + 1
FROM unnest($3::uuid[], $4::text[], $5::smallint[]) AS a(id, reason, taken)
WHERE o.id = a.id AND o.claim_id = $1 AND o.state = 'submitting'
RETURNING o.id, o.company_id, o.lane, o.test, o.number, o.state, o.reason, clock_timestamp() AS at, o.version, o.client_reference, o.campaign_id,
    o.position
"""
KEEP_DOUBTS = (
    "INSERT INTO doubts (text_id, lane) SELECT * FROM unnest($1::uuid[], $2::smallint[]) ON CONFLICT DO NOTHING"
)
DROP_CLAIM = "DELETE FROM claims WHERE id = $1"


async def submitted_if_claimed(
    tx: Tx, claim_id: UUID, carrier: str, texts: Sequence[UUID], references: Sequence[str | None], taken: Sequence[int]
) -> None:
    if texts:
        await tx.execute(SUBMITTED, claim_id, carrier, texts, references, taken)


async def again_if_claimed(tx: Tx, claim_id: UUID, refused: Sequence[tuple[UUID, Outcome, int]]) -> list[UUID]:
    """(text, outcome, parts taken) each; those that went back to the queue."""
    if not refused:
        return []
    ids, outcomes, taken = zip(*refused, strict=True)
    times, reasons = [o.next_attempt_at for o in outcomes], [o.reason for o in outcomes]
    return [row["id"] for row in await tx.fetch(AGAIN, claim_id, ids, times, reasons, taken)]


async def in_doubt_if_submitting(
    tx: Tx, claim_id: UUID, carrier: str, unknown: Sequence[tuple[UUID, str, int]]
) -> list[Record]:
    """(text, why, parts that may have been taken) each; those that are in doubt now."""
    if not unknown:
        return []
    rows = await tx.fetch(IN_DOUBT, claim_id, carrier, *zip(*unknown, strict=True))
    await tx.execute(KEEP_DOUBTS, [row["id"] for row in rows], [row["lane"] for row in rows])
    return rows


TAKEN = """
UPDATE open_texts o SET taken = a.taken FROM unnest($2::uuid[], $3::smallint[]) AS a(id, taken)
WHERE o.id = a.id AND o.claim_id = $1
"""


async def keep_taken(tx: Tx, claim_id: UUID, taken: Sequence[tuple[UUID, int]]) -> None:
    """Of texts that end though a carrier has some of their parts."""
    if taken:
        await tx.execute(TAKEN, claim_id, *zip(*taken, strict=True))


async def drop_claim(tx: Tx, claim_id: UUID) -> None:
    await tx.execute(DROP_CLAIM, claim_id)


ABANDONED = """
SELECT id, carrier, texts, taken FROM claims
WHERE lease_until < clock_timestamp() - make_interval(secs => $1)
ORDER BY lease_until LIMIT 10 FOR UPDATE SKIP LOCKED
"""


async def abandoned_claims(tx: Tx, grace_s: float) -> list[Record]:
    """Claims whose lease ran out `grace_s` ago: their worker is dead, or it has lost the right to write."""
    return await tx.fetch(ABANDONED, grace_s)


OVERDUE = """
SELECT id FROM open_texts
WHERE (state = 'submitted' AND submitted_at < clock_timestamp() - make_interval(secs => $1))
   OR (state = 'in_doubt' AND claimed_at < clock_timestamp() - make_interval(secs => $2))
LIMIT $3 FOR UPDATE SKIP LOCKED
"""


async def overdue(tx: Tx, submitted_s: float, in_doubt_s: float, limit: int) -> list[UUID]:
    """Texts for which no receipt can be expected any more."""
    return [row["id"] for row in await tx.fetch(OVERDUE, submitted_s, in_doubt_s, limit)]
