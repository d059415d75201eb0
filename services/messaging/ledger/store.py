"""SQL of the ledger as operators see it: one text's life, and the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.db.pool import Record

LIFE = """
SELECT t.*, d.why FROM (
    SELECT id, company_id, lane, test, state, number, sender, send_at, campaign_id, attempts, version, claimed_at, submitted_at,
        NULL::timestamptz AS settled_at, decision, carrier, reference, reason, next_attempt_at
    FROM open_texts WHERE id = $1
    UNION ALL
    SELECT id, company_id, lane, test, state, number, sender, send_at, campaign_id, attempts, version, claimed_at, submitted_at, settled_at,
        decision, carrier, reference, reason, NULL
    FROM texts WHERE id = $1
) AS t LEFT JOIN decisions d ON d.id = t.decision
"""


async def life(tx: Tx, id_: UUID) -> Record | None:
    return await tx.fetchrow(LIFE, id_)


HAPPENINGS = "SELECT at, what FROM happenings WHERE text_id = $1"
PARTS = "SELECT part, parts, reference, coalesce(state, 'no receipt yet') AS state, at FROM sent_parts WHERE text_id = $1 ORDER BY part"


async def happenings(tx: Tx, id_: UUID) -> list[Record]:
    return await tx.fetch(HAPPENINGS, id_)


async def parts(tx: Tx, id_: UUID) -> list[Record]:
    return await tx.fetch(PARTS, id_)


# Raw batches are not indexed by text: the few that came while it was under way are read.
RECEIPTS = """
SELECT at, item ->> 1 AS reference, item ->> 2 AS status, item ->> 4 AS error
FROM raw_receipts, jsonb_array_elements(items) AS item
WHERE at BETWEEN $3 AND $4 AND (item ->> 0 = $1::text OR (item ->> 0 IS NULL AND carrier = $5 AND item ->> 1 = ANY($2::text[])))
ORDER BY at
"""


async def receipts_of(
    tx: Tx, id_: UUID, carrier: str, references: Sequence[str], since: datetime, until: datetime
) -> list[Record]:
    return await tx.fetch(RECEIPTS, str(id_), references, since, until, carrier)


OPEN = "SELECT state, count(*)::int AS texts FROM open_texts GROUP BY state"
TALLY = """
SELECT campaign_id, state, count(*)::int AS texts FROM (
    SELECT campaign_id, state FROM open_texts WHERE campaign_id = ANY($1::int[])
    UNION ALL
    SELECT campaign_id, state FROM texts WHERE campaign_id = ANY($1::int[])
) AS all_texts GROUP BY campaign_id, state
"""
OUTBOX = "SELECT count(*)::int FROM outbox"
FAULTS = {
    "texts stand in the open and in the closed ledger": "SELECT count(*) FROM open_texts o JOIN texts t USING (id)",
    "texts are being submitted by a claim that is not there": """
        SELECT count(*) FROM open_texts o
        WHERE state = 'submitting' AND NOT EXISTS (SELECT FROM claims c WHERE c.id = o.claim_id)""",
    "claims are past their lease and nobody took them over": """
        SELECT count(*) FROM claims WHERE lease_until < clock_timestamp() - interval '90 s'""",
    "texts of campaigns went twice to one number": """
        SELECT count(*) FROM (SELECT FROM texts WHERE campaign_id = ANY($1::int[]) GROUP BY campaign_id, number HAVING count(*) > 1) AS twice""",
    # Of a text under way, what its claim says was charged. Tests are not.
    "parts of campaigns stand in the usage and not in the texts, or the other way": """
        SELECT coalesce(sum(abs(parts)), 0)::bigint FROM (
            SELECT campaign_id, sum(parts) AS parts FROM (
                SELECT campaign_id, parts FROM usage_months WHERE campaign_id = ANY($1::int[])
                UNION ALL SELECT campaign_id, parts FROM usage_entries WHERE campaign_id = ANY($1::int[])
                UNION ALL SELECT campaign_id, -taken FROM texts WHERE campaign_id = ANY($1::int[]) AND NOT test
                UNION ALL SELECT campaign_id, -parts FROM dropped_parts WHERE campaign_id = ANY($1::int[])
                UNION ALL SELECT o.campaign_id, -coalesce(c.taken[array_position(c.texts, o.id)], o.taken)
                    FROM open_texts o LEFT JOIN claims c ON c.id = o.claim_id WHERE o.campaign_id = ANY($1::int[]) AND NOT o.test
            ) AS each GROUP BY campaign_id
        ) AS sums""",
    # 5 s: a claim that began before the STOP's commit may have read its clock after it.
    "marketing texts were claimed after their number's STOP was known": """
        SELECT count(*) FROM texts t JOIN suppressions s USING (company_id, number)
        WHERE s.active AND s.cause = 'stop' AND s.scope = '' AND t.lane = 2 AND t.state NOT IN ('suppressed', 'cancelled') AND t.campaign_id = ANY($1::int[])
            AND t.claimed_at > s.known_at + interval '5 s'""",
}


async def open_by_state(tx: Tx) -> list[Record]:
    return await tx.fetch(OPEN)


async def tally(tx: Tx, campaign_ids: Sequence[int]) -> list[Record]:
    return await tx.fetch(TALLY, campaign_ids)


async def waiting_in_outbox(tx: Tx) -> int:
    waiting: int = await tx.fetchval(OUTBOX)
    return waiting


async def faults(tx: Tx, campaign_ids: Sequence[int]) -> list[str]:
    """Each imbalance as a sentence with its count."""
    found = []
    for sentence, sql in FAULTS.items():
        count = await tx.fetchval(sql, *([campaign_ids] if "$1" in sql else []))
        if count:
            found.append(f"{count} {sentence}")
    return found
