"""SQL of sending: headers known, texts queued, campaigns' texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.contracts.campaign import RecipientsHandedOver
from libs.common.contracts.senders import Header
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.phone import sender_key
from services.messaging.sending.rules import Lane
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


KEEP_CAMPAIGN = """
INSERT INTO campaigns (campaign_id, company_id, sender, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (campaign_id) DO UPDATE SET sender = excluded.sender, body = excluded.body
RETURNING stopped
"""


async def keep_campaign(tx: Tx, campaign_id: int, company_id: int, sender: str, body: str) -> bool:
    """Keeps the campaign's text; whether the campaign was stopped already."""
    stopped: bool = await tx.fetchval(KEEP_CAMPAIGN, campaign_id, company_id, sender, body)
    return stopped


INSERT_RECIPIENTS = """
INSERT INTO open_texts (id, company_id, lane, test, number, sender, campaign_id, position, expires_at, route, decision)
SELECT id, $1, $2, $9, number, $3, $4, position, $5, route, decision
FROM unnest($6::uuid[], $7::int[], $8::text[], $10::smallint[], $11::int[]) AS r(id, position, number, route, decision)
"""


async def insert_recipients(tx: Tx, window: RecipientsHandedOver, ways: Sequence[tuple[int, int]]) -> None:
    await tx.execute(
        INSERT_RECIPIENTS,
        window.company_id,
        Lane.BULK,
        window.sender,
        window.campaign_id,
        window.expires_at,
        [r.id for r in window.items],
        [r.position for r in window.items],
        [r.number for r in window.items],
        window.test,
        [route for route, _ in ways],
        [decision for _, decision in ways],
    )


STOP_CAMPAIGN = """
INSERT INTO campaigns (campaign_id, company_id, stopped) VALUES ($1, $2, true)
ON CONFLICT (campaign_id) DO UPDATE SET stopped = true
"""
QUEUED_OF_CAMPAIGN = "SELECT id FROM open_texts WHERE campaign_id = $1 AND claim_id IS NULL FOR UPDATE SKIP LOCKED"


async def stop_campaign(tx: Tx, campaign_id: int, company_id: int) -> list[UUID]:
    """Remembers the stop, for windows that are still on their way; the queued texts to cancel."""
    await tx.execute(STOP_CAMPAIGN, campaign_id, company_id)
    return [row["id"] for row in await tx.fetch(QUEUED_OF_CAMPAIGN, campaign_id)]


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
