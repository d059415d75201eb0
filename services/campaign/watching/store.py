"""How the last recipients that were handed over have ended, block by block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.db import Tx
from services.campaign.recipients.rules import OPEN_SPAN
from services.campaign.watching.rules import BLOCK, ERRORS, NEVER_SENT, Block


@dataclass(frozen=True, slots=True)
class Watched:
    """A campaign that sends: its blocks in order of position."""

    id: int
    company_id: int
    watched_from: int
    waiting: int
    blocks: Sequence[Block]


# Reads at most OPEN_SPAN rows of a campaign, however large it is.
LOOK = """
SELECT c.id, c.company_id, c.watched_from, c.targeted - c.checkpoint AS waiting, r.block, r.recipients, r.error, r.open, r.reason
FROM campaigns c CROSS JOIN LATERAL (
    SELECT (position - 1) / $1 AS block, state IS NULL AS open, state = ANY($3::text[]) AS error,
        CASE WHEN state = ANY($3::text[]) THEN coalesce(reason, '') END AS reason, count(*)::int AS recipients
    FROM recipients
    WHERE campaign_id = c.id AND position > greatest(c.watched_from, c.checkpoint - $2) AND position <= c.checkpoint
        AND (state IS NULL OR state <> ALL($4::text[]))
    GROUP BY 1, 2, 3, 4
) r
WHERE c.state = 'sending'
ORDER BY c.id, r.block
"""


async def look(tx: Tx) -> list[Watched]:
    """The campaigns that send."""
    together: dict[tuple[int, int, int, int], dict[int, list[tuple[int, bool, bool, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for id_, company_id, watched_from, waiting, block, *counted in await tx.fetch(
        LOOK, BLOCK, OPEN_SPAN, ERRORS, NEVER_SENT
    ):
        together[id_, company_id, watched_from, waiting][block].append(tuple(counted))
    return [
        Watched(*campaign, [_block(blocks[block]) for block in sorted(blocks)]) for campaign, blocks in together.items()
    ]


def _block(counted: Sequence[tuple[int, bool, bool, str]]) -> Block:
    return Block(
        counted=sum(recipients for recipients, *_ in counted),
        ended=sum(recipients for recipients, _, open_, _ in counted if not open_),
        errors={reason: recipients for recipients, error, _, reason in counted if error},
    )


LOCK_IF_SENDING = "SELECT 1 FROM campaigns WHERE id = $1 AND state = 'sending' AND watched_from = $2 FOR UPDATE"


async def lock_if_sending(tx: Tx, campaign: Watched) -> bool:
    """Whether it still sends and nobody has resumed it since it was looked at."""
    return await tx.fetchval(LOCK_IF_SENDING, campaign.id, campaign.watched_from) is not None
