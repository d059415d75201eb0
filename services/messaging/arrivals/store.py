"""SQL of arrivals: raw batches."""

from __future__ import annotations

from libs.common.db import Tx

KEEP_RAW = "INSERT INTO raw_arrivals (carrier, items) VALUES ($1, $2::jsonb)"


async def keep_raw(tx: Tx, carrier: str, items_json: str) -> None:
    # PostgreSQL's jsonb holds no null character; a text that has one is kept with the replacement character in its stead.
    await tx.execute(KEEP_RAW, carrier, items_json.replace("\\u0000", "\\ufffd"))
