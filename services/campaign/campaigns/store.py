"""The campaigns and their links, as the user's commands change them. A guarded update names its guard.

Owns columns that a user moves; the loops' columns (freeze_again_at, checkpoint, ended_to) are recipients' and schedules'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.campaign import CampaignInfo, CampaignPage, CampaignState
from libs.common.db import Tx
from services.campaign.campaigns.rules import Draft, Known


@dataclass(frozen=True, slots=True)
class Campaign:
    """As locked by a command: until its transaction ends nothing is frozen or handed over."""

    id: int
    state: CampaignState
    sender: str
    body: str
    launch_at: datetime | None
    lease_hours: int
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
INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, launch_at, lease_hours, test)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
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
    )
    return id_


LOCK = """
SELECT id, state, sender, body, launch_at, lease_hours, targeted, checkpoint, test
FROM campaigns WHERE id = $1::bigint AND company_id = $2
FOR UPDATE
"""


async def lock(tx: Tx, company_id: int, campaign_id: int) -> Campaign | None:
    """The company's campaign, held until the transaction ends; None where it has none of that id."""
    row = await tx.fetchrow(LOCK, campaign_id, company_id)
    return None if row is None else Campaign(**{**row, "state": CampaignState(row["state"])})


INFO = """
SELECT id, title, body, sender, brand, folder_id, launch_at, lease_hours, state, test, created_at, launched_at, finished_at,
       ARRAY (SELECT list_id FROM links WHERE campaign_id = c.id ORDER BY list_id) AS list_ids
FROM campaigns c
WHERE company_id = $1
"""
SHOW = f"{INFO} AND id = $2::bigint"


async def show(tx: Tx, company_id: int, campaign_id: int) -> CampaignInfo | None:
    row = await tx.fetchrow(SHOW, company_id, campaign_id)
    return None if row is None else CampaignInfo(**row)


READ_PAGE = f"""
{INFO} AND id > $2::bigint AND ($3::bigint IS NULL OR folder_id = $3) AND ($4::text IS NULL OR state = $4)
ORDER BY id LIMIT $5
"""


async def page(
    tx: Tx, company_id: int, folder_id: int | None, state: CampaignState | None, after: int, limit: int
) -> CampaignPage:
    """The company's campaigns past `after`, of one folder and in one state where they are given."""
    rows = await tx.fetch(READ_PAGE, company_id, after, folder_id, state, limit + 1)
    return CampaignPage(items=[CampaignInfo(**row) for row in rows[:limit]], more=len(rows) > limit)


LINKED = "SELECT count(*)::int FROM links WHERE campaign_id = $1"


async def linked(tx: Tx, campaign_id: int) -> int:
    """How many lists the campaign is linked with."""
    count: int = await tx.fetchval(LINKED, campaign_id)
    return count


LINK = "INSERT INTO links (campaign_id, list_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def link(tx: Tx, campaign_id: int, list_id: int) -> bool:
    """Whether they were not linked before."""
    return await tx.execute(LINK, campaign_id, list_id) == "INSERT 0 1"


UNLINK = "DELETE FROM links WHERE campaign_id = $1 AND list_id = $2::bigint"


async def unlink(tx: Tx, campaign_id: int, list_id: int) -> bool:
    """Whether they were linked."""
    return await tx.execute(UNLINK, campaign_id, list_id) == "DELETE 1"


LAUNCH_IF_DRAFT = """
UPDATE campaigns SET state = 'launched', launched_at = now(), starts_at = $2, expires_at = $3
WHERE id = $1 AND state = 'draft'
"""


async def launch_if_draft(tx: Tx, campaign_id: int, starts_at: datetime, expires_at: datetime | None) -> bool:
    return await tx.execute(LAUNCH_IF_DRAFT, campaign_id, starts_at, expires_at) == "UPDATE 1"


DRAFT_AGAIN_IF_LAUNCHED = """
UPDATE campaigns SET state = 'draft', launched_at = NULL, starts_at = NULL, expires_at = NULL
WHERE id = $1 AND state = 'launched'
"""


async def draft_again_if_launched(tx: Tx, campaign_id: int) -> bool:
    return await tx.execute(DRAFT_AGAIN_IF_LAUNCHED, campaign_id) == "UPDATE 1"


STOP_IF_FREEZING_OR_SENDING = """
UPDATE campaigns SET state = 'stopped'
WHERE id = $1 AND state IN ('freezing', 'sending')
"""


async def stop_if_freezing_or_sending(tx: Tx, campaign_id: int) -> bool:
    return await tx.execute(STOP_IF_FREEZING_OR_SENDING, campaign_id) == "UPDATE 1"
