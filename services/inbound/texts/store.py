"""The rows of texts, and of headers as auth told of them. Owns `texts` and `headers`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common import phone
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.senders import HeadersChanged
from libs.common.db import Tx
from services.inbound.optouts.addressing import Said
from services.inbound.optouts.rules import How, Reading, Wish
from services.inbound.textins.rules import ANY_KEYWORD
from services.inbound.texts.rules import Keyword, Owner, Text

APPLY_HEADERS = """
INSERT INTO headers AS h (company_id, key, header, active, shared, version, brand)
SELECT DISTINCT ON (key) $1::int, key, header, active, shared, version, brand
FROM unnest($2::text[], $3::text[], $4::bool[], $5::bool[], $6::bigint[], $7::text[]) AS n (key, header, active, shared, version, brand)
ORDER BY key, version DESC
ON CONFLICT (key, company_id) DO UPDATE
    SET header = excluded.header, active = excluded.active, shared = excluded.shared, brand = excluded.brand,
        version = excluded.version
    WHERE excluded.version > h.version
"""


async def apply_headers(tx: Tx, event: HeadersChanged) -> None:
    await tx.execute(
        APPLY_HEADERS,
        event.company_id,
        [phone.sender_key(item.header) for item in event.items],
        [item.header for item in event.items],
        [item.active for item in event.items],
        [item.shared for item in event.items],
        [item.version for item in event.items],
        [item.brand for item in event.items],
    )


FIND_OWNERS = "SELECT key, company_id, header FROM header_owners WHERE key = ANY($1::text[])"


async def header_owners(tx: Tx, texts: Iterable[Text]) -> dict[str, Owner]:
    """Whose the headers are that the texts came to, by key."""
    rows = await tx.fetch(FIND_OWNERS, list({text.header_key for text in texts}))
    return {row["key"]: Owner(row["company_id"], row["header"]) for row in rows}


FIND_TEXT_INS = """
SELECT t.id, t.company_id, t.header, t.header_key, t.keyword_key, t.campaign_id
FROM text_ins t JOIN unnest($1::text[], $2::text[]) AS w (header_key, keyword_key) USING (header_key, keyword_key)
WHERE t.active
"""


async def text_ins(tx: Tx, keywords: Iterable[Keyword], header_keys: Iterable[str]) -> dict[Keyword, Owner]:
    """The active text-ins that claim these words on these headers, or what no word claims."""
    wanted = {*keywords, *((key, ANY_KEYWORD) for key in header_keys)}
    rows = await tx.fetch(FIND_TEXT_INS, [key for key, _ in wanted], [word for _, word in wanted])
    return {
        (row["header_key"], row["keyword_key"]): Owner(
            row["company_id"], row["header"], row["id"], row["campaign_id"], row["keyword_key"] != ANY_KEYWORD
        )
        for row in rows
    }


INSERT_NEW = """
-- In one order for all copies. A conflict is a text that is here already: by its id, or by the carrier's.
INSERT INTO texts (id, company_id, number, header, header_key, text_in_id, body, wish, at, carrier, carrier_id, campaign_id, incomplete)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
    $11::text[], $12::int[], $13::bool[])
    AS t (id, company_id, number, header, header_key, text_in_id, body, wish, at, carrier, carrier_id, campaign_id, incomplete)
ORDER BY carrier, carrier_id, id
ON CONFLICT DO NOTHING
RETURNING id
"""


async def insert_new(
    tx: Tx, texts: Sequence[Text], owners: Mapping[UUID, Owner], readings: Mapping[UUID, Reading]
) -> set[UUID]:
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
        [_wish(readings, text.id) for text in texts],
        [text.at for text in texts],
        [text.carrier for text in texts],
        [text.carrier_id for text in texts],
        [owner and owner.campaign_id for owner in owned],
        [text.incomplete for text in texts],
    )
    return {row["id"] for row in rows}


def _wish(readings: Mapping[UUID, Reading], id_: UUID) -> Wish | None:
    reading = readings.get(id_)
    return reading.wish if reading else None


MARK_FOR_ALL = "UPDATE texts SET for_all = true WHERE id = ANY($1::uuid[])"
MARK_STARTS = """
-- What a wish to all closed, a START opens for all.
UPDATE texts s SET for_all = true WHERE s.id = ANY($1::uuid[]) AND EXISTS (
    SELECT FROM texts t WHERE t.header_key = s.header_key AND t.number = s.number AND t.for_all AND t.id < s.id AND t.wish <> 'start'
)
"""


async def mark_for_all(tx: Tx, wishes: Collection[UUID], starts: Collection[UUID]) -> None:
    """Wishes that companies shall hear, too, which are known only later to have the header."""
    if wishes:
        await tx.execute(MARK_FOR_ALL, wishes)
    if starts:
        await tx.execute(MARK_STARTS, starts)


LOCK_UNCLAIMED = """
-- Texts that came before it was known whose their header is; what another copy has in hand is left to it. From the headers to their texts: a
-- million texts to shared numbers, which stay nobody's, cost nothing here.
SELECT t.* FROM header_owners o CROSS JOIN LATERAL (
    SELECT id, number, header, header_key, body, at, carrier, carrier_id, incomplete FROM texts
    WHERE header_key = o.key AND company_id IS NULL
    ORDER BY id LIMIT $1
    FOR UPDATE SKIP LOCKED
) t LIMIT $1
"""


async def lock_unclaimed(tx: Tx) -> list[Text]:
    rows = await tx.fetch(LOCK_UNCLAIMED, ITEMS_MAX)
    return [Text(**row) for row in rows]


CLAIM_UNCLAIMED = """
UPDATE texts t SET company_id = o.company_id, header = o.header, text_in_id = o.text_in_id, campaign_id = o.campaign_id, wish = o.wish,
    for_all = t.for_all AND o.wish IS NOT NULL
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::int[], $6::text[]) AS o (id, company_id, header, text_in_id, campaign_id, wish)
WHERE t.id = o.id AND t.company_id IS NULL
"""


async def claim_unclaimed(tx: Tx, owners: Mapping[UUID, Owner], readings: Mapping[UUID, Reading]) -> None:
    owned = owners.values()
    await tx.execute(
        CLAIM_UNCLAIMED,
        list(owners),
        [owner.company_id for owner in owned],
        [owner.header for owner in owned],
        [owner.text_in_id for owner in owned],
        [owner.campaign_id for owner in owned],
        [_wish(readings, id_) for id_ in owners],
    )


@dataclass(frozen=True, slots=True)
class Unheard:
    """A company's shared number to which wishes may have come that it has not heard. `complete`: no more such texts can appear."""

    key: str
    company_id: int
    header: str
    complete: bool


