"""The pages of a campaign's lists, and the rows of its recipients as they are made: `targeted`, what is left out, and the links' columns.

Each step locks its campaign's row first: a stop and a step never run at once, and of two copies one steps aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

from libs.common.contracts.phonelist import RecipientsPage
from libs.common.db import Tx
from libs.common.ids import uuid7s
from services.campaign.freezing.rules import Chosen, IncompleteRow

FREEZE_LEASE_S = (
    10  # how long a freezer has for one page; then another copy may read it too, and the link's guard lets one in
)
INCOMPLETE_ROWS_MAX = 1_000  # that are kept; all are counted


@dataclass(frozen=True, slots=True)
class Page:
    """The next page of one of the campaign's lists: after key `read_to`, where `numbers` were read before it."""

    campaign_id: int
    company_id: int
    body: str
    personal: bool
    dry_run: bool
    list_id: int
    exclude: bool
    read_to: int
    read_until: int | None
    numbers: int
    first: bool  # of the campaign's lists: nothing was read of another, so none of its numbers can be known already

    def after(self, read: RecipientsPage) -> Page:
        """The list's next one, where there is more."""
        numbers = self.numbers + len(read.numbers)
        return replace(self, read_to=read.last, read_until=read.until, numbers=numbers)


# The campaign that was longest not looked at; of its lists those that exclude come before the others, else that which was linked first.
CLAIM_IF_FREEZING = """
UPDATE campaigns c SET freeze_again_at = clock_timestamp() + make_interval(secs => $1)
FROM (
    SELECT id FROM campaigns WHERE state = 'freezing' AND frozen_at IS NULL AND freeze_again_at <= clock_timestamp()
    ORDER BY freeze_again_at LIMIT 1 FOR UPDATE SKIP LOCKED
) free, LATERAL (
    SELECT list_id, exclude, read_to, read_until, numbers FROM links WHERE campaign_id = free.id AND NOT complete
    ORDER BY exclude DESC, place LIMIT 1
) l
WHERE c.id = free.id AND c.state = 'freezing'
RETURNING c.id AS campaign_id, c.company_id, c.body, c.personal, c.dry_run_of IS NOT NULL AS dry_run,
    l.list_id, l.exclude, l.read_to, l.read_until, l.numbers,
    NOT EXISTS (SELECT FROM links WHERE campaign_id = c.id AND complete) AS first
"""


async def claim_if_freezing(tx: Tx) -> Page | None:
    row = await tx.fetchrow(CLAIM_IF_FREEZING, FREEZE_LEASE_S)
    return None if row is None else Page(**row)


@dataclass(slots=True)
class Counts:
    """The campaign's own, as they are and as they will be."""

    targeted: int
    excluded: int
    incomplete: int


LOCK_IF_FREEZING = """
SELECT targeted, excluded, incomplete FROM campaigns WHERE id = $1 AND state = 'freezing' AND frozen_at IS NULL FOR UPDATE
"""

MOVE_LINK_IF_UNMOVED = """
UPDATE links SET read_to = $4, read_until = $5, complete = NOT $6, numbers = numbers + CASE WHEN exclude THEN 0 ELSE $7 END
WHERE campaign_id = $1 AND list_id = $2 AND read_to = $3 AND NOT complete
"""


async def lock_if_page_is_next(tx: Tx, page: Page, read: RecipientsPage) -> Counts | None:
    """Moves the link past the page and answers the campaign's counts before it; None where the campaign was stopped or a copy was faster."""
    row = await tx.fetchrow(LOCK_IF_FREEZING, page.campaign_id)
    if row is None:
        return None
    moved = await tx.execute(
        MOVE_LINK_IF_UNMOVED,
        page.campaign_id,
        page.list_id,
        page.read_to,
        read.last,
        read.until,
        read.more,
        len(read.numbers),
    )
    return Counts(**row) if moved == "UPDATE 1" else None


EXCLUDE = "INSERT INTO excluded_numbers (campaign_id, number) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING"


async def exclude(tx: Tx, campaign_id: int, numbers: Sequence[int]) -> None:
    await tx.execute(EXCLUDE, campaign_id, numbers)


# They are looked up one by one: as EXISTS it becomes a join, which was planned for the statistics of a table that was empty a second
# ago, and took 5 s a page instead of 60 ms.
FIND_LEFT_OUT = """
SELECT number, excluded FROM (
    SELECT n.number,
        (SELECT true FROM excluded_numbers e WHERE e.campaign_id = $1 AND e.number = n.number) AS excluded,
        (SELECT true FROM recipients r WHERE r.campaign_id = $1 AND r.number = n.number) AS there
    FROM unnest($2::bigint[]) AS n (number)
) looked_up WHERE excluded OR there
"""


