"""SQL of suppressions: who is opted out of whom, by inbound's sequence, and which numbers take no texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.contracts.inbound import ContactState
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.suppressions.rules import TEMPORARY_WITHIN

APPLY = """
INSERT INTO suppressions AS s (company_id, number, cause, scope, active, sequence, at)
SELECT DISTINCT ON (number, cause, scope) $1, number, cause, scope, $2, sequence, at
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[]) AS c(number, cause, scope, sequence, at)
ORDER BY number, cause, scope, sequence DESC
ON CONFLICT (number, company_id, cause, scope) DO UPDATE SET active = excluded.active, sequence = excluded.sequence, at = excluded.at,
    known_at = clock_timestamp()
WHERE s.sequence < excluded.sequence
RETURNING number
"""


async def apply_if_newer(
    tx: Tx, company_id: int, active: bool, contacts: Sequence[tuple[str, ContactState]]
) -> list[str]:
    """(cause, contact) each. The numbers whose state this changed; an older wish than the one known changes nothing."""
    states = [contact for _, contact in contacts]
    rows = await tx.fetch(
        APPLY,
        company_id,
        active,
        [c.number for c in states],
        [cause for cause, _ in contacts],
        [c.scope for c in states],
        [c.sequence for c in states],
        [c.at for c in states],
    )
    return [row["number"] for row in rows]


# By state, not by claim_id: the index of the queue must not fit, for a plan that was made while little waits would walk it for ever.
QUEUED_TO = """
SELECT id, company_id, sender, lane, (
    SELECT array_agg(s.cause || ' ' || s.scope) FROM suppressions s
    WHERE s.number = o.number AND s.company_id IN (0, o.company_id) AND s.active AND (s.until IS NULL OR s.until > statement_timestamp())
) AS stops
FROM open_texts o WHERE company_id = $1 AND number = ANY($2::text[]) AND campaign_id IS NULL AND state = 'queued' AND lane <> 0
"""
LOCK_QUEUED = (
    "SELECT id FROM open_texts WHERE id = ANY($1::uuid[]) AND claim_id IS NULL ORDER BY id FOR UPDATE SKIP LOCKED"
)


async def queued_singles_to(tx: Tx, company_id: int, numbers: Sequence[str]) -> list[Record]:
    """With what stands against each."""
    return await tx.fetch(QUEUED_TO, company_id, numbers)


async def still_queued(tx: Tx, ids: Collection[UUID]) -> list[UUID]:
    return [row["id"] for row in await tx.fetch(LOCK_QUEUED, ids)]


STOPS_OF = """
SELECT asked.company_id, s.number, s.cause || ' ' || s.scope AS stop
FROM unnest($1::int[], $2::text[]) AS asked(company_id, number) JOIN suppressions s ON s.number = asked.number AND s.company_id IN (0, asked.company_id)
WHERE s.active AND (s.until IS NULL OR s.until > statement_timestamp())
"""


async def stops_of(tx: Tx, asked: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[str]]:
    """What stands against each (company, number) now."""
    companies, numbers = zip(*asked, strict=True) if asked else ((), ())
    found: dict[tuple[int, str], list[str]] = {}
    for row in await tx.fetch(STOPS_OF, companies, numbers):
        found.setdefault((row["company_id"], row["number"]), []).append(row["stop"])
    return found


# A number that failed. Counted a campaign each: two texts of one campaign to it are one failure.
NOTE_FAILURES = """
INSERT INTO failures (company_id, number, campaign_id, at, reason)
SELECT DISTINCT ON (1, 2, 3) * FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::text[]) AS f(company_id, number, campaign_id, at, reason)
ORDER BY 1, 2, 3
ON CONFLICT (company_id, number, campaign_id) DO UPDATE SET at = excluded.at, reason = excluded.reason
"""
COUNT_FAILURES = """
SELECT f.company_id, f.number, count(*)::int AS campaigns FROM failures f
JOIN (SELECT DISTINCT * FROM unnest($1::int[], $2::text[])) AS asked(company_id, number) USING (company_id, number)
WHERE f.campaign_id <> 0 AND f.at > clock_timestamp() - $3::interval GROUP BY 1, 2
"""
SUPPRESS = """
INSERT INTO suppressions AS s (company_id, number, cause, scope, active, sequence, at, until, reason)
SELECT DISTINCT ON (1, 2) company_id, number, 'failed', '', true, 0, at, clock_timestamp() + lasting, reason
FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::interval[], $5::text[]) AS f(company_id, number, at, lasting, reason) ORDER BY 1, 2, lasting DESC
ON CONFLICT (number, company_id, cause, scope) DO UPDATE SET active = true, at = excluded.at, reason = excluded.reason,
    until = greatest(s.until, excluded.until), known_at = clock_timestamp()
"""


async def note_failures(tx: Tx, failed: Sequence[Record]) -> dict[tuple[int, str], int]:
    """Notes texts that failed; in how many campaigns each number did lately."""
    companies, numbers = [row["company_id"] for row in failed], [row["number"] for row in failed]
    campaigns = [row["campaign_id"] or 0 for row in failed]
    await tx.execute(
        NOTE_FAILURES, companies, numbers, campaigns, [row["at"] for row in failed], [row["reason"] for row in failed]
    )
    rows = await tx.fetch(COUNT_FAILURES, companies, numbers, TEMPORARY_WITHIN)
    return {(row["company_id"], row["number"]): row["campaigns"] for row in rows}


async def suppress(tx: Tx, failed: Sequence[tuple[Record, timedelta]]) -> None:
    if failed:
        rows = [row for row, _ in failed]
        await tx.execute(
            SUPPRESS,
            [row["company_id"] for row in rows],
            [row["number"] for row in rows],
            [row["at"] for row in rows],
            [lasting for _, lasting in failed],
            [row["reason"] for row in rows],
        )


FAILED_PAGE = """
SELECT number, at, until, reason FROM suppressions
WHERE company_id = $1 AND cause = 'failed' AND active AND until > statement_timestamp() AND number > $2 AND ($3::timestamptz IS NULL OR at >= $3)
ORDER BY number LIMIT $4
"""
LIFT = "UPDATE suppressions SET active = false WHERE company_id = $1 AND number = $2 AND cause = 'failed' AND active"
FORGET = "DELETE FROM failures WHERE company_id = $1 AND number = $2"


async def failed_page(tx: Tx, company_id: int, after: str, since: datetime | None, limit: int) -> list[Record]:
    return await tx.fetch(FAILED_PAGE, company_id, after, since, limit)


async def lift(tx: Tx, company_id: int, number: str) -> bool:
    """Texts go there again, and its failures count no more; False where none were held back."""
    await tx.execute(FORGET, company_id, number)
    return await tx.execute(LIFT, company_id, number) == "UPDATE 1"


PRUNE = "DELETE FROM failures WHERE at < clock_timestamp() - $1::interval"


async def prune(tx: Tx) -> None:
    await tx.execute(PRUNE, TEMPORARY_WITHIN)
