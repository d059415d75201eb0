"""What the rows say about campaigns. A tally is one statement, so it is one snapshot: it balances while a campaign runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from libs.common.contracts.campaign import CampaignState
from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.campaign.reports.rules import Tally

# A row a campaign and state of its recipients; one row for a campaign without recipients.
TALLY = """
SELECT c.id, c.title, c.state, c.targeted, c.checkpoint, c.launched_at, c.finished_at, l.read,
       r.state AS ended, coalesce(r.recipients, 0)::int AS recipients, coalesce(r.behind, 0)::int AS behind,
       coalesce(r.last_position, 0) AS last_position
FROM campaigns c
CROSS JOIN LATERAL (SELECT coalesce(sum(numbers), 0)::int AS read FROM links WHERE campaign_id = c.id) l
LEFT JOIN LATERAL (
    SELECT state, count(*) AS recipients, count(*) FILTER (WHERE position > c.checkpoint) AS behind, max(position) AS last_position
    FROM recipients WHERE campaign_id = c.id GROUP BY state
) r ON true
WHERE c.id = ANY($1::bigint[]) AND ($2::int = 0 OR c.company_id = $2)
ORDER BY c.id DESC
"""


async def tallies(tx: Tx, campaign_ids: Sequence[int], company_id: int = 0) -> list[Tally]:
    """Newest first. Of `company_id`'s campaigns only, where one is given."""
    rows = await tx.fetch(TALLY, campaign_ids, company_id)
    return [_tally(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row["id"])]


def _tally(rows: Sequence[Record]) -> Tally:
    first = rows[0]
    return Tally(
        id=first["id"],
        title=first["title"],
        state=CampaignState(first["state"]),
        targeted=first["targeted"],
        checkpoint=first["checkpoint"],
        launched_at=first["launched_at"],
        finished_at=first["finished_at"],
        waiting=sum(row["behind"] for row in rows if row["ended"] is None),
        handed_over=sum(row["recipients"] - row["behind"] for row in rows if row["ended"] is None),
        ended={State(row["ended"]): row["recipients"] for row in rows if row["ended"] is not None},
        ended_early=sum(row["behind"] for row in rows if row["ended"] is not None),
        last_position=max(row["last_position"] for row in rows),
        read=first["read"],
    )


NEWEST = "SELECT id FROM campaigns ORDER BY id DESC LIMIT $1"


async def newest(tx: Tx, limit: int) -> list[int]:
    return [row["id"] for row in await tx.fetch(NEWEST, limit)]


DOUBLED = """
SELECT campaign_id, count(*)::int AS numbers
FROM (SELECT campaign_id FROM recipients WHERE campaign_id = ANY($1::int[]) GROUP BY campaign_id, number HAVING count(*) > 1) d
GROUP BY campaign_id
"""


async def doubled(tx: Tx, campaign_ids: Sequence[int]) -> dict[int, int]:
    """How many numbers each campaign has more than once."""
    return {row["campaign_id"]: row["numbers"] for row in await tx.fetch(DOUBLED, campaign_ids)}


OUTBOX = "SELECT count(*)::int FROM outbox"


async def outbox(tx: Tx) -> int:
    """How many events wait to be published."""
    count: int = await tx.fetchval(OUTBOX)
    return count
