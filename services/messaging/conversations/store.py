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


# Pages for a fold of asks. Three places, one order: each is read by its own index, up to the page, and the page is cut from what they gave. What is
# compared and ordered is the whole key of number and id, so that no other index fits (see lookups/store.py).
PAGES = """
SELECT a.place, page.*
FROM unnest($1::int[], $2::text[], $3::uuid[], $4::int[]) WITH ORDINALITY AS a (company_id, number, after, rows, place)
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT id, sender, number AS "to", body, true AS sent, NULL::timestamptz AS at FROM open_texts o
         WHERE o.company_id = a.company_id AND (o.number, id) > (a.number, a.after) AND o.number <= a.number
             AND campaign_id IS NULL AND code_rule IS NULL AND NOT test
         ORDER BY number, id LIMIT a.rows)
        UNION ALL
        (SELECT id, sender, number, body, true, NULL FROM texts t
         WHERE t.company_id = a.company_id AND (t.number, id) > (a.number, a.after) AND t.number <= a.number
             AND campaign_id IS NULL AND body IS NOT NULL AND NOT test
         ORDER BY number, id LIMIT a.rows)
        UNION ALL
        (SELECT id, number, header, body, false, at FROM inbound_texts i
         WHERE i.company_id = a.company_id AND (i.number, id) > (a.number, a.after) AND i.number <= a.number ORDER BY number, id LIMIT a.rows)
    ) AS both_sides ORDER BY id LIMIT a.rows
) AS page
ORDER BY a.place, page.id
"""


async def pages(
    tx: Tx, companies: Sequence[int], numbers: Sequence[str], afters: Sequence[UUID], limits: Sequence[int]
) -> list[list[Record]]:
    """Of each company and number up to so many texts after the id, oldest first."""
    found: list[list[Record]] = [[] for _ in numbers]
    for row in await tx.fetch(PAGES, companies, numbers, afters, limits):
        found[row["place"] - 1].append(row)
    return found
