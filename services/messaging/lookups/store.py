"""SQL of lookups: texts as their company sees them, from both parts of the ledger by one statement, which is one snapshot."""

from __future__ import annotations

from uuid import UUID

from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.db.pool import Record

# A verification's body is never told, not even while it waits, for its place in it would be.
OPEN = """id, sender, number, CASE WHEN code_rule IS NULL THEN body END AS body, parts, state, reason, client_reference, send_at, submitted_at,
    NULL::timestamptz AS settled_at, test, campaign_id"""
CLOSED = "id, sender, number, body, parts, state, reason, client_reference, send_at, submitted_at, settled_at, test, campaign_id"

ONE = f"""
SELECT t.id, t.sender, t.number, coalesce(t.body, c.body) AS body, t.parts, t.state, t.reason, t.client_reference, t.send_at, t.submitted_at,
    t.settled_at, t.test
FROM (
    SELECT {OPEN} FROM open_texts WHERE id = $2 AND company_id = $1
    UNION ALL
    SELECT {CLOSED} FROM texts WHERE id = $2 AND company_id = $1
) AS t LEFT JOIN campaigns c USING (campaign_id)
"""  # noqa: S608


async def one(tx: Tx, company_id: int, id_: UUID) -> Record | None:
    """The company's text of that id, a campaign's too."""
    return await tx.fetchrow(ONE, company_id, id_)


def _page(key: str, value: str, only: str) -> str:
    """Each part of the ledger is read by the index of (`key`, id), up to the page; the page is cut from what they gave. What is compared and ordered is
    the whole key, so that no other index fits: from a smaller one, all texts of everybody could be planned to be walked."""
    where = f"""WHERE campaign_id IS NULL AND {only} AND ({key}, id) > ({value}, $2) AND ({key}, id) < ({value}, $3)
        AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR client_reference = $5) AND ($6::text IS NULL OR number = $6)
        ORDER BY {key}, id LIMIT $7"""
    return f"""
SELECT * FROM (
    (SELECT {OPEN} FROM open_texts {where})
    UNION ALL
    (SELECT {CLOSED} FROM texts {where})
) AS both_parts ORDER BY id LIMIT $7
"""  # noqa: S608


# A plan serves all values of its parameters, so what it goes by stands in the statement.
BY_REFERENCE = _page("client_reference", "$5", "company_id = $1 AND client_reference IS NOT NULL")
BY_NUMBER = _page("number", "$6", "company_id = $1")
BY_ID = _page(
    "company_id", "$1", "position IS NULL"
)  # not `company_id = $1` too: what is equal orders nothing, and the key of all texts would fit


async def page(
    tx: Tx,
    company_id: int,
    ids: tuple[UUID, UUID],
    state: State | None,
    reference: str | None,
    number: str | None,
    limit: int,
) -> list[Record]:
    """The company's single texts with ids between these two, neither included; a filter that is None lets all through."""
    sql = BY_ID if number is None else BY_NUMBER
    if reference is not None:
        sql = BY_REFERENCE
    return await tx.fetch(sql, company_id, *ids, state, reference, number, limit)
