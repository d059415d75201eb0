"""The recipients' rows and the campaign's columns that say how far they are: targeted, checkpoint, ended_to.

Each step of a loop locks its campaign's row first: a stop and a step never run at once, and of two copies one steps aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.campaign import Recipient
from libs.common.contracts.messaging import SettledText
from libs.common.db import Tx
from services.campaign.recipients.rules import OPEN_MAX, OPEN_SPAN, Outgoing

FREEZE_LEASE_S = (
    10  # how long a freezer has for one page; then another copy may read it too, and the link's guard lets one in
)


@dataclass(frozen=True, slots=True)
class PageToFreeze:
    """The next page of one of the campaign's lists: after key `read_to`."""

    campaign_id: int
    company_id: int
    list_id: int
    read_to: int
    read_until: int | None


# The campaign that was longest not looked at; of its lists the first that is not read whole.
CLAIM_IF_FREEZING = """
UPDATE campaigns c SET freeze_again_at = clock_timestamp() + make_interval(secs => $1)
FROM (
    SELECT id FROM campaigns WHERE state = 'freezing' AND freeze_again_at <= clock_timestamp()
    ORDER BY freeze_again_at LIMIT 1 FOR UPDATE SKIP LOCKED
) free, LATERAL (
    SELECT list_id, read_to, read_until FROM links WHERE campaign_id = free.id AND NOT complete ORDER BY list_id LIMIT 1
) l
WHERE c.id = free.id AND c.state = 'freezing'
RETURNING c.id AS campaign_id, c.company_id, l.list_id, l.read_to, l.read_until
"""


async def claim_if_freezing(tx: Tx) -> PageToFreeze | None:
    row = await tx.fetchrow(CLAIM_IF_FREEZING, FREEZE_LEASE_S)
    return None if row is None else PageToFreeze(**row)


LOCK_IF_FREEZING = "SELECT targeted FROM campaigns WHERE id = $1 AND state = 'freezing' FOR UPDATE"

MOVE_LINK_IF_UNMOVED = """
UPDATE links SET read_to = $4, read_until = $5, complete = $6, numbers = numbers + $7
WHERE campaign_id = $1 AND list_id = $2 AND read_to = $3 AND NOT complete
"""


async def lock_if_page_is_next(
    tx: Tx, page: PageToFreeze, last: int, until: int, more: bool, numbers: int
) -> int | None:
    """Moves the link past the page and answers how many recipients there are before it; None where the campaign was stopped or a copy was faster."""
    targeted: int | None = await tx.fetchval(LOCK_IF_FREEZING, page.campaign_id)
    if targeted is None:
        return None
    moved = await tx.execute(
        MOVE_LINK_IF_UNMOVED, page.campaign_id, page.list_id, page.read_to, last, until, not more, numbers
    )
    return targeted if moved == "UPDATE 1" else None


# Positions are dense: numbers that an earlier page brought are left out before they are counted. The lock on the campaign makes that exact.
# They are looked up one by one: as NOT EXISTS it becomes a join, which was planned for the statistics of a table that was empty a second
# ago, and took 5 s a page instead of 60 ms.
FREEZE = """
INSERT INTO recipients (campaign_id, position, number, text_id)
SELECT $1, $2 + row_number() OVER (ORDER BY n.place), n.number, n.text_id
FROM unnest($3::bigint[], $4::uuid[]) WITH ORDINALITY AS n (number, text_id, place)
WHERE (SELECT r.position FROM recipients r WHERE r.campaign_id = $1 AND r.number = n.number) IS NULL
"""


async def freeze(tx: Tx, campaign_id: int, targeted: int, numbers: Sequence[int], text_ids: Sequence[UUID]) -> int:
    """Appends those of `numbers` (each once) that are not there yet; how many recipients there are then."""
    status = await tx.execute(FREEZE, campaign_id, targeted, numbers, text_ids)
    return targeted + int(status.split()[-1])


RELEASE = "UPDATE campaigns SET targeted = $2, freeze_again_at = clock_timestamp() WHERE id = $1"

SEND_IF_FROZEN_WHOLE = """
UPDATE campaigns SET state = 'sending', frozen_at = clock_timestamp()
WHERE id = $1 AND state = 'freezing' AND NOT EXISTS (SELECT FROM links WHERE campaign_id = $1 AND NOT complete)
"""


