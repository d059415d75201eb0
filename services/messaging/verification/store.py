"""SQL of verification: which codes were asked for before."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.db import Tx

THERE = """
SELECT id FROM open_texts WHERE id = ANY($1::uuid[]) UNION ALL SELECT id FROM texts WHERE id = ANY($1::uuid[])
"""


async def there_already(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    return {row["id"] for row in await tx.fetch(THERE, ids)}
