"""SQL of receipts: raw batches, and the carriers' late answers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.db import Tx

KEEP_RAW = "INSERT INTO raw_receipts (carrier, items) VALUES ($1, $2::jsonb)"


async def keep_raw(tx: Tx, carrier: str, items_json: str) -> None:
    await tx.execute(KEEP_RAW, carrier, items_json)


LATE_TAKEN = """
UPDATE open_texts o
SET state = 'submitted', submitted_at = clock_timestamp(), reference = a.reference, reason = '', version = version + 1
FROM unnest($1::uuid[], $2::text[]) AS a(id, reference)
WHERE o.id = a.id AND o.state = 'in_doubt'
"""


async def submitted_if_in_doubt(tx: Tx, taken: Sequence[tuple[UUID, str]]) -> None:
    await tx.execute(LATE_TAKEN, [id_ for id_, _ in taken], [reference for _, reference in taken])
