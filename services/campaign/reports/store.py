"""What the rows say about campaigns. Progress and books are one statement a campaign, so one snapshot: they balance while it runs.

Progress is the tallies, their late ones and a count of the spans that have none; the books count the rows themselves. What is only frozen for a dry
run is no campaign.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from libs.common.contracts.campaign import CampaignState, Outcome, ReportRow
from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.campaign.recipients.rules import OPEN_SPAN
from services.campaign.reports.rules import ENDED_SPANS, LATE_MAX, RUNNING_SPANS, TALLY_SPAN, Campaign, Count

Span = tuple[int, int]  # a campaign's id, and which span of its positions

# What is looked up is so one by one, in subqueries: as joins these were planned for the statistics of a table that was empty a second ago, and read
# all of it for each span.
PROGRESS = """
SELECT c.id, c.title, c.state, c.why, c.targeted, c.checkpoint, c.excluded, c.incomplete, c.starts_at, c.expires_at, c.launched_at, c.finished_at,
    (SELECT coalesce(sum(numbers), 0)::int FROM links WHERE campaign_id = c.id) AS read, e.ended {counted}
FROM campaigns c
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(state, recipients), '{{}}') AS ended FROM (
        SELECT state, sum(recipients) AS recipients FROM (
            SELECT s.state, s.recipients::int FROM tallies t, jsonb_each_text(t.ended) AS s (state, recipients) WHERE t.campaign_id = c.id
            UNION ALL
            SELECT late.* FROM tallies t CROSS JOIN LATERAL (
                SELECT r.state, count(*) FROM recipients r WHERE r.campaign_id = c.id AND r.position = ANY(t.late) GROUP BY r.state
            ) late WHERE t.campaign_id = c.id AND t.late <> '{{}}'
            UNION ALL
            SELECT untallied.* FROM generate_series(0, (c.checkpoint - 1) / $3::int) AS spans (span) CROSS JOIN LATERAL (
                SELECT r.state, count(*) FROM recipients r
                WHERE r.campaign_id = c.id AND r.position > spans.span * $3 AND r.position <= least((spans.span + 1) * $3, c.checkpoint)
                    AND (SELECT t.span FROM tallies t WHERE t.campaign_id = c.id AND t.span = spans.span) IS NULL
                GROUP BY r.state
            ) untallied
        ) found WHERE state IS NOT NULL GROUP BY state
    ) sums
) e
WHERE c.id = $1::bigint AND ($2::int = 0 OR c.company_id = $2) AND c.dry_run_of IS NULL
"""
READ_PROGRESS = PROGRESS.format(counted="")


async def progress(tx: Tx, company_id: int, campaign_id: int) -> Campaign | None:
    row = await tx.fetchrow(READ_PROGRESS, campaign_id, company_id, TALLY_SPAN)
    return None if row is None else _campaign(row)


COUNTED = """, (
    SELECT coalesce(jsonb_agg(n), '[]') FROM (
        SELECT state, count(*) AS recipients, count(*) FILTER (WHERE position > c.checkpoint) AS behind, max(position) AS last_position
        FROM recipients WHERE campaign_id = c.id GROUP BY state
    ) n
) AS counted, (
    SELECT count(*)::int FROM (SELECT FROM recipients WHERE campaign_id = c.id GROUP BY number HAVING count(*) > 1) d
) AS doubled"""
COUNT = PROGRESS.format(counted=COUNTED)


async def count(tx: Tx, campaign_id: int) -> tuple[Campaign, Count]:
    """Reads each of the campaign's recipients."""
    row = await tx.fetchrow(COUNT, campaign_id, 0, TALLY_SPAN)
    assert row is not None, "campaigns are not deleted"
    counted = orjson.loads(row["counted"])
    ended = [of for of in counted if of["state"] is not None]
    return _campaign(row), Count(
        open=sum(of["recipients"] for of in counted if of["state"] is None),
        ended={State(of["state"]): of["recipients"] for of in ended},
        ended_early=sum(of["behind"] for of in ended),
        last_position=max((of["last_position"] for of in counted), default=0),
        doubled=row["doubled"],
    )


