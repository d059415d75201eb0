"""Closing: a text that has its end state leaves open_texts for texts, and the world is told, in one transaction.

Every room that ends texts does it through here, so that no text is closed twice or without its event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.messaging import SettledText, State, TextsSettled
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.sending.states import NEXT

# The guard is the table of states: a text is closed only from a state that the end state may follow. A verification's body is not kept.
CLOSE = """
WITH ends AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS e(id, state, reason)
), allowed AS (
    SELECT * FROM unnest($4::text[], $5::text[]) AS a(before, after)
), gone AS (
    DELETE FROM open_texts o USING ends e
    WHERE o.id = e.id AND EXISTS (SELECT FROM allowed a WHERE a.before = o.state AND a.after = e.state)
    RETURNING o.id, o.company_id, o.lane, e.state, o.number, o.sender, CASE WHEN o.code_rule IS NULL THEN o.body END AS body,
        o.campaign_id, o.position, o.attempts, o.version, o.claimed_at, o.submitted_at, o.carrier, o.reference, e.reason
)
INSERT INTO texts (id, company_id, lane, state, number, sender, body, campaign_id, position, attempts, version,
    claimed_at, submitted_at, settled_at, carrier, reference, reason)
SELECT id, company_id, lane, state, number, sender, body, campaign_id, position, attempts, version + 1,
    claimed_at, submitted_at, clock_timestamp(), carrier, reference, reason
FROM gone
RETURNING id, company_id, number, state, reason, settled_at AS at, version, campaign_id, position
"""

_PAIRS = [(before, after) for before, follows in NEXT.items() for after in follows]
_BEFORE = [before for before, _ in _PAIRS]
_AFTER = [after for _, after in _PAIRS]


async def close_each(tx: Tx, ends: Sequence[tuple[UUID, State, str]]) -> int:
    """Closes each (text, end state, reason) that may go there from where it is; how many did."""
    if not ends:
        return 0
    ids, states, reasons = zip(*ends, strict=True)
    closed = await tx.fetch(CLOSE, ids, states, reasons, _BEFORE, _AFTER)
    tell_settled(tx, closed)
    return len(closed)


async def close(tx: Tx, ids: Sequence[UUID], state: State, reason: str) -> int:
    return await close_each(tx, [(id_, state, reason) for id_ in ids])


def tell_settled(tx: Tx, rows: Sequence[Record]) -> None:
    """Announces rows of (id, company_id, number, state, reason, at, version, campaign_id, position), each company apart."""
    by_company: dict[int, list[SettledText]] = defaultdict(list)
    for row in rows:
        by_company[row["company_id"]].append(
            SettledText.model_construct(
                id=row["id"],
                to=row["number"],
                state=State(row["state"]),
                reason=row["reason"],
                at=row["at"],
                version=row["version"],
                campaign_id=row["campaign_id"],
                position=row["position"],
            )
        )
    for company_id, items in by_company.items():
        for start in range(0, len(items), ITEMS_MAX):
            tx.emit(TextsSettled(company_id=company_id, items=items[start : start + ITEMS_MAX]))