async def left_out(tx: Tx, campaign_id: int, numbers: Sequence[int]) -> dict[int, bool]:
    """Those that get nothing from this page: that are excluded (True), or that an earlier list brought."""
    rows = await tx.fetch(FIND_LEFT_OUT, campaign_id, numbers)
    return {row["number"]: row["excluded"] is not None for row in rows}


RECIPIENT = ("campaign_id", "position", "number", "text_id")


async def append(tx: Tx, campaign_id: int, targeted: int, chosen: Chosen) -> None:
    """After position `targeted`, one after the other: positions are dense. The lock on the campaign makes that exact."""
    positions, ids = range(targeted + 1, targeted + 1 + len(chosen.numbers)), uuid7s(len(chosen.numbers))
    columns: list[Iterable[object]] = [repeat(campaign_id, len(ids)), positions, chosen.numbers, ids]
    if chosen.bodies is None:
        await tx.copy("recipients", RECIPIENT, list(zip(*columns, strict=True)))
    else:
        await tx.copy("recipients", (*RECIPIENT, "body"), list(zip(*columns, chosen.bodies, strict=True)))


INCOMPLETE = ("campaign_id", "list_id", "place", "number", "missing")


async def keep_incomplete(tx: Tx, page: Page, before: int, rows: Sequence[IncompleteRow]) -> None:
    """The first INCOMPLETE_ROWS_MAX of the campaign, of which there are `before` already."""
    if kept := rows[: max(0, INCOMPLETE_ROWS_MAX - before)]:
        values = [(page.campaign_id, page.list_id, row.place, row.number, row.missing) for row in kept]
        await tx.copy("incomplete_rows", INCOMPLETE, values)


RELEASE = """
UPDATE campaigns SET targeted = $2, excluded = $3, incomplete = $4, freeze_again_at = clock_timestamp() + make_interval(secs => $5)
WHERE id = $1
"""


async def release(tx: Tx, campaign_id: int, counts: Counts, *, keep: bool) -> None:
    """Stores the counts; the campaign's next page is this freezer's with `keep`, else anybody's."""
    lease_s = FREEZE_LEASE_S if keep else 0
    await tx.execute(RELEASE, campaign_id, counts.targeted, counts.excluded, counts.incomplete, lease_s)


SEND_IF_FROZEN_WHOLE = """
UPDATE campaigns SET state = 'sending', frozen_at = clock_timestamp()
WHERE id = $1 AND state = 'freezing' AND dry_run_of IS NULL
AND NOT EXISTS (SELECT FROM links WHERE campaign_id = $1 AND NOT complete)
"""


async def send_if_frozen_whole(tx: Tx, campaign_id: int) -> bool:
    return await tx.execute(SEND_IF_FROZEN_WHOLE, campaign_id) == "UPDATE 1"


# Of a campaign that is not frozen any more, whatever became of it. Each campaign's first number is found by key.
FORGET_EXCLUDED = """
WITH RECURSIVE holding (id) AS (
    SELECT min(campaign_id) FROM excluded_numbers
    UNION ALL
    SELECT (SELECT min(campaign_id) FROM excluded_numbers WHERE campaign_id > holding.id) FROM holding WHERE holding.id IS NOT NULL
)
DELETE FROM excluded_numbers e USING (
    SELECT x.campaign_id, x.number FROM (
        SELECT id FROM holding h
        WHERE id IS NOT NULL AND NOT EXISTS (
            SELECT FROM campaigns c WHERE c.id = h.id AND c.frozen_at IS NULL AND c.state IN ('freezing', 'paused')
        ) LIMIT 1
    ) over_, LATERAL (SELECT campaign_id, number FROM excluded_numbers WHERE campaign_id = over_.id LIMIT $1) x
) gone
WHERE e.campaign_id = gone.campaign_id AND e.number = gone.number
"""


async def forget_excluded(tx: Tx, limit: int) -> int:
    """How many rows were deleted, `limit` at most."""
    return int((await tx.execute(FORGET_EXCLUDED, limit)).split()[-1])


@dataclass(frozen=True, slots=True)
class Previewed:
    """A campaign's text and its lists, in the order of linking."""

    sender: str
    body: str
    personal: bool
    lists: Sequence[int]
    excluding: Sequence[int]


PREVIEWED = """
SELECT sender, body, personal,
    ARRAY (SELECT list_id FROM links WHERE campaign_id = c.id AND NOT exclude ORDER BY place) AS lists,
    ARRAY (SELECT list_id FROM links WHERE campaign_id = c.id AND exclude ORDER BY place) AS excluding
FROM campaigns c WHERE id = $1::bigint AND company_id = $2 AND dry_run_of IS NULL
"""


async def previewed(tx: Tx, company_id: int, campaign_id: int) -> Previewed | None:
    row = await tx.fetchrow(PREVIEWED, campaign_id, company_id)
    return None if row is None else Previewed(**row)
