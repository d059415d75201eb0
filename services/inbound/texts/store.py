"""The rows of texts, and of headers as auth told of them. Owns `texts` and `headers`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common import phone
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.base import ITEMS_MAX
from libs.common.db import Tx
from services.inbound.optouts.rules import Wish, Wished
from services.inbound.texts.rules import Keyword, Owner, Text

APPLY_HEADERS = """
INSERT INTO headers AS h (company_id, key, header, active, shared, version)
SELECT DISTINCT ON (key) $1::int, key, header, active, shared, version
FROM unnest($2::text[], $3::text[], $4::bool[], $5::bool[], $6::bigint[]) AS n (key, header, active, shared, version)
ORDER BY key, version DESC
ON CONFLICT (key, company_id) DO UPDATE
    SET header = excluded.header, active = excluded.active, shared = excluded.shared, version = excluded.version
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
    )


FIND_OWNERS = "SELECT key, company_id, header FROM header_owners WHERE key = ANY($1::text[])"


async def header_owners(tx: Tx, texts: Iterable[Text]) -> dict[str, Owner]:
    """Whose the headers are that the texts came to, by key."""
    rows = await tx.fetch(FIND_OWNERS, list({text.header_key for text in texts}))
    return {row["key"]: Owner(row["company_id"], row["header"]) for row in rows}


FIND_SHARERS = (
    "SELECT key, company_id, header FROM headers WHERE key = ANY($1::text[]) AND shared ORDER BY key, company_id"
)


async def sharers(tx: Tx, texts: Iterable[Text]) -> dict[str, list[Owner]]:
    """Every company that has the shared numbers the texts came to, switched on or not, by key."""
    found: dict[str, list[Owner]] = defaultdict(list)
    for row in await tx.fetch(FIND_SHARERS, list({text.header_key for text in texts})):
        found[row["key"]].append(Owner(row["company_id"], row["header"]))
    return found


FIND_TEXT_INS = """
SELECT t.id, t.company_id, t.header, t.header_key, t.keyword_key
FROM text_ins t JOIN unnest($1::text[], $2::text[]) AS w (header_key, keyword_key) USING (header_key, keyword_key)
WHERE t.active
"""


async def text_ins(tx: Tx, keywords: Iterable[Keyword]) -> dict[Keyword, Owner]:
    """The active text-ins that claim these words on these headers."""
    wanted = set(keywords)
    rows = await tx.fetch(FIND_TEXT_INS, [key for key, _ in wanted], [word for _, word in wanted])
    return {(row["header_key"], row["keyword_key"]): Owner(row["company_id"], row["header"], row["id"]) for row in rows}


INSERT_NEW = """
-- In one order for all copies. A conflict is a text that is here already: by its id, or by the carrier's.
INSERT INTO texts (id, company_id, number, header, header_key, text_in_id, body, wish, at, carrier, carrier_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
    $11::text[])
    AS t (id, company_id, number, header, header_key, text_in_id, body, wish, at, carrier, carrier_id)
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
        [text.wish for text in texts],
        [text.at for text in texts],
        [text.carrier for text in texts],
        [text.carrier_id for text in texts],
    )
    return {row["id"] for row in rows}


LOCK_UNCLAIMED = """
-- Texts that came before it was known whose their header is; what another copy has in hand is left to it. From the headers to their texts: a
-- million texts to shared numbers, which stay nobody's, cost nothing here.
SELECT t.* FROM header_owners o CROSS JOIN LATERAL (
    SELECT id, number, header, header_key, body, wish, at, carrier, carrier_id FROM texts
    WHERE header_key = o.key AND company_id IS NULL
    ORDER BY id LIMIT $1
    FOR UPDATE SKIP LOCKED
) t LIMIT $1
"""


async def lock_unclaimed(tx: Tx) -> list[Text]:
    rows = await tx.fetch(LOCK_UNCLAIMED, ITEMS_MAX)
    return [Text(**{**row, "wish": row["wish"] and Wish(row["wish"])}) for row in rows]


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
SELECT t.id, t.number, t.wish, t.at FROM texts t
WHERE t.header_key = $1 AND t.id > $3 AND t.wish IS NOT NULL AND t.company_id IS NULL
    AND NOT EXISTS (SELECT FROM contact_changes c WHERE c.company_id = $2 AND c.text_id = t.id)
ORDER BY t.id LIMIT $4
"""


async def unheard_wishes(tx: Tx, header: Unheard, after: UUID) -> list[Wished]:
    """A page of them, in the order they arrived."""
    rows = await tx.fetch(READ_UNHEARD, header.key, header.company_id, after, ITEMS_MAX)
    return [
        Wished(header.company_id, row["number"], header.header, Wish(row["wish"]), row["at"], row["id"]) for row in rows
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
-- STOP and START that were obeyed for a text that is not the company's and came to no shared number of it, and those that were not obeyed.
(SELECT c.company_id, c.text_id, true AS obeyed FROM contact_changes c
WHERE NOT EXISTS (
    SELECT FROM texts t WHERE t.id = c.text_id AND (t.company_id = c.company_id OR t.company_id IS NULL AND EXISTS (
        SELECT FROM headers h WHERE h.key = t.header_key AND h.company_id = c.company_id AND h.shared))
)
LIMIT 100)
UNION ALL
(SELECT o.company_id, t.id, false FROM texts t CROSS JOIN LATERAL (
    SELECT t.company_id WHERE t.company_id IS NOT NULL
    UNION ALL
    SELECT h.company_id FROM headers h WHERE t.company_id IS NULL AND h.key = t.header_key AND h.shared AND h.heard
) o
WHERE t.wish IS NOT NULL AND NOT EXISTS (
    SELECT FROM contact_changes c WHERE c.company_id = o.company_id AND c.text_id = t.id
)
LIMIT 100)
"""


async def faults(tx: Tx) -> list[str]:
    return [
        f"company {row['company_id']}: a wish was obeyed for text {row['text_id']}, which is not its"
        if row["obeyed"]
        else f"company {row['company_id']}: the wish in text {row['text_id']} was not obeyed"
        for row in await tx.fetch(READ_FAULTS)
    ]
