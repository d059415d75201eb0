"""Whose campaigns of late could be answered, and what came back of them, each thing once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from services.campaign.replies.rules import BEGAN_WITHIN, CAMPAIGNS_MAX, REPLY_WITHIN, Back


@dataclass(frozen=True, slots=True)
class Recent:
    """A campaign that has begun to be handed over."""

    id: int
    sender: str
    checkpoint: int


# Of each sender the newest; by the index campaigns_of_sender, so that a company without one costs a look at it.
RECENT = """
SELECT c.* FROM unnest($2::text[]) AS s (sender) CROSS JOIN LATERAL (
    SELECT id, sender, checkpoint FROM campaigns
    WHERE company_id = $1 AND sender = s.sender AND dry_run_of IS NULL AND starts_at > $3::timestamptz - $4::interval AND checkpoint > 0
        AND (finished_at IS NULL OR finished_at > $3 - $5::interval)
    ORDER BY starts_at DESC, id DESC LIMIT $6
) c
"""


async def recent(tx: Tx, company_id: int, came: Collection[tuple[str, datetime]]) -> list[Recent]:
    """The campaigns that what came can be of, the newest of each sender first. `came`: to which senders, and when."""
    senders, first = {sender for sender, _ in came}, min((at for _, at in came), default=None)
    rows = await tx.fetch(RECENT, company_id, sorted(senders), first, BEGAN_WITHIN, REPLY_WITHIN, CAMPAIGNS_MAX)
    return [Recent(**row) for row in rows]


# The newest campaign that went to the number: its text was made before what came back, and a carrier took it, or may have. Looked up one by one:
# a join could be planned the other way round, for the statistics of a table that was empty a second ago.
KEEP = """
INSERT INTO replies (text_id, campaign_id, position, opt_out, at)
SELECT b.id, answered.campaign_id, answered.position, $6, b.at
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::uuid[]) AS b (id, number, sender, at, made_before)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT c.id AS campaign_id, c.place, (
            SELECT r.position FROM recipients r
            WHERE r.campaign_id = c.id AND r.number = b.number AND r.position <= c.checkpoint AND r.text_id < b.made_before
                AND (r.settled_at IS NULL OR r.settled_at > b.at - $10::interval)
                AND (r.state IS NULL OR r.state IN ('delivered', 'failed', 'in_doubt') OR (r.state = 'expired' AND r.parts > 0))
        ) AS position
        FROM unnest($7::int[], $8::text[], $9::int[]) WITH ORDINALITY AS c (id, sender, checkpoint, place)
        WHERE c.sender = b.sender
    ) looked WHERE position IS NOT NULL
    ORDER BY place LIMIT 1
) answered
ON CONFLICT DO NOTHING
"""


async def keep(tx: Tx, back: Sequence[Back], campaigns: Sequence[Recent], *, opt_out: bool) -> None:
    """What is no campaign's is not kept."""
    await tx.execute(
        KEEP,
        [one.id for one in back],
        [one.number for one in back],
        [one.sender for one in back],
        [one.at for one in back],
        [one.made_before for one in back],
        opt_out,
        [campaign.id for campaign in campaigns],
        [campaign.sender for campaign in campaigns],
        [campaign.checkpoint for campaign in campaigns],
        REPLY_WITHIN,
    )