FENCE_UNHEARD = """
-- Who stored a text without knowing that the company has the number had begun before the fence was set (an event's transaction writes its inbox row
-- before it reads): once all below the fence have ended, every such text can be seen.
UPDATE headers SET fence = coalesce(fence, pg_snapshot_xmax(pg_current_snapshot()))
WHERE shared AND NOT heard
RETURNING key, company_id, header, fence <= pg_snapshot_xmin(pg_current_snapshot()) AS complete
"""


async def unheard(tx: Tx) -> list[Unheard]:
    return [Unheard(**row) for row in await tx.fetch(FENCE_UNHEARD)]


LOCK_UNHEARD = (
    "SELECT FROM headers WHERE key = $1 AND company_id = $2 AND shared AND NOT heard FOR NO KEY UPDATE SKIP LOCKED"
)


async def lock_unheard(tx: Tx, header: Unheard) -> bool:
    """Whether this is the one copy that lets the company hear."""
    return await tx.fetchrow(LOCK_UNHEARD, header.key, header.company_id) is not None


READ_UNHEARD = """
SELECT t.id, t.number, t.header_key, t.wish, t.at FROM texts t
WHERE t.header_key = $1 AND t.id > $3 AND t.for_all AND t.company_id IS DISTINCT FROM $2
    AND NOT EXISTS (SELECT FROM contact_changes c WHERE c.company_id = $2 AND c.text_id = t.id)
ORDER BY t.id LIMIT $4
"""


async def unheard_wishes(tx: Tx, header: Unheard, after: UUID) -> list[Said]:
    """A page of them, in the order they arrived."""
    rows = await tx.fetch(READ_UNHEARD, header.key, header.company_id, after, ITEMS_MAX)
    return [
        Said(row["id"], row["number"], row["header_key"], row["at"], Reading(Wish(row["wish"]), How.EXACT))
        for row in rows
    ]


SET_HEARD = "UPDATE headers SET heard = true WHERE key = $1 AND company_id = $2"


async def set_heard(tx: Tx, header: Unheard) -> None:
    await tx.execute(SET_HEARD, header.key, header.company_id)


COUNT_TEXTS = """
SELECT count(company_id)::int AS received, (count(*) - count(company_id))::int AS unclaimed, (SELECT count(*)::int FROM outbox) AS outbox FROM texts
"""


async def counts(tx: Tx) -> dict[str, int]:
    """Texts that are somebody's, texts that are nobody's, events that wait to be carried."""
    row = await tx.fetchrow(COUNT_TEXTS)
    assert row is not None
    return dict(row)


READ_FAULTS = """
-- Wishes that were obeyed for a text that is not the company's and came to no shared number of it, and those that were not obeyed: by whose header
-- or keyword it was, by each who has heard what is everybody's, by anybody at all.
(SELECT c.company_id, c.text_id, true AS obeyed FROM contact_changes c
WHERE c.text_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM texts t WHERE t.id = c.text_id AND (t.company_id = c.company_id OR EXISTS (
        SELECT FROM headers h WHERE h.key = t.header_key AND h.company_id = c.company_id AND h.shared))
)
LIMIT 100)
UNION ALL
(SELECT o.company_id, t.id, false FROM texts t CROSS JOIN LATERAL (
    SELECT t.company_id WHERE t.company_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM headers h WHERE h.key = t.header_key AND h.shared)
    UNION ALL
    SELECT h.company_id FROM headers h WHERE t.for_all AND h.key = t.header_key AND h.shared AND h.heard
) o
WHERE t.wish IN ('stop', 'stop all', 'start', 'soft') AND NOT EXISTS (
    SELECT FROM contact_changes c WHERE c.company_id = o.company_id AND c.text_id = t.id
)
LIMIT 100)
UNION ALL
(SELECT 0, t.id, false FROM texts t
WHERE t.wish IN ('stop', 'stop all', 'soft') AND NOT t.for_all
    AND (t.company_id IS NULL OR EXISTS (SELECT FROM headers h WHERE h.key = t.header_key AND h.shared))
    AND NOT EXISTS (SELECT FROM contact_changes c WHERE c.text_id = t.id)
LIMIT 100)
"""


async def faults(tx: Tx) -> list[str]:
    return [
        f"company {row['company_id']}: a wish was obeyed for text {row['text_id']}, which is not its"
        if row["obeyed"]
        else f"company {row['company_id']}: the wish in text {row['text_id']} was not obeyed"
        for row in await tx.fetch(READ_FAULTS)
    ]
