"""The campaigns and their links, as the user's commands change them. A guarded update names its guard.

Owns columns that a user moves; the loops' columns (freeze_again_at, checkpoint, ended_to) are recipients' and schedules'. What changes the course that
messaging is to steer answers the event that tells it, with a revision of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.campaign import CampaignInfo, CampaignPage, CampaignState, CampaignSteered
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.campaign.campaigns.rules import Draft, Known
from services.campaign.schedules import rules as schedules


@dataclass(frozen=True, slots=True)
class Campaign:
    """As locked by a command: until its transaction ends nothing is frozen or handed over."""

    id: int
    company_id: int
    state: CampaignState
    sender: str
    body: str
    launch_at: datetime | None
    lease_hours: int
    spread_until: datetime | None
    windows: schedules.Windows
    starts_at: datetime | None
    expires_at: datetime | None
    course_revision: int
    targeted: int
    checkpoint: int
    test: bool


KNOWN = """
SELECT (SELECT header FROM headers WHERE company_id = $1 AND header_key = $2 AND active) AS header,
       (SELECT name FROM brands WHERE company_id = $1 AND brand_key = $3 AND active) AS brand,
       EXISTS (SELECT FROM folders WHERE company_id = $1 AND folder_id = $4::bigint) AS folder,
       coalesce((SELECT opt_out_check FROM policies WHERE company_id = $1), 'warn') AS opt_out_check
"""


async def known(tx: Tx, company_id: int, header_key: str, brand_key: str, folder_id: int) -> Known:
    row = await tx.fetchrow(KNOWN, company_id, header_key, brand_key, folder_id)
    assert row is not None
    return Known(**row)


INSERT = """
INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, launch_at, lease_hours, test, personal, per_minute, spread_until, windows)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb)
RETURNING id
"""


async def insert(tx: Tx, company_id: int, draft: Draft, *, test: bool) -> int:
    """The new campaign's id."""
    id_: int = await tx.fetchval(
        INSERT,
        company_id,
        draft.folder_id,
        draft.title,
        draft.body,
        draft.brand,
        draft.sender,
        draft.launch_at,
        draft.lease_hours,
        test,
        draft.personal,
        draft.per_minute,
        draft.spread_until,
        schedules.to_json(draft.windows),
    )
    return id_


# What is only frozen, for a dry run, is nobody's campaign.
LOCK = """
SELECT id, company_id, state, sender, body, launch_at, lease_hours, spread_until, windows, starts_at, expires_at, course_revision, targeted,
    checkpoint, test
FROM campaigns WHERE id = $1::bigint AND company_id = $2 AND dry_run_of IS NULL
FOR UPDATE
"""


async def lock(tx: Tx, company_id: int, campaign_id: int) -> Campaign | None:
    """The company's campaign, held until the transaction ends; None where it has none of that id."""
    row = await tx.fetchrow(LOCK, campaign_id, company_id)
    if row is None:
        return None
    return Campaign(**{**row, "state": CampaignState(row["state"]), "windows": schedules.read(row["windows"])})


INFO = """
SELECT id, title, body, sender, brand, folder_id, launch_at, lease_hours, state, test, personal, per_minute, spread_until, windows, created_at,
       launched_at, finished_at,
       ARRAY (SELECT list_id FROM links WHERE campaign_id = c.id AND NOT exclude ORDER BY list_id) AS list_ids,
       ARRAY (SELECT list_id FROM links WHERE campaign_id = c.id AND exclude ORDER BY list_id) AS excluded_list_ids
FROM campaigns c
WHERE company_id = $1 AND dry_run_of IS NULL
"""
SHOW = f"{INFO} AND id = $2::bigint"


async def show(tx: Tx, company_id: int, campaign_id: int) -> CampaignInfo | None:
    row = await tx.fetchrow(SHOW, company_id, campaign_id)
    return None if row is None else _info(row)


def _info(row: Record) -> CampaignInfo:
    return CampaignInfo(**{**row, "windows": schedules.contracts(row["windows"])})


READ_PAGE = f"""
{INFO} AND id > $2::bigint AND ($3::bigint IS NULL OR folder_id = $3) AND ($4::text IS NULL OR state = $4)
ORDER BY id LIMIT $5
"""


async def page(
    tx: Tx, company_id: int, folder_id: int | None, state: CampaignState | None, after: int, limit: int
) -> CampaignPage:
    """The company's campaigns past `after`, of one folder and in one state where they are given."""
    rows = await tx.fetch(READ_PAGE, company_id, after, folder_id, state, limit + 1)
    return CampaignPage(items=[_info(row) for row in rows[:limit]], more=len(rows) > limit)


LINKED = "SELECT count(*)::int FROM links WHERE campaign_id = $1"


async def linked(tx: Tx, campaign_id: int) -> int:
    """How many lists the campaign is linked with."""
    count: int = await tx.fetchval(LINKED, campaign_id)
    return count


LINK = "INSERT INTO links (campaign_id, list_id, exclude) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


async def link(tx: Tx, campaign_id: int, list_id: int, exclude: bool) -> bool:
    """Whether they were not linked before."""
    return await tx.execute(LINK, campaign_id, list_id, exclude) == "INSERT 0 1"


UNLINK = "DELETE FROM links WHERE campaign_id = $1 AND list_id = $2::bigint"


