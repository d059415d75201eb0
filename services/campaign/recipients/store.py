"""The recipients' rows and the campaign's columns that say how far they are: checkpoint, ended_to. Their making is freezing's.

Each step of a loop locks its campaign's row first: a stop and a step never run at once, and of two copies one steps aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from libs.common.contracts.messaging import SettledText
from libs.common.db import Tx
from services.campaign.recipients.rules import ENDED_MAX, OPEN_MAX, OPEN_SPAN, Outgoing
from services.campaign.schedules.rules import Pace, read

SENDING = (
    "SELECT id, company_id FROM campaigns WHERE state = 'sending' AND NOT resting AND checkpoint < targeted ORDER BY id"
)


async def sending(tx: Tx) -> list[tuple[int, int]]:
    """(campaign, company) of those with recipients that wait to be handed over."""
    return [(row["id"], row["company_id"]) for row in await tx.fetch(SENDING)]


LOCK_IF_SENDING = """
SELECT id, company_id, sender, body, expires_at, targeted, checkpoint, test, per_minute, spread_until, windows, paced_to, clock_timestamp() AS at
FROM campaigns WHERE id = $1 AND state = 'sending' AND NOT resting AND (expires_at IS NULL OR expires_at > clock_timestamp())
FOR UPDATE SKIP LOCKED
"""


async def lock_if_sending(tx: Tx, campaign_id: int) -> Outgoing | None:
    """The campaign, held until the transaction ends; None where it is stopped or rests, its lease is over or another copy holds it."""
    row = await tx.fetchrow(LOCK_IF_SENDING, campaign_id)
    if row is None:
        return None
    columns = dict(row)
    pace = [columns.pop(name) for name in ("per_minute", "spread_until", "windows", "paced_to")]
    return Outgoing(**columns, pace=Pace(pace[0], pace[1], read(pace[2]), pace[3]))


# Reads at most OPEN_SPAN rows, however large the campaign.
OPEN_AMONG_THE_LAST = """
SELECT count(*)::int FROM (
    SELECT FROM recipients
    WHERE campaign_id = $1 AND position > $2::int - $3::int AND position <= $2 AND state IS NULL LIMIT $4
) open
"""


async def open_among_the_last(tx: Tx, campaign: Outgoing) -> int:
    """How many of the OPEN_SPAN handed over last have not ended; no more than OPEN_MAX are counted."""
    count: int = await tx.fetchval(OPEN_AMONG_THE_LAST, campaign.id, campaign.checkpoint, OPEN_SPAN, OPEN_MAX)
    return count


NEXT_RECIPIENTS = """
SELECT text_id, position, number, body FROM recipients WHERE campaign_id = $1 AND position > $2 AND position <= $2 + $3
ORDER BY position
"""


async def next_recipients(tx: Tx, campaign: Outgoing, count: int) -> list[dict[str, Any]]:
    """As the contract's Recipient."""
    rows = await tx.fetch(NEXT_RECIPIENTS, campaign.id, campaign.checkpoint, count)
    return [
        {"id": str(id_), "position": position, "number": f"+{number}", "body": body}
        for id_, position, number, body in rows
    ]


MOVE_CHECKPOINT_IF_SENDING = """
UPDATE campaigns SET checkpoint = $2, paced_to = $3 WHERE id = $1 AND state = 'sending' AND checkpoint < $2
"""


async def move_checkpoint_if_sending(tx: Tx, campaign_id: int, checkpoint: int, paced_to: datetime | None) -> bool:
    return await tx.execute(MOVE_CHECKPOINT_IF_SENDING, campaign_id, checkpoint, paced_to) == "UPDATE 1"


# The text's id is compared too: news of a text that is not this recipient's changes nothing. A true end is never left, whatever the version:
# what is tallied (reports/) stays so.
SETTLE_IF_NEWER = """
UPDATE recipients r SET state = s.state, reason = nullif(s.reason, ''), version = s.version, settled_at = s.at, parts = s.parts, took_ms = s.took_ms
FROM unnest($1::int[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::timestamptz[], $8::smallint[], $9::int[])
    AS s (campaign_id, position, text_id, state, reason, version, at, parts, took_ms)
WHERE r.campaign_id = s.campaign_id AND r.position = s.position AND r.text_id = s.text_id AND r.version < s.version
    AND (r.state IS NULL OR r.state = 'in_doubt')
"""


async def settle_if_newer(tx: Tx, ends: Sequence[SettledText]) -> int:
    """How many recipients' states changed."""
    status = await tx.execute(
        SETTLE_IF_NEWER,
        [end.campaign_id for end in ends],
        [end.position for end in ends],
        [end.id for end in ends],
        [end.state for end in ends],
        [end.reason for end in ends],
        [end.version for end in ends],
        [end.at for end in ends],
        [end.parts for end in ends],
        [end.took_ms for end in ends],
    )
    return int(status.split()[-1])


# An end is final for the count (in_doubt may only become a better end), so the search goes on where the last one ended. It reads at most ENDED_MAX rows
# of a campaign, and goes on while they are handed over, so that no step has a million to look through when the last has left.
FIRST_OPEN = """
SELECT c.id, coalesce(first.position - 1, least(c.ended_to + $1, c.checkpoint)) AS ended_to, c.ended_to AS looked_from
FROM campaigns c LEFT JOIN LATERAL (
    SELECT r.position FROM recipients r
    WHERE r.campaign_id = c.id AND r.position > c.ended_to AND r.position <= least(c.ended_to + $1, c.checkpoint) AND r.state IS NULL
    ORDER BY r.position LIMIT 1
) first ON true
WHERE c.state IN ('sending', 'paused') AND c.ended_to < c.checkpoint AND coalesce(first.position, 0) <> c.ended_to + 1
"""

KEEP_ENDED_TO = """
UPDATE campaigns c SET ended_to = f.ended_to FROM unnest($1::int[], $2::int[]) AS f (id, ended_to)
WHERE c.id = f.id AND c.ended_to < f.ended_to
"""


async def move_ended_to(tx: Tx) -> int:
    """How many campaigns have more to look at."""
    ended = await tx.fetch(FIRST_OPEN, ENDED_MAX)
    if ended:
        await tx.execute(KEEP_ENDED_TO, [row["id"] for row in ended], [row["ended_to"] for row in ended])
    return sum(row["ended_to"] - row["looked_from"] == ENDED_MAX for row in ended)


FINISH_IF_ALL_ENDED = """
UPDATE campaigns SET state = 'finished', finished_at = clock_timestamp(), why = ''
WHERE state IN ('sending', 'paused') AND frozen_at IS NOT NULL AND checkpoint = targeted AND ended_to = targeted
RETURNING id
"""


async def finish_if_all_ended(tx: Tx) -> list[int]:
    """The campaigns whose last recipient has ended."""
    return [row["id"] for row in await tx.fetch(FINISH_IF_ALL_ENDED)]