def _campaign(row: Record) -> Campaign:
    own = {name: row[name] for name in Campaign.__slots__ if name not in ("state", "ended")}
    ended = {State(state): number for state, number in orjson.loads(row["ended"]).items()}
    return Campaign(**own, state=CampaignState(row["state"]), ended=ended)


NEWEST = "SELECT id FROM campaigns WHERE dry_run_of IS NULL ORDER BY id DESC LIMIT $1"


async def newest(tx: Tx, limit: int) -> list[int]:
    return [row["id"] for row in await tx.fetch(NEWEST, limit)]


OUTBOX = "SELECT count(*)::int FROM outbox"


async def outbox(tx: Tx) -> int:
    """How many events wait to be published."""
    number: int = await tx.fetchval(OUTBOX)
    return number


# Spans that are not summed, or have late ones: any of them, so that those with a text that takes days keep no other waiting.
UNTALLIED = """
SELECT c.id, spans.span FROM ({campaigns}) c CROSS JOIN LATERAL generate_series(0, c.until / $1 - 1) AS spans (span)
WHERE (SELECT t.late = '{{}}' FROM tallies t WHERE t.campaign_id = c.id AND t.span = spans.span) IS NOT TRUE
ORDER BY random() LIMIT $2
"""
# While it is handed over the last OPEN_SPAN are in flight, and left alone; then what the last position stands in is a span too.
UNTALLIED_OF_RUNNING = UNTALLIED.format(
    campaigns="""
    SELECT id, CASE WHEN checkpoint = targeted THEN checkpoint + $1 - 1 ELSE checkpoint - $3 END AS until FROM campaigns
    WHERE state IN ('sending', 'paused') AND checkpoint > 0"""
)
UNTALLIED_OF_ENDED = UNTALLIED.format(
    campaigns="""
    SELECT id, checkpoint + $1 - 1 AS until FROM (SELECT * FROM campaigns ORDER BY id DESC LIMIT $3) newest
    WHERE state IN ('stopped', 'expired', 'finished')"""
)


async def untallied_of_running(tx: Tx) -> list[Span]:
    rows = await tx.fetch(UNTALLIED_OF_RUNNING, TALLY_SPAN, RUNNING_SPANS, OPEN_SPAN)
    return [(row["id"], row["span"]) for row in rows]


async def untallied_of_ended(tx: Tx, newest: int) -> list[Span]:
    """Of the `newest` campaigns."""
    rows = await tx.fetch(UNTALLIED_OF_ENDED, TALLY_SPAN, ENDED_SPANS, newest)
    return [(row["id"], row["span"]) for row in rows]


# A final end is never left, so each snapshot of a span stays true as long as its late ones are looked up. The newer one has fewer of them.
TALLY = """
INSERT INTO tallies AS t (campaign_id, span, ended, late)
SELECT s.campaign_id, s.span, n.ended, l.late
FROM unnest($1::int[], $2::int[]) AS s (campaign_id, span) JOIN campaigns c ON c.id = s.campaign_id
CROSS JOIN LATERAL (
    SELECT ARRAY (
        SELECT r.position FROM recipients r
        WHERE r.campaign_id = s.campaign_id AND r.position > s.span * $3 AND r.position <= least((s.span + 1) * $3, c.checkpoint)
            AND (r.state IS NULL OR r.state = 'in_doubt')
        ORDER BY r.position LIMIT $4 + 1
    ) AS late
) l
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(state, recipients), '{}') AS ended FROM (
        SELECT r.state, count(*) AS recipients FROM recipients r
        WHERE r.campaign_id = s.campaign_id AND r.position > s.span * $3 AND r.position <= least((s.span + 1) * $3, c.checkpoint)
            AND r.state <> 'in_doubt'
        GROUP BY r.state
    ) ends
) n
WHERE cardinality(l.late) <= $4
ORDER BY s.campaign_id, s.span
ON CONFLICT (campaign_id, span) DO UPDATE SET ended = excluded.ended, late = excluded.late WHERE cardinality(excluded.late) < cardinality(t.late)
"""


