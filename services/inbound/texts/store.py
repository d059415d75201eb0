"""The rows of texts, and of headers as auth told of them. Owns `texts` and `headers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common import phone
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.inbound import InboundPage, InboundText
from libs.common.db import Tx
from services.inbound.texts.rules import Keyword, Owner, Text

TEXTS_PAGE_MAX = (
    1_000  # of the longest texts some 5 MB, far under what the broker takes; PAGE_MAX of them would be too much
)

APPLY_HEADERS = """
INSERT INTO headers AS h (company_id, key, header, active, version)
SELECT DISTINCT ON (key) $1::int, key, header, active, version
FROM unnest($2::text[], $3::text[], $4::bool[], $5::bigint[]) AS n (key, header, active, version)
ORDER BY key, version DESC
ON CONFLICT (key, company_id) DO UPDATE
    SET header = excluded.header, active = excluded.active, version = excluded.version
    WHERE excluded.version > h.version
"""


async def apply_headers(tx: Tx, event: HeadersChanged) -> None:
    await tx.execute(
        APPLY_HEADERS,
        event.company_id,
        [phone.sender_key(item.header) for item in event.items],
        [item.header for item in event.items],
        [item.active for item in event.items],
        [item.version for item in event.items],
    )


FIND_OWNERS = "SELECT key, company_id, header FROM header_owners WHERE key = ANY($1::text[])"


async def header_owners(tx: Tx, texts: Iterable[Text]) -> dict[str, Owner]:
    """Whose the headers are that the texts came to, by key."""
    rows = await tx.fetch(FIND_OWNERS, list({text.header_key for text in texts}))
    return {row["key"]: Owner(row["company_id"], row["header"]) for row in rows}


FIND_TEXT_INS = """
SELECT t.id, t.company_id, t.header, t.header_key, t.keyword_key
FROM text_ins t JOIN unnest($1::text[], $2::text[]) AS w (header_key, keyword_key) USING (header_key, keyword_key)
"""


async def text_ins(tx: Tx, keywords: Iterable[Keyword]) -> dict[Keyword, Owner]:
    """The text-ins that claim these words on these headers."""
    wanted = set(keywords)
    rows = await tx.fetch(FIND_TEXT_INS, [key for key, _ in wanted], [word for _, word in wanted])
    return {(row["header_key"], row["keyword_key"]): Owner(row["company_id"], row["header"], row["id"]) for row in rows}


INSERT_NEW = """
-- In one order for all copies. A conflict is a text that is here already: by its id, or by the carrier's.
INSERT INTO texts (id, company_id, number, header, header_key, text_in_id, body, at, carrier, carrier_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::timestamptz[], $9::text[], $10::text[])
    AS t (id, company_id, number, header, header_key, text_in_id, body, at, carrier, carrier_id)
ORDER BY carrier, carrier_id, id
ON CONFLICT DO NOTHING
RETURNING id
"""


async def insert_new(tx: Tx, texts: Sequence[Text], owners: Mapping[UUID, Owner]) -> set[UUID]:
    """Keeps the texts; the ids of those that were not here."""
    owned = [owners.get(text.id) for text in texts]
    rows = await tx.fetch(
        INSERT_NEW,
        [text.id for text in texts],
        [owner and owner.company_id for owner in owned],
        [text.number for text in texts],
        [owner.header if owner else text.header for text, owner in zip(texts, owned, strict=True)],
        [text.header_key for text in texts],
        [owner and owner.text_in_id for owner in owned],
        [text.body for text in texts],
        [text.at for text in texts],
        [text.carrier for text in texts],
        [text.carrier_id for text in texts],
    )
    return {row["id"] for row in rows}


LOCK_UNCLAIMED = """
-- Texts that came before it was known whose their header is, oldest first; what another copy has in hand is left to it.
SELECT id, number, header, header_key, body, at, carrier, carrier_id FROM texts t
WHERE company_id IS NULL AND EXISTS (SELECT FROM header_owners o WHERE o.key = t.header_key)
ORDER BY id LIMIT $1
FOR UPDATE OF t SKIP LOCKED
"""


async def lock_unclaimed(tx: Tx) -> list[Text]:
    return [Text(**row) for row in await tx.fetch(LOCK_UNCLAIMED, ITEMS_MAX)]


CLAIM_UNCLAIMED = """
UPDATE texts t SET company_id = o.company_id, header = o.header, text_in_id = o.text_in_id
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[]) AS o (id, company_id, header, text_in_id)
WHERE t.id = o.id AND t.company_id IS NULL
"""


async def claim_unclaimed(tx: Tx, owners: Mapping[UUID, Owner]) -> None:
    owned = owners.values()
    await tx.execute(
        CLAIM_UNCLAIMED,
        list(owners),
        [owner.company_id for owner in owned],
        [owner.header for owner in owned],
        [owner.text_in_id for owner in owned],
    )


FIND_AT = "SELECT at FROM texts WHERE id = $1 AND company_id = $2"


async def received_at(tx: Tx, company_id: int, id_: UUID) -> datetime | None:
    at: datetime | None = await tx.fetchval(FIND_AT, id_, company_id)
    return at


READ_RECEIVED = """
SELECT id, number, header AS to, body, at FROM texts
WHERE company_id = $1 AND (at, id) > ($2, $3) AND at >= $4
ORDER BY at, id LIMIT $5
"""


async def received(tx: Tx, company_id: int, since: datetime, after: tuple[datetime, UUID]) -> InboundPage:
    """A page of the company's texts, oldest first, from behind `after`."""
    rows = await tx.fetch(READ_RECEIVED, company_id, *after, since, TEXTS_PAGE_MAX + 1)
    return InboundPage(items=[InboundText(**row) for row in rows[:TEXTS_PAGE_MAX]], more=len(rows) > TEXTS_PAGE_MAX)


COUNT_TEXTS = """
SELECT count(company_id)::int AS received, (count(*) - count(company_id))::int AS unclaimed, (SELECT count(*)::int FROM outbox) AS outbox FROM texts
"""


async def counts(tx: Tx) -> dict[str, int]:
    """Texts that are somebody's, texts that are nobody's, events that wait to be carried."""
    row = await tx.fetchrow(COUNT_TEXTS)
    assert row is not None
    return dict(row)


READ_MISSED = """
-- STOP and START obeyed for a text that is not the company's.
SELECT c.company_id, c.text_id FROM contact_changes c
WHERE NOT EXISTS (SELECT FROM texts t WHERE t.id = c.text_id AND t.company_id = c.company_id)
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    rows = await tx.fetch(READ_MISSED)
    return [
        f"company {row['company_id']}: a wish was obeyed for text {row['text_id']}, which is not its" for row in rows
    ]