async def unlink(tx: Tx, campaign_id: int, list_id: int) -> bool:
    """Whether they were linked."""
    return await tx.execute(UNLINK, campaign_id, list_id) == "DELETE 1"


TO_PIN = """
SELECT l.list_id, l.exclude FROM links l JOIN campaigns c ON c.id = l.campaign_id
WHERE c.id = $1::bigint AND c.company_id = $2 AND c.state = 'draft' AND c.dry_run_of IS NULL
"""


async def to_pin(tx: Tx, company_id: int, campaign_id: int) -> dict[int, bool]:
    """The lists that a draft is linked with, and whether their numbers are left out; none where there is no such draft."""
    return {row["list_id"]: row["exclude"] for row in await tx.fetch(TO_PIN, campaign_id, company_id)}


PIN = """
UPDATE links l SET read_until = p.until FROM unnest($2::int[], $3::bigint[]) AS p (list_id, until)
WHERE l.campaign_id = $1 AND l.list_id = p.list_id
"""


async def pin(tx: Tx, campaign_id: int, versions: Mapping[int, int]) -> int:
    """Of each list the highest key that is read when the recipients are frozen; how many of them are linked."""
    status = await tx.execute(PIN, campaign_id, list(versions), list(versions.values()))
    return int(status.split()[-1])


LAUNCH_IF_DRAFT = """
UPDATE campaigns SET state = 'launched', launched_at = now(), starts_at = $2, expires_at = $3, leave_out_incomplete = $4
WHERE id = $1 AND state = 'draft'
"""


async def launch_if_draft(
    tx: Tx, campaign_id: int, starts_at: datetime, expires_at: datetime | None, *, leave_out_incomplete: bool
) -> bool:
    return await tx.execute(LAUNCH_IF_DRAFT, campaign_id, starts_at, expires_at, leave_out_incomplete) == "UPDATE 1"


DRAFT_AGAIN_IF_LAUNCHED = """
UPDATE campaigns SET state = 'draft', launched_at = NULL, starts_at = NULL, expires_at = NULL, leave_out_incomplete = false
WHERE id = $1 AND state = 'launched'
"""


async def draft_again_if_launched(tx: Tx, campaign_id: int) -> bool:
    return await tx.execute(DRAFT_AGAIN_IF_LAUNCHED, campaign_id) == "UPDATE 1"


PAUSE_IF_FREEZING_OR_SENDING = """
UPDATE campaigns SET state = 'paused', why = $2, course_revision = course_revision + 1
WHERE id = $1 AND state IN ('freezing', 'sending')
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""


async def pause_if_freezing_or_sending(tx: Tx, campaign_id: int, why: str = "") -> CampaignSteered | None:
    """`why`: where nobody ordered it."""
    row = await tx.fetchrow(PAUSE_IF_FREEZING_OR_SENDING, campaign_id, why)
    return None if row is None else CampaignSteered(course="hold", **row)


# The freezer's lease is over: who held it left the page that it had read.
FREEZE_ON_IF_PAUSED = """
UPDATE campaigns SET state = 'freezing', why = '', freeze_again_at = '-infinity', course_revision = course_revision + 1
WHERE id = $1 AND state = 'paused' AND frozen_at IS NULL
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""
SEND_ON_IF_PAUSED = """
UPDATE campaigns SET state = 'sending', why = '', resting = $2, watched_from = checkpoint, course_revision = course_revision + 1
WHERE id = $1 AND state = 'paused' AND frozen_at IS NOT NULL
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""


async def resume_if_paused(tx: Tx, campaign_id: int, *, resting: bool) -> CampaignSteered | None:
    """Back to where it was paused. `resting`: outside its windows, so that messaging holds on to what it has."""
    if (row := await tx.fetchrow(FREEZE_ON_IF_PAUSED, campaign_id)) is not None:
        return CampaignSteered(course="go", **row)
    row = await tx.fetchrow(SEND_ON_IF_PAUSED, campaign_id, resting)
    return None if row is None else CampaignSteered(course="hold" if resting else "go", **row)


STOP_IF_BEGUN = """
UPDATE campaigns SET state = 'stopped', why = '', course_revision = course_revision + 1
WHERE id = $1 AND state IN ('freezing', 'sending', 'paused')
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision
"""


async def stop_if_begun(tx: Tx, campaign_id: int) -> CampaignSteered | None:
    row = await tx.fetchrow(STOP_IF_BEGUN, campaign_id)
    return None if row is None else CampaignSteered(course="stop", **row)


EXTEND_IF_RUNNING = """
UPDATE campaigns SET lease_hours = $2, expires_at = $3, course_revision = course_revision + 1
WHERE id = $1 AND state IN ('launched', 'freezing', 'sending', 'paused')
RETURNING company_id, id AS campaign_id, expires_at, course_revision AS revision, CASE WHEN state = 'paused' OR resting THEN 'hold' ELSE 'go' END AS course
"""


async def extend_if_running(
    tx: Tx, campaign_id: int, lease_hours: int, expires_at: datetime | None
) -> CampaignSteered | None:
    row = await tx.fetchrow(EXTEND_IF_RUNNING, campaign_id, lease_hours, expires_at)
    return None if row is None else CampaignSteered(**row)
