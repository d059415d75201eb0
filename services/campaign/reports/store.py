"""What the rows say about campaigns. A tally is one statement, so it is one snapshot: it balances while a campaign runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from libs.common.contracts.campaign import FAILS_MIN, RECENT_DAYS, CampaignState, FailsPage
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


# `fails` says which numbers may have enough and in which campaigns; whether they have is read from the recipients' own rows.
RECENT_FAILS = """
SELECT f.number
FROM (
    SELECT number, array_agg(campaign_id) AS campaigns FROM fails
    WHERE company_id = $1 AND number > $2 GROUP BY number HAVING count(*) >= $3 ORDER BY number
) f
WHERE (
    SELECT count(*) FROM campaigns c JOIN recipients r ON r.campaign_id = c.id
    WHERE c.id = ANY(f.campaigns) AND c.launched_at >= now() - make_interval(days => $4)
      AND r.number = f.number AND r.state IN ('failed', 'expired', 'rejected') AND r.settled_at >= $5
) >= $3
ORDER BY f.number LIMIT $6
"""


async def recent_fails(tx: Tx, company_id: int, since: datetime, after: int, limit: int) -> FailsPage:
    """Numbers past `after` with enough fails since `since`, in campaigns launched lately; in their order as numbers."""
    rows = await tx.fetch(RECENT_FAILS, company_id, after, FAILS_MIN, RECENT_DAYS, since, limit + 1)
    return FailsPage(numbers=[f"+{row['number']}" for row in rows[:limit]], more=len(rows) > limit)


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


UNNOTED = """
SELECT r.campaign_id, count(*)::int AS recipients
FROM campaigns c JOIN recipients r ON r.campaign_id = c.id
WHERE c.id = ANY($1::int[]) AND NOT c.test AND r.state IN ('failed', 'expired', 'rejected')
  AND NOT EXISTS (SELECT FROM fails f WHERE f.company_id = c.company_id AND f.number = r.number AND f.campaign_id = r.campaign_id)
GROUP BY r.campaign_id
"""


async def unnoted(tx: Tx, campaign_ids: Sequence[int]) -> dict[int, int]:
    """How many fails of each campaign do not stand in `fails`."""
    return {row["campaign_id"]: row["recipients"] for row in await tx.fetch(UNNOTED, campaign_ids)}


OUTBOX = "SELECT count(*)::int FROM outbox"


async def outbox(tx: Tx) -> int:
    """How many events wait to be published."""
    count: int = await tx.fetchval(OUTBOX)
    return count
