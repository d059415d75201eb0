"""What may go out in a second, over all processes: a debt in the database, paid off by time. Only carriers and senders with a cap have one."""

from __future__ import annotations

from libs.common.db import Tx

BURST_S = 1.0  # what was not used for so long is kept

# The row's lock makes all who send at once take turns, for the length of a claim.
LEVEL = """
INSERT INTO meters AS m (key, level) VALUES ($1, $2::float * $3::float)
ON CONFLICT (key) DO UPDATE SET level = least($2 * $3, m.level + $2 * extract(epoch FROM clock_timestamp() - m.at)::float), at = clock_timestamp()
RETURNING level
"""
CHARGE = "UPDATE meters SET level = level - $2 WHERE key = $1"


def of_carrier(id_: int) -> str:
    return f"carrier:{id_}"


def of_sender(key: str) -> str:
    return f"sender:{key}"


async def level(tx: Tx, key: str, parts_per_s: float) -> float:
    """Parts that may go now. While any is left a text may: what it takes beyond is a debt, so that a cap below one a second lets some through."""
    answer: float = await tx.fetchval(LEVEL, key, parts_per_s, BURST_S)
    return answer


async def charge(tx: Tx, key: str, parts: int) -> None:
    """More than there was is a debt: the next wait for it."""
    if parts:
        await tx.execute(CHARGE, key, parts)
