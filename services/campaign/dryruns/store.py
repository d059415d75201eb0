"""Dry runs and their campaigns: rows with `dry_run_of`, that are frozen as any other and go no further.

Such a campaign stays in the state freezing; `frozen_at` says that it is frozen, or will not be. No statement of other rooms that moves, shows or
counts campaigns takes one up. Its freezing lease, `freeze_again_at`, is the forecaster's later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.common.contracts.campaign import IncompleteRow
from libs.common.contracts.messaging import Forecast, ForecastItem
from libs.common.db import Tx
from services.campaign.dryruns.rules import NOTHING

FORECAST_LEASE_S = 30  # for a round; then another copy may do it too, and the guard on forecast_to lets one count

INSERT_TWIN = """
INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, lease_hours, state, personal, test, dry_run_of, starts_at, launched_at)
SELECT company_id, folder_id, title, body, brand, sender, 0, 'freezing', personal, test, id, now(), now()
FROM campaigns WHERE id = $1 AND state = 'draft'
RETURNING id
"""

# Ordered: it is the order of linking.
COPY_LINKS = """
INSERT INTO links (campaign_id, list_id, exclude, read_until)
SELECT $1, l.list_id, l.exclude, p.until
FROM links l JOIN unnest($3::int[], $4::bigint[]) AS p (list_id, until) ON p.list_id = l.list_id
WHERE l.campaign_id = $2 ORDER BY l.place
"""

INSERT_RUN = "INSERT INTO dry_runs (campaign_id, of_campaign) VALUES ($1, $2)"


async def begin(tx: Tx, campaign_id: int, pins: dict[int, int]) -> int:
    """A new run of the draft, which is locked; `pins`: the highest key of each of its lists. The run's id, which is its campaign's."""
    id_: int = await tx.fetchval(INSERT_TWIN, campaign_id)
    await tx.execute(COPY_LINKS, id_, campaign_id, list(pins), list(pins.values()))
    await tx.execute(INSERT_RUN, id_, campaign_id)
    return id_


# The campaign's row is locked before the run's, here as by the loops: nobody waits for each other.
FAIL_IF_OPEN = """
WITH halted AS (
    UPDATE campaigns c SET frozen_at = coalesce(c.frozen_at, clock_timestamp())
    FROM dry_runs d WHERE d.campaign_id = c.id AND d.{which} = $1 AND d.state IN ('freezing', 'forecasting')
    RETURNING c.id
)
UPDATE dry_runs d SET state = 'failed', ended_at = clock_timestamp(), trouble = $2
FROM halted WHERE d.campaign_id = halted.id AND d.state IN ('freezing', 'forecasting')
"""
FAIL_ONE = FAIL_IF_OPEN.format(which="campaign_id")
FAIL_EARLIER = FAIL_IF_OPEN.format(which="of_campaign")


async def fail_if_open(tx: Tx, campaign_id: int, trouble: str) -> None:
    await tx.execute(FAIL_ONE, campaign_id, trouble)


async def fail_earlier(tx: Tx, of_campaign: int, trouble: str) -> None:
    """Those runs of the draft that have not ended."""
    await tx.execute(FAIL_EARLIER, of_campaign, trouble)


FORECAST_IF_FROZEN_WHOLE = """
WITH frozen AS (
    UPDATE campaigns SET frozen_at = clock_timestamp()
    WHERE id = $1 AND state = 'freezing' AND frozen_at IS NULL AND dry_run_of IS NOT NULL
    AND NOT EXISTS (SELECT FROM links WHERE campaign_id = $1 AND NOT complete)
    RETURNING id
)
UPDATE dry_runs d SET state = 'forecasting' FROM frozen WHERE d.campaign_id = frozen.id AND d.state = 'freezing'
"""


async def forecast_if_frozen_whole(tx: Tx, campaign_id: int) -> bool:
    return await tx.execute(FORECAST_IF_FROZEN_WHOLE, campaign_id) == "UPDATE 1"


@dataclass(frozen=True, slots=True)
class Forecasting:
    """A run of which recipients up to `forecast_to` are forecast, which `found` sums up."""

    campaign_id: int
    company_id: int
    sender: str
    body: str
    test: bool
    targeted: int
    forecast_to: int
    found: Forecast


CLAIM_IF_FORECASTING = """
UPDATE campaigns c SET freeze_again_at = clock_timestamp() + make_interval(secs => $1)
FROM (
    SELECT c.id, d.forecast_to, d.found FROM dry_runs d JOIN campaigns c ON c.id = d.campaign_id
    WHERE d.state = 'forecasting' AND c.freeze_again_at <= clock_timestamp()
    ORDER BY c.freeze_again_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED
) free
WHERE c.id = free.id
RETURNING c.id AS campaign_id, c.company_id, c.sender, c.body, c.test, c.targeted, free.forecast_to, free.found
"""


async def claim_if_forecasting(tx: Tx) -> Forecasting | None:
    """The run that was longest not looked at, leased for a round."""
    row = await tx.fetchrow(CLAIM_IF_FORECASTING, FORECAST_LEASE_S)
    return None if row is None else Forecasting(**{**row, "found": _sums(row["found"])})


def _sums(found: str) -> Forecast:
    return NOTHING if found == "{}" else Forecast.model_validate_json(found)


NEXT_ITEMS = "SELECT number, body FROM recipients WHERE campaign_id = $1 AND position > $2 AND position <= $2 + $3 ORDER BY position"


async def next_items(tx: Tx, run: Forecasting, count: int) -> list[ForecastItem]:
    rows = await tx.fetch(NEXT_ITEMS, run.campaign_id, run.forecast_to, count)
    return [ForecastItem(number=f"+{row['number']}", body=row["body"]) for row in rows]


# `$5`: whether those were the last ones.
MOVE_IF_UNMOVED = """
WITH released AS (UPDATE campaigns SET freeze_again_at = clock_timestamp() WHERE id = $1 RETURNING id)
UPDATE dry_runs d SET forecast_to = $3, found = $4,
    state = CASE WHEN $5::bool THEN 'done' ELSE state END, ended_at = CASE WHEN $5 THEN clock_timestamp() END
