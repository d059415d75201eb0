"""SQL of conversations: what the company sent singly, and what it received, by number."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.inbound import InboundText
from libs.common.db import Tx
from libs.common.db.pool import Record

KEEP_INBOUND = """
INSERT INTO inbound_texts (id, company_id, number, header, body, at)
SELECT id, $1, number, header, body, at
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS t(id, number, header, body, at)
ON CONFLICT (id) DO NOTHING
"""


async def keep_inbound(tx: Tx, company_id: int, texts: Sequence[InboundText]) -> None:
    await tx.execute(
        KEEP_INBOUND,
        company_id,
        [t.id for t in texts],
        [t.number for t in texts],
        [t.to for t in texts],
        [t.body for t in texts],
        [t.at for t in texts],
    )


# Three places, one order: each is read by its own index, up to the page, and the page is cut from what they gave. What is compared and ordered is the
# whole key of number and id, so that no other index fits (see lookups/store.py).
PAGE = """
SELECT * FROM (
    (SELECT id, sender, number AS "to", body, true AS sent, NULL::timestamptz AS at FROM open_texts
     WHERE company_id = $1 AND (number, id) > ($2, $3) AND number <= $2 AND campaign_id IS NULL AND code_rule IS NULL AND NOT test
     ORDER BY number, id LIMIT $4)
    UNION ALL
    (SELECT id, sender, number, body, true, NULL FROM texts
     WHERE company_id = $1 AND (number, id) > ($2, $3) AND number <= $2 AND campaign_id IS NULL AND body IS NOT NULL AND NOT test
     ORDER BY number, id LIMIT $4)
    UNION ALL
    (SELECT id, number, header, body, false, at FROM inbound_texts
     WHERE company_id = $1 AND (number, id) > ($2, $3) AND number <= $2 ORDER BY number, id LIMIT $4)
) AS both_sides ORDER BY id LIMIT $4
"""


async def page(tx: Tx, company_id: int, number: str, after: UUID, limit: int) -> list[Record]:
    return await tx.fetch(PAGE, company_id, number, after, limit)
