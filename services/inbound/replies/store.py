"""The rows of what was answered. Owns `replies`: one a header and number, with what the loop guard must remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from libs.common.db import Tx
from services.inbound.replies.rules import Pair, Past

LOCK_PASTS = """
-- Holds the rows, in one order for all copies, so that what is counted stays so.
INSERT INTO replies AS r (header_key, number)
SELECT header_key, number FROM unnest($1::text[], $2::text[]) AS p (header_key, number) ORDER BY header_key, number
ON CONFLICT (header_key, number) DO UPDATE SET number = excluded.number
RETURNING header_key, number, answered, heard_at, heard, clock_timestamp() AS now
"""


async def lock_pasts(tx: Tx, pairs: Iterable[Pair]) -> tuple[dict[Pair, Past], datetime]:
    """What was between each header and number, and the time now."""
    keys = set(pairs)
    rows = await tx.fetch(LOCK_PASTS, [key for key, _ in keys], [number for _, number in keys])
    pasts = {
        (row["header_key"], row["number"]): Past(
            tuple(row["answered"]), tuple(zip(row["heard_at"], row["heard"], strict=True))
        )
        for row in rows
    }
    return pasts, max(row["now"] for row in rows)


SET_PAST = "UPDATE replies SET answered = $3, heard_at = $4, heard = $5 WHERE header_key = $1 AND number = $2"


async def set_pasts(tx: Tx, pasts: Mapping[Pair, Past]) -> None:
    for (header_key, number), past in pasts.items():
        heard_at, heard = [at for at, _ in past.heard], [digest for _, digest in past.heard]
        await tx.execute(SET_PAST, header_key, number, past.answered, heard_at, heard)
