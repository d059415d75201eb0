"""SQL of suppressions: who is opted out of whom, by inbound's sequence."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.inbound import ContactState
from libs.common.db import Tx

APPLY = """
INSERT INTO suppressions (company_id, number, stopped, sequence, at)
SELECT DISTINCT ON (number) $1, number, $2, sequence, at
FROM unnest($3::text[], $4::bigint[], $5::timestamptz[]) AS c(number, sequence, at) ORDER BY number, sequence DESC
ON CONFLICT (company_id, number) DO UPDATE SET stopped = excluded.stopped, sequence = excluded.sequence, at = excluded.at,
    known_at = clock_timestamp()
WHERE suppressions.sequence < excluded.sequence
RETURNING number
"""


async def apply_if_newer(tx: Tx, company_id: int, stopped: bool, contacts: Sequence[ContactState]) -> list[str]:
    """The numbers whose state this changed; an older STOP or START than the one known changes nothing."""
    rows = await tx.fetch(
        APPLY,
        company_id,
        stopped,
        [c.number for c in contacts],
        [c.sequence for c in contacts],
        [c.at for c in contacts],
    )
    return [row["number"] for row in rows]


QUEUED_TO = """
SELECT id FROM open_texts
WHERE company_id = $1 AND number = ANY($2::text[]) AND campaign_id IS NULL AND claim_id IS NULL AND lane <> 0
FOR UPDATE SKIP LOCKED
"""


async def queued_singles_to(tx: Tx, company_id: int, numbers: Sequence[str]) -> list[UUID]:
    return [row["id"] for row in await tx.fetch(QUEUED_TO, company_id, numbers)]
