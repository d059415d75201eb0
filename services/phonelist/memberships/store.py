"""The rows of wishes. Owns `memberships`."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.contracts.inbound import Membership
from libs.common.db import Tx
from services.phonelist.entries import key

KEEP_NEWEST = """
INSERT INTO memberships AS m (list_id, phone_number, joins, at)
SELECT $1, w.* FROM unnest($2::text[], $3::bool[], $4::timestamptz[]) AS w (phone_number, joins, at)
ON CONFLICT (list_id, phone_number) DO UPDATE SET joins = excluded.joins, at = excluded.at WHERE excluded.at >= m.at
RETURNING phone_number
"""


async def keep_newest(tx: Tx, list_id: int, wishes: Sequence[Membership]) -> list[Membership]:
    """Those that no newer one is known of. The caller holds the list."""
    columns = [[getattr(wish, name) for wish in wishes] for name in ("number", "joins", "at")]
    kept = {row["phone_number"] for row in await tx.fetch(KEEP_NEWEST, list_id, *columns)}
    return [wish for wish in wishes if wish.number in kept]


REMOVE = "DELETE FROM entries WHERE list_id = $1 AND number = ANY($2::bigint[])"


async def remove(tx: Tx, list_id: int, numbers: Sequence[str]) -> None:
    await tx.execute(REMOVE, list_id, [key(number) for number in numbers])
