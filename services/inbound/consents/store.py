"""The rows of consents. Owns `consents`; reads the words of the texts they stood in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.consents import CONSENTS_PAGE_MAX, Consent, ConsentPage, ReadConsents
from libs.common.db import Tx
from services.inbound.consents.rules import Recorded

RECORD = """
INSERT INTO consents (company_id, id, number, kind, how, wording, reference, at, user_id, text_id)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::bigint[], $10::uuid[])
    AS c (company_id, id, number, kind, how, wording, reference, at, user_id, text_id)
ORDER BY company_id, id
ON CONFLICT (company_id, id) DO NOTHING
RETURNING company_id, id
"""


async def record(tx: Tx, consents: Sequence[Recorded]) -> set[tuple[int, UUID]]:
    """Writes them down; (company, id) of those that were not there."""
    if not consents:
        return set()
    rows = await tx.fetch(
        RECORD,
        [one.company_id for one in consents],
        [one.id for one in consents],
        [one.number for one in consents],
        [one.kind for one in consents],
        [one.how for one in consents],
        [one.wording for one in consents],
        [one.reference for one in consents],
        [one.at for one in consents],
        [one.user_id for one in consents],
        [one.text_id for one in consents],
    )
    return {(row["company_id"], row["id"]) for row in rows}


COLUMNS = "c.key, c.id, c.number, c.kind, c.how, c.at, coalesce(t.body, c.wording) AS wording, c.reference, c.recorded_at, c.user_id, c.text_id"
READ_PAGE = f"""
SELECT {COLUMNS} FROM consents c LEFT JOIN texts t ON t.id = c.text_id
WHERE c.company_id = $1 AND c.key > $2 ORDER BY c.key LIMIT $3
"""  # noqa: S608
READ_PAGE_OF_NUMBER = f"""
SELECT {COLUMNS} FROM consents c LEFT JOIN texts t ON t.id = c.text_id
WHERE c.company_id = $1 AND c.number = $4 AND c.key > $2 ORDER BY c.key LIMIT $3
"""  # noqa: S608


async def page(tx: Tx, company_id: int, number: str | None, asked: ReadConsents) -> ConsentPage:
    """In the order they were written."""
    limit = min(asked.limit, CONSENTS_PAGE_MAX)
    args: list[object] = [company_id, asked.after, limit + 1]
    sql = READ_PAGE
    if number is not None:
        sql, args = READ_PAGE_OF_NUMBER, [*args, number]
    rows = await tx.fetch(sql, *args)
    return ConsentPage(items=[Consent(**row) for row in rows[:limit]], more=len(rows) > limit)