FROM released WHERE d.campaign_id = released.id AND d.forecast_to = $2 AND d.state = 'forecasting'
"""


async def move_if_unmoved(tx: Tx, run: Forecasting, forecast_to: int, found: Forecast) -> bool:
    """Counts a round's forecast, once; not where another copy did, or the run was replaced."""
    last, sums = forecast_to == run.targeted, found.model_dump_json()
    return await tx.execute(MOVE_IF_UNMOVED, run.campaign_id, run.forecast_to, forecast_to, sums, last) == "UPDATE 1"


@dataclass(frozen=True, slots=True)
class Run:
    id: int
    campaign_id: int
    state: Literal["freezing", "forecasting", "done", "failed"]
    begun_at: datetime
    ended_at: datetime | None
    numbers: int
    recipients: int
    excluded: int
    incomplete: int
    forecast_to: int
    found: Forecast
    trouble: str


NEWEST = """
SELECT d.campaign_id AS id, d.of_campaign AS campaign_id, d.state, d.begun_at, d.ended_at, d.forecast_to, d.found, d.trouble,
    c.targeted AS recipients, c.excluded, c.incomplete,
    (SELECT coalesce(sum(l.numbers), 0)::int FROM links l WHERE l.campaign_id = c.id) AS numbers
FROM dry_runs d JOIN campaigns c ON c.id = d.campaign_id
WHERE d.of_campaign = $1::bigint AND c.company_id = $2
ORDER BY d.campaign_id DESC LIMIT 1
"""


async def newest(tx: Tx, company_id: int, of_campaign: int) -> Run | None:
    row = await tx.fetchrow(NEWEST, of_campaign, company_id)
    return None if row is None else Run(**{**row, "found": _sums(row["found"])})


INCOMPLETE = """
SELECT i.list_id, i.place AS row, i.number, i.missing FROM incomplete_rows i
JOIN links l ON l.campaign_id = i.campaign_id AND l.list_id = i.list_id
WHERE i.campaign_id = $1 ORDER BY l.place, i.place LIMIT $2
"""


async def incomplete(tx: Tx, campaign_id: int, limit: int) -> Sequence[IncompleteRow]:
    """The first ones, in the order in which they were read."""
    rows = await tx.fetch(INCOMPLETE, campaign_id, limit)
    return [IncompleteRow(**{**row, "number": f"+{row['number']}"}) for row in rows]


# Runs that have ended and still hold recipients, whose rows nobody reads any more.
CLEAR = """
WITH over_ AS (
    SELECT d.campaign_id FROM dry_runs d
    WHERE d.state IN ('done', 'failed')
    AND (SELECT r.position FROM recipients r WHERE r.campaign_id = d.campaign_id LIMIT 1) IS NOT NULL
    LIMIT 1
)
DELETE FROM recipients r USING (
    SELECT x.campaign_id, x.position FROM over_, LATERAL (
        SELECT campaign_id, position FROM recipients WHERE campaign_id = over_.campaign_id ORDER BY position LIMIT $1
    ) x
) gone
WHERE r.campaign_id = gone.campaign_id AND r.position = gone.position
"""


async def clear(tx: Tx, limit: int) -> int:
    """How many recipients of ended runs were deleted, `limit` at most."""
    return int((await tx.execute(CLEAR, limit)).split()[-1])


# Old ones, and those that a newer one replaced, once they hold no recipients.
OVER = """
SELECT d.campaign_id FROM dry_runs d
WHERE d.state IN ('done', 'failed')
AND (d.ended_at < clock_timestamp() - make_interval(days => $1)
    OR EXISTS (SELECT FROM dry_runs n WHERE n.of_campaign = d.of_campaign AND n.campaign_id > d.campaign_id))
AND (SELECT r.position FROM recipients r WHERE r.campaign_id = d.campaign_id LIMIT 1) IS NULL
LIMIT $2 FOR UPDATE SKIP LOCKED
"""
REMOVE = (
    "DELETE FROM incomplete_rows WHERE campaign_id = ANY($1::int[])",
    "DELETE FROM links WHERE campaign_id = ANY($1::int[])",
    "DELETE FROM campaigns WHERE id = ANY($1::int[]) AND dry_run_of IS NOT NULL",
)


async def remove(tx: Tx, older_than_days: int, limit: int) -> int:
    """How many runs were removed, `limit` at most."""
    ids = [row["campaign_id"] for row in await tx.fetch(OVER, older_than_days, limit)]
    if ids:
        for statement in REMOVE:
            await tx.execute(statement, ids)
    return len(ids)