async def release(tx: Tx, campaign_id: int, targeted: int) -> bool:
    """Stores how many there are, lets the next page be claimed, and where there is none the campaign be sent; whether it will be."""
    await tx.execute(RELEASE, campaign_id, targeted)
    return await tx.execute(SEND_IF_FROZEN_WHOLE, campaign_id) == "UPDATE 1"


SENDING = "SELECT id FROM campaigns WHERE state = 'sending' AND checkpoint < targeted ORDER BY id"


async def sending(tx: Tx) -> list[int]:
    """Campaigns with recipients that wait to be handed over."""
    return [row["id"] for row in await tx.fetch(SENDING)]


LOCK_IF_SENDING = """
SELECT id, company_id, sender, body, expires_at, targeted, checkpoint, test
FROM campaigns WHERE id = $1 AND state = 'sending' AND (expires_at IS NULL OR expires_at > now())
FOR UPDATE SKIP LOCKED
"""


async def lock_if_sending(tx: Tx, campaign_id: int) -> Outgoing | None:
    """The campaign, held until the transaction ends; None where it is stopped, its lease is over or another copy holds it."""
    row = await tx.fetchrow(LOCK_IF_SENDING, campaign_id)
    return None if row is None else Outgoing(**row)


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
SELECT text_id, position, number FROM recipients WHERE campaign_id = $1 AND position > $2 AND position <= $2 + $3
ORDER BY position
"""


async def next_recipients(tx: Tx, campaign: Outgoing, count: int) -> list[Recipient]:
    rows = await tx.fetch(NEXT_RECIPIENTS, campaign.id, campaign.checkpoint, count)
    return [Recipient(id=id_, position=position, number=f"+{number}") for id_, position, number in rows]


MOVE_CHECKPOINT_IF_SENDING = (
    "UPDATE campaigns SET checkpoint = $2 WHERE id = $1 AND state = 'sending' AND checkpoint < $2"
)


async def move_checkpoint_if_sending(tx: Tx, campaign_id: int, checkpoint: int) -> bool:
    return await tx.execute(MOVE_CHECKPOINT_IF_SENDING, campaign_id, checkpoint) == "UPDATE 1"


# The text's id is compared too: news of a text that is not this recipient's changes nothing.
SETTLE_IF_NEWER = """
UPDATE recipients r SET state = s.state, reason = nullif(s.reason, ''), version = s.version, settled_at = s.at
FROM unnest($1::int[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::timestamptz[])
    AS s (campaign_id, position, text_id, state, reason, version, at)
WHERE r.campaign_id = s.campaign_id AND r.position = s.position AND r.text_id = s.text_id AND r.version < s.version
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
    )
    return int(status.split()[-1])


# An end is final for the count (in_doubt may only become a better end), so the search goes on where the last one ended.
FIRST_OPEN = """
SELECT c.id, coalesce(first.position - 1, c.targeted) AS ended_to
FROM campaigns c LEFT JOIN LATERAL (
    SELECT r.position FROM recipients r WHERE r.campaign_id = c.id AND r.position > c.ended_to AND r.state IS NULL
    ORDER BY r.position LIMIT 1
) first ON true
WHERE c.state = 'sending' AND c.checkpoint = c.targeted
"""

KEEP_ENDED_TO = """
UPDATE campaigns c SET ended_to = f.ended_to FROM unnest($1::int[], $2::int[]) AS f (id, ended_to)
WHERE c.id = f.id AND c.ended_to < f.ended_to
"""

FINISH_IF_ALL_ENDED = """
UPDATE campaigns SET state = 'finished', finished_at = clock_timestamp()
WHERE state = 'sending' AND checkpoint = targeted AND ended_to = targeted
RETURNING id
"""


async def finish_if_all_ended(tx: Tx) -> list[int]:
    """The campaigns whose last recipient has ended."""
    ended = await tx.fetch(FIRST_OPEN)
    if not ended:
        return []
    await tx.execute(KEEP_ENDED_TO, [row["id"] for row in ended], [row["ended_to"] for row in ended])
    return [row["id"] for row in await tx.fetch(FINISH_IF_ALL_ENDED)]
