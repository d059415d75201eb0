"""SQL of sending: headers known, texts queued, campaigns' texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.contracts.campaign import CampaignSteered, RecipientsHandedOver
from libs.common.contracts.messaging import SteerCampaign
from libs.common.contracts.senders import Header
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.phone import sender_key
from services.messaging.sending.rules import HELD_S, Lane
from services.messaging.suppressions import rules as suppressions


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to be queued. A verification has a `code_rule`, the `code_place` in its body, and its `parts` counted, for its body is not kept."""

    id: UUID
    company_id: int
    number: str
    sender: str
    body: str
    test: bool
    expires_at: datetime
    code_rule: str | None = None
    code_place: str | None = None
    code_of: UUID | None = None
    parts: int | None = None
    reference: str = ""
    send_at: datetime | None = None


KNOWN_SENDERS = """
SELECT h.company_id, h.key, h.header
FROM headers h JOIN unnest($1::int[], $2::text[]) AS asked(company_id, key) USING (company_id, key)
WHERE h.active
"""


async def known_senders(tx: Tx, asked: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Of (company, sender key): the active headers, as auth writes them."""
    companies, keys = zip(*asked, strict=True) if asked else ((), ())
    rows = await tx.fetch(KNOWN_SENDERS, companies, keys)
    return {(row["company_id"], row["key"]): row["header"] for row in rows}


INSERT = """
INSERT INTO open_texts (id, company_id, lane, test, number, sender, body, code_rule, code_place, code_of, parts, client_reference, send_at, expires_at,
    route, decision, next_attempt_at)
SELECT id, company_id, $1, test, number, sender, body, code_rule, code_place, code_of, parts, nullif(client_reference, ''), send_at, expires_at,
    route, decision, coalesce(send_at, clock_timestamp())
FROM unnest($2::uuid[], $3::int[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::smallint[],
    $12::text[], $13::timestamptz[], $14::timestamptz[], $15::smallint[], $16::int[])
    AS t(id, company_id, test, number, sender, body, code_rule, code_place, code_of, parts, client_reference, send_at, expires_at, route, decision)
ON CONFLICT (id) DO NOTHING
"""


async def insert(tx: Tx, lane: Lane, drafts: Sequence[Draft], ways: Sequence[tuple[int, int]]) -> None:
    """`ways`: (carrier, decision) of each. An id that is there already is left as it is."""
    await tx.execute(
        INSERT,
        lane,
        [d.id for d in drafts],
        [d.company_id for d in drafts],
        [d.test for d in drafts],
        [d.number for d in drafts],
        [d.sender for d in drafts],
        [d.body for d in drafts],
        [d.code_rule for d in drafts],
        [d.code_place for d in drafts],
        [d.code_of for d in drafts],
        [d.parts for d in drafts],
        [d.reference for d in drafts],
        [d.send_at for d in drafts],
        [d.expires_at for d in drafts],
        [route for route, _ in ways],
        [decision for _, decision in ways],
    )


# Held until the end of the transaction: a claim skips them, and one that was quicker is waited for.
LOCK = """
SELECT id, company_id, state, test, campaign_id FROM open_texts
WHERE id = ANY($1::uuid[]) AND company_id = ANY($2::int[]) ORDER BY id FOR UPDATE
"""
ENDED = """
SELECT id, company_id, state, test, campaign_id FROM texts WHERE id = ANY($1::uuid[]) AND company_id = ANY($2::int[])
"""


async def lock(tx: Tx, asked: Collection[tuple[int, UUID]]) -> dict[tuple[int, UUID], Record]:
    """Of (company, text): those that there are; the open ones cannot change any more. What ended meanwhile is found by the second look."""
    companies, ids = zip(*asked, strict=True) if asked else ((), ())
    rows = [*await tx.fetch(LOCK, ids, companies), *await tx.fetch(ENDED, ids, companies)]
    return {(row["company_id"], row["id"]): row for row in rows}


@dataclass(frozen=True, slots=True)
class Course:
    """`revision` 0: none was told yet, and the end of the lease is what the windows say."""

    course: str
    revision: int = 0
    expires_at: datetime | None = None

    @property
    def held(self) -> bool:
        return self.course == "hold"

    @property
    def stopped(self) -> bool:
        return self.course == "stop"


# Who queues or claims a campaign's texts holds its course, beside others who do; who steers it holds it alone, and waits for them: what they did is
# then committed, and what they do later sees the new course. No lock on a row: those are not fair, many who share one can keep out who wants it alone,
# and each would be written to disk. Taken by a statement of its own, for the next one must see what was committed meanwhile.
HOLD_COURSE = "SELECT pg_advisory_xact_lock_shared(hashtext('heliograph.courses'), $1)"
COURSE = "SELECT course, revision, expires_at, body = '' AS empty FROM campaigns WHERE campaign_id = $1"
KEEP_CAMPAIGN = """
INSERT INTO campaigns AS c (campaign_id, company_id, sender, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (campaign_id) DO UPDATE SET sender = excluded.sender, body = excluded.body WHERE c.body = ''
"""


async def keep_campaign(tx: Tx, campaign_id: int, company_id: int, sender: str, body: str) -> Course:
    """Keeps the campaign's text, which never changes, and its course until the transaction ends; that course."""
    await tx.execute(HOLD_COURSE, campaign_id)
    row = await tx.fetchrow(COURSE, campaign_id)
    if row is None or row["empty"]:
        await tx.execute(KEEP_CAMPAIGN, campaign_id, company_id, sender, body)
    return Course("go") if row is None else Course(row["course"], row["revision"], row["expires_at"])


# Never waits: who claims has rows that one who steers waits for. In the order of ids, as everywhere where several are locked.
TRY_COURSES = """
SELECT campaign_id FROM unnest($1::int[]) AS campaign_id
WHERE pg_try_advisory_xact_lock_shared(hashtext('heliograph.courses'), campaign_id)
"""
COURSES = "SELECT campaign_id, course, revision, expires_at FROM campaigns WHERE campaign_id = ANY($1::int[])"


async def courses(tx: Tx, campaign_ids: Collection[int]) -> dict[int, Course]:
    """Kept until the transaction ends. One that is missing is being steered at this moment: what was claimed of it must not go out now."""
    kept = [row["campaign_id"] for row in await tx.fetch(TRY_COURSES, sorted(campaign_ids))]
    rows = await tx.fetch(COURSES, kept)
    return {row["campaign_id"]: Course(row["course"], row["revision"], row["expires_at"]) for row in rows}


INSERT_RECIPIENTS = """
INSERT INTO open_texts (id, company_id, lane, test, number, sender, body, campaign_id, position, expires_at, route, decision, next_attempt_at)
SELECT id, $1, $2, $9, number, $3, body, $4, position, $5, route, decision, clock_timestamp() + make_interval(secs => $13::float)
FROM unnest($6::uuid[], $7::int[], $8::text[], $10::smallint[], $11::int[], $12::text[]) AS r(id, position, number, route, decision, body)
"""


async def insert_recipients(
    tx: Tx, window: RecipientsHandedOver, course: Course, bodies: Sequence[str | None], ways: Sequence[tuple[int, int]]
) -> None:
    """`bodies`: of each, where theirs differ; empty where all get the campaign's."""
    await tx.execute(
        INSERT_RECIPIENTS,
        window.company_id,
        Lane.BULK,
        window.sender,
        window.campaign_id,
        course.expires_at if course.revision else window.expires_at,
        [r.id for r in window.items],
        [r.position for r in window.items],
        [r.number for r in window.items],
        window.test,
        [route for route, _ in ways],
        [decision for _, decision in ways],
        bodies,
        HELD_S if course.held else 0,
    )


STEER_ALONE = "SELECT pg_advisory_xact_lock(hashtext('heliograph.courses'), $1)"
STEER_UNLESS_OLDER = """
INSERT INTO campaigns AS c (campaign_id, company_id, course, revision, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (campaign_id) DO UPDATE SET course = excluded.course, revision = excluded.revision, expires_at = excluded.expires_at
WHERE c.revision <= excluded.revision AND c.company_id = excluded.company_id
"""


async def steer_unless_older(tx: Tx, steer: SteerCampaign | CampaignSteered) -> bool:
    """Whether this is the course now. Waits for those who queue or claim, and keeps them out until the transaction ends."""
    await tx.execute(STEER_ALONE, steer.campaign_id)
    status = await tx.execute(
        STEER_UNLESS_OLDER, steer.campaign_id, steer.company_id, steer.course, steer.revision, steer.expires_at
    )
    return status == "INSERT 0 1"


# Without SKIP LOCKED: a claim that has some of them and was too late to keep the course is putting them back, and is waited for. By the index of the
# queue; what is held already, or not, and has the right end is left as it is.
STEER_QUEUED = """
UPDATE open_texts SET expires_at = $4, next_attempt_at = next_attempt_at + make_interval(secs =>
    CASE WHEN (next_attempt_at > statement_timestamp() + make_interval(secs => $5::float / 2)) = $3 THEN 0 WHEN $3 THEN $5::float ELSE -$5::float END)
WHERE lane = 2 AND company_id = $2 AND campaign_id = $1 AND claim_id IS NULL
    AND ((next_attempt_at > statement_timestamp() + make_interval(secs => $5::float / 2)) <> $3 OR expires_at IS DISTINCT FROM $4)
"""


async def steer_queued(tx: Tx, campaign_id: int, company_id: int, *, held: bool, expires_at: datetime | None) -> None:
    await tx.execute(STEER_QUEUED, campaign_id, company_id, held, expires_at, HELD_S)


QUEUED_OF_CAMPAIGN = """
SELECT id FROM open_texts WHERE lane = 2 AND company_id = $2 AND campaign_id = $1 AND claim_id IS NULL FOR UPDATE
"""


async def queued_of(tx: Tx, campaign_id: int, company_id: int) -> list[UUID]:
    """Locked until the transaction ends."""
    return [row["id"] for row in await tx.fetch(QUEUED_OF_CAMPAIGN, campaign_id, company_id)]


COUNT_QUEUED = """
SELECT count(*)::int FROM (
    SELECT FROM open_texts WHERE lane = 2 AND company_id = $2 AND campaign_id = $1 AND claim_id IS NULL LIMIT $3
) q
"""


async def count_queued(tx: Tx, campaign_id: int, company_id: int, most: int) -> int:
    texts: int = await tx.fetchval(COUNT_QUEUED, campaign_id, company_id, most)
    return texts


WITH_CARRIERS = (
    "SELECT count(*)::int FROM open_texts WHERE campaign_id = $1 AND company_id = $2 AND claim_id IS NOT NULL"
)


async def with_carriers(tx: Tx, campaign_id: int, company_id: int) -> int:
    """How many of the campaign's texts are claimed and have no end: a carrier has them, may have them, or is being given them."""
    texts: int = await tx.fetchval(WITH_CARRIERS, campaign_id, company_id)
    return texts


KEEP_HEADERS = """
INSERT INTO headers (company_id, key, header, active, shared, brand, version)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bool[], $5::bool[], $6::text[], $7::int[])
ON CONFLICT (company_id, key) DO UPDATE SET header = excluded.header, active = excluded.active, shared = excluded.shared, brand = excluded.brand,
    version = excluded.version
WHERE headers.version < excluded.version
"""


async def keep_headers(tx: Tx, company_id: int, headers: Sequence[Header]) -> None:
    await tx.execute(
        KEEP_HEADERS,
        company_id,
        [sender_key(h.header) for h in headers],
        [h.header for h in headers],
        [h.active for h in headers],
        [h.shared for h in headers],
        [h.brand.casefold() for h in headers],
        [h.version for h in headers],
    )


SPECIAL_HEADERS = "SELECT company_id, key, shared, brand FROM headers WHERE shared OR brand <> ''"


async def special_headers(tx: Tx) -> dict[tuple[int, str], suppressions.Header]:
    """Those of which suppressing and telling must know more than their name."""
    rows = await tx.fetch(SPECIAL_HEADERS)
    return {(row["company_id"], row["key"]): suppressions.Header(row["shared"], row["brand"]) for row in rows}
