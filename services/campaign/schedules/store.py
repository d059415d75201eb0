"""Which campaigns' time has come, and whose is over. Times are compared by the database's clock."""

from __future__ import annotations

from libs.common.db import Tx

BEGIN_IF_LAUNCHED_AND_DUE = """
UPDATE campaigns SET state = 'freezing'
WHERE state = 'launched' AND starts_at <= now() AND (expires_at IS NULL OR expires_at > now())
"""


async def begin_if_launched_and_due(tx: Tx) -> int:
    """How many began to be frozen."""
    return int((await tx.execute(BEGIN_IF_LAUNCHED_AND_DUE)).split()[-1])


# A campaign that is handed over whole only waits for its last receipts: it will be finished, not expired.
EXPIRE_IF_LEASE_IS_OVER = """
UPDATE campaigns SET state = 'expired'
WHERE state IN ('launched', 'freezing', 'sending') AND expires_at <= now() AND NOT (state = 'sending' AND checkpoint = targeted)
RETURNING id, company_id
"""


async def expire_if_lease_is_over(tx: Tx) -> list[tuple[int, int]]:
    """Campaign and company of each that expired."""
    return [(row["id"], row["company_id"]) for row in await tx.fetch(EXPIRE_IF_LEASE_IS_OVER)]
