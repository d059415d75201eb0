"""The rows of the review list: texts that may be a wish to stop. Owns `reviews`. All that touches a number's rows holds its lock (store.lock)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.optouts import REVIEWS_PAGE_MAX, ReadReviews, Review, Reviews
from libs.common.db import Tx
from services.inbound.optouts.contacts import Act, Change

INSERT_REVIEWS = """
INSERT INTO reviews (company_id, text_id, number, scope)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""
OVERTAKE = """
-- A plain STOP or START settles what the number texted before it. A STOP of the whole company settles all.
UPDATE reviews r SET outcome = 'overtaken', settled_at = clock_timestamp()
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::uuid[]) AS w (company_id, number, scope, wish, id)
WHERE r.company_id = w.company_id AND r.number = w.number AND r.outcome IS NULL AND r.text_id < w.id
    AND (r.scope = w.scope OR w.scope = '' AND w.wish = 'stop')
"""


async def keep_up(tx: Tx, changes: Sequence[Change]) -> None:
    """Puts on the list what a person must read, and takes off it what no longer matters."""
    soft = [one.wished for one in changes if one.wished.act is Act.SOFT and one.told]
    plain = [one.wished for one in changes if one.wished.act in (Act.STOP, Act.START) and one.told]
    if soft:
        await tx.execute(
            INSERT_REVIEWS,
            [one.company_id for one in soft],
            [one.text_id for one in soft],
            [one.number for one in soft],
            [one.scope for one in soft],
        )
    if plain:
        await tx.execute(
            OVERTAKE,
            [one.company_id for one in plain],
            [one.number for one in plain],
            [one.scope for one in plain],
            [one.act for one in plain],
            [one.id for one in plain],
        )


READ_REVIEWS = """
SELECT r.text_id AS id, r.number, t.header AS to, t.body, t.at, r.scope FROM reviews r JOIN texts t ON t.id = r.text_id
WHERE r.company_id = $1 AND r.outcome IS NULL AND r.text_id > $2
ORDER BY r.text_id LIMIT $3
"""


async def page(tx: Tx, company_id: int, asked: ReadReviews) -> Reviews:
    limit = min(asked.limit, REVIEWS_PAGE_MAX)
    rows = await tx.fetch(READ_REVIEWS, company_id, asked.after or UUID(int=0), limit + 1)
    return Reviews(items=[Review(**row) for row in rows[:limit]], more=len(rows) > limit)


@dataclass(frozen=True, slots=True)
class Entry:
    number: str
    scope: str
    header: str
    settled: bool


READ_REVIEW = """
SELECT r.number, r.scope, t.header, r.outcome IS NOT NULL AS settled FROM reviews r JOIN texts t ON t.id = r.text_id
WHERE r.company_id = $1 AND r.text_id = $2
"""


async def find(tx: Tx, company_id: int, text_id: UUID) -> Entry | None:
    row = await tx.fetchrow(READ_REVIEW, company_id, text_id)
    return Entry(**row) if row else None


SETTLE_REVIEWS = """
UPDATE reviews SET outcome = $5, settled_at = clock_timestamp(), user_id = $6, reason = $7
WHERE company_id = $1 AND number = $2 AND scope = $3 AND text_id <= $4 AND outcome IS NULL
"""


async def settle(tx: Tx, company_id: int, entry: Entry, until: UUID, outcome: str, user_id: int, reason: str) -> None:
    """This and what the number texted before it."""
    await tx.execute(SETTLE_REVIEWS, company_id, entry.number, entry.scope, until, outcome, user_id, reason)
