"""Closing: a text that has its end state leaves open_texts for texts, and the world is told, in one transaction.

Every room that ends texts does it through here, so that no text is closed twice or without its event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.messaging import RecipientsSettled, State, TextsSettled
from libs.common.db import Tx
from libs.common.db.outbox import Encoded
from libs.common.db.pool import Record
from services.messaging.sending.states import END, NEXT

# The guard is the table of states: a text is closed only from a state that the end state may follow. A verification's body is not kept.
# One end a statement, without a join: its plan cannot turn round (docs/decisions/0002). What ends before its carrier's answer was written down was
# taken as its claim says, which a settling has dropped by the time that it ends anything.
CLOSE = """
WITH gone AS (
    DELETE FROM open_texts WHERE id = ANY($1::uuid[]) AND state = ANY($4::text[]) RETURNING *
)
INSERT INTO texts (id, company_id, lane, test, state, number, sender, body, parts, client_reference, send_at, campaign_id, position, attempts,
    version, claimed_at, submitted_at, settled_at, decision, carrier, reference, reason, taken)
SELECT id, company_id, lane, test, $2, number, sender, CASE WHEN code_rule IS NULL THEN body END, parts, client_reference, send_at, campaign_id,
    position, attempts, version + 1, claimed_at, submitted_at, clock_timestamp(), decision, carrier, reference, $3,
    CASE WHEN state <> 'submitting' THEN taken ELSE coalesce((
        SELECT c.taken[array_position(c.texts, gone.id)] FROM claims c WHERE c.id = gone.claim_id
    ), taken) END
FROM gone
RETURNING id, company_id, test, number, state, reason, settled_at AS at, version, client_reference, campaign_id, position, submitted_at, taken AS parts
"""

MILLISECOND = timedelta(milliseconds=1)
BEFORE = {end: [before for before, follows in NEXT.items() if end in follows] for end in END}


async def close(tx: Tx, ids: Sequence[UUID], state: State, reason: str, *, by_receipt: bool = False) -> list[Record]:
    """Closes those of the texts that may go to `state` from where they are; those that did. `by_receipt`: a carrier's word that it came to an end."""
    if not ids:
        return []
    closed = await tx.fetch(CLOSE, ids, state, reason, BEFORE[state])
    tell_settled(tx, closed, by_receipt=by_receipt)
    return closed


async def close_each(tx: Tx, ends: Iterable[tuple[UUID, State, str]], *, by_receipt: bool = False) -> list[Record]:
    """As `close`, for texts with ends of their own: most of them share one."""
    together: dict[tuple[State, str], list[UUID]] = defaultdict(list)
    for id_, state, reason in ends:
        together[state, reason].append(id_)
    return [
        row
        for (state, reason), ids in together.items()
        for row in await close(tx, ids, state, reason, by_receipt=by_receipt)
    ]


def tell_settled(tx: Tx, rows: Sequence[Record], *, by_receipt: bool = False) -> None:
    """Announces rows of what CLOSE returns: each company apart, singles and campaigns', real ones and tests. Of texts in doubt `parts` and
    `submitted_at` are not known."""
    together: dict[tuple[int, bool, type[TextsSettled | RecipientsSettled]], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        event = TextsSettled if row["campaign_id"] is None else RecipientsSettled
        together[row["company_id"], row["test"], event].append(_settled(row, by_receipt))
    for (company_id, test, event), items in together.items():
        for start in range(0, len(items), ITEMS_MAX):
            told = {"company_id": company_id, "test": test, "items": items[start : start + ITEMS_MAX]}
            tx.emit_json(Encoded(event, company_id, orjson.dumps(told)))


def _settled(row: Record, by_receipt: bool) -> dict[str, Any]:
    """A SettledSingle, or a campaign's SettledText, in JSON's own types."""
    submitted_at = row.get("submitted_at")
    took = row["at"] - submitted_at if by_receipt and submitted_at is not None else None
    what = {
        "id": str(row["id"]),
        "to": row["number"],
        "state": row["state"],
        "reason": row["reason"],
        "at": row["at"],
        "version": row["version"],
        "parts": row.get("parts") or 0,
        "took_ms": None if took is None else max(0, took // MILLISECOND),
    }
    if row["campaign_id"] is None:
        return what | {"reference": row["client_reference"] or ""}
    return what | {"campaign_id": row["campaign_id"], "position": row["position"]}
