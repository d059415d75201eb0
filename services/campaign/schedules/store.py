"""Which campaigns' time has come, and whose is over. Times are compared by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.campaign import CampaignSteered
from libs.common.db import Tx
from services.campaign.schedules import rules

BEGIN_IF_LAUNCHED_AND_DUE = """
UPDATE campaigns SET state = 'freezing'
WHERE state = 'launched' AND starts_at <= now() AND (expires_at IS NULL OR expires_at > now())
"""


async def begin_if_launched_and_due(tx: Tx) -> int:
    """How many began to be frozen."""
    return int((await tx.execute(BEGIN_IF_LAUNCHED_AND_DUE)).split()[-1])


# A campaign that is handed over whole only waits for its last receipts: it will be finished, not expired.
EXPIRE_IF_LEASE_IS_OVER = """
UPDATE campaigns SET state = 'expired', course_revision = course_revision + 1
WHERE state IN ('launched', 'freezing', 'sending', 'paused') AND expires_at <= now() AND NOT (state = 'sending' AND checkpoint = targeted)
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""


async def expire_if_lease_is_over(tx: Tx) -> list[CampaignSteered]:
    """Of each that expired, what tells messaging."""
    return [CampaignSteered(course="stop", **row) for row in await tx.fetch(EXPIRE_IF_LEASE_IS_OVER)]


@dataclass(frozen=True, slots=True)
class Windowed:
    id: int
    windows: rules.Windows
    resting: bool
    at: datetime  # now


WINDOWED = """
SELECT id, windows, resting, clock_timestamp() AS at FROM campaigns WHERE state = 'sending' AND windows <> '[]'
"""


async def windowed(tx: Tx) -> list[Windowed]:
    """Campaigns that send, within windows."""
    return [Windowed(**{**row, "windows": rules.read(row["windows"])}) for row in await tx.fetch(WINDOWED)]


REST_IF_SENDING = """
UPDATE campaigns SET resting = $2, why = $3, course_revision = course_revision + 1 WHERE id = $1 AND state = 'sending' AND resting <> $2
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""


async def rest_if_sending(tx: Tx, campaign_id: int, *, resting: bool, why: str) -> CampaignSteered | None:
    """Rests, or goes on; None where another copy was faster, or somebody ordered another course."""
    row = await tx.fetchrow(REST_IF_SENDING, campaign_id, resting, why)
    return None if row is None else CampaignSteered(course="hold" if resting else "go", **row)