async def tally(tx: Tx, spans: Sequence[Span]) -> None:
    """Sums up those that have few enough without a final end."""
    if spans:
        await tx.execute(TALLY, [id_ for id_, _ in spans], [span for _, span in spans], TALLY_SPAN, LATE_MAX)


OUTCOMES = """
SELECT state, coalesce(reason, '') AS reason, count(*)::int AS recipients, coalesce(sum(parts), 0)::int AS parts
FROM recipients WHERE campaign_id = $1 AND state IS NOT NULL GROUP BY state, reason
"""


async def outcomes(tx: Tx, campaign_id: int) -> tuple[list[Outcome], int]:
    """By state and reason, and how many parts carriers took. Reads each of its recipients."""
    rows = await tx.fetch(OUTCOMES, campaign_id)
    return [Outcome(**{**row, "state": State(row["state"])}) for row in rows], sum(row["parts"] for row in rows)


TOOK_MS = """
SELECT percentile_disc(ARRAY[0.5, 0.9, 0.99, 1]) WITHIN GROUP (ORDER BY took_ms)
FROM recipients WHERE campaign_id = $1 AND state = 'delivered' AND took_ms IS NOT NULL
"""


async def took_ms(tx: Tx, campaign_id: int) -> list[int] | None:
    """The percentiles 50, 90, 99 and 100. Reads each of its recipients."""
    percentiles: list[int] | None = await tx.fetchval(TOOK_MS, campaign_id)
    return percentiles


REPLIES = """
SELECT count(*) FILTER (WHERE NOT opt_out)::int, count(DISTINCT position) FILTER (WHERE opt_out)::int FROM replies WHERE campaign_id = $1
"""


async def replies(tx: Tx, campaign_id: int) -> tuple[int, int]:
    """How many texts came back, and how many recipients opted out."""
    row = await tx.fetchrow(REPLIES, campaign_id)
    assert row is not None
    return row[0], row[1]


EXISTS = "SELECT 1 FROM campaigns WHERE id = $1::bigint AND company_id = $2 AND dry_run_of IS NULL"

ROWS = """
SELECT r.position, r.number, r.state, coalesce(r.reason, '') AS reason, coalesce(r.parts, 0) AS parts, r.settled_at, r.took_ms
FROM recipients r WHERE r.campaign_id = $1 AND r.position > $2::bigint ORDER BY r.position LIMIT $3
"""
REPLIED = """
SELECT position, bool_or(NOT opt_out) AS replied, bool_or(opt_out) AS opted_out FROM replies
WHERE campaign_id = $1 AND position > $2::bigint AND position <= $3 GROUP BY position
"""


async def exists(tx: Tx, company_id: int, campaign_id: int) -> bool:
    return await tx.fetchval(EXISTS, campaign_id, company_id) is not None


async def rows(tx: Tx, campaign_id: int, after: int, limit: int) -> list[ReportRow]:
    """The recipients past position `after`, in its order."""
    page = await tx.fetch(ROWS, campaign_id, after, limit)
    if not page:
        return []
    replied = {row["position"]: row for row in await tx.fetch(REPLIED, campaign_id, after, page[-1]["position"])}
    return [_report_row(row, replied.get(row["position"])) for row in page]


def _report_row(row: Record, replied: Record | None) -> ReportRow:
    return ReportRow.model_construct(
        position=row["position"],
        number=f"+{row['number']}",
        state=None if row["state"] is None else State(row["state"]),
        reason=row["reason"],
        parts=row["parts"],
        settled_at=row["settled_at"],
        took_ms=row["took_ms"],
        replied=replied is not None and replied["replied"],
        opted_out=replied is not None and replied["opted_out"],
    )
