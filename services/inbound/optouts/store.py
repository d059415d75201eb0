"""The rows of contacts and their wishes. Owns `contacts` and `contact_changes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from libs.common.contracts.inbound import ContactChange, ContactPage, ReadReinstates, ReadStops
from libs.common.db import Tx
from services.inbound.optouts.rules import Contact, Now, Wish, Wished

STATE = {Wish.STOP: "stopped", Wish.START: "reinstated"}

COUNT_WISHES = """
-- Adds each contact's wishes to its sequence, under its row lock and in one order for all copies. Its state becomes that of the newest wish
-- by arrival: what is handled late, after a retry, never undoes a newer wish.
INSERT INTO contacts AS c (company_id, number, state, sequence, header, at, text_id)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[])
    AS w (company_id, number, state, sequence, header, at, text_id)
ORDER BY company_id, number
ON CONFLICT (company_id, number) DO UPDATE SET
    sequence = c.sequence + excluded.sequence,
    state = CASE WHEN excluded.text_id > c.text_id THEN excluded.state ELSE c.state END,
    header = CASE WHEN excluded.text_id > c.text_id THEN excluded.header ELSE c.header END,
    at = CASE WHEN excluded.text_id > c.text_id THEN excluded.at ELSE c.at END,
    key = CASE WHEN excluded.text_id > c.text_id THEN excluded.key ELSE c.key END,
    text_id = greatest(excluded.text_id, c.text_id)
RETURNING company_id, number, sequence, text_id
"""


async def count_wishes(tx: Tx, grouped: Mapping[Contact, Sequence[Wished]]) -> dict[Contact, Now]:
    """Counts the wishes of each contact, and says where each stands now."""
    newest = [wishes[-1] for wishes in grouped.values()]
    rows = await tx.fetch(
        COUNT_WISHES,
        [wish.company_id for wish in newest],
        [wish.number for wish in newest],
        [STATE[wish.wish] for wish in newest],
        [len(wishes) for wishes in grouped.values()],
        [wish.header for wish in newest],
        [wish.at for wish in newest],
        [wish.text_id for wish in newest],
    )
    return {(row["company_id"], row["number"]): Now(row["sequence"], row["text_id"]) for row in rows}


LOG_WISHES = """
INSERT INTO contact_changes (company_id, number, sequence, wish, header, at, text_id)
SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[])
"""


async def log_wishes(tx: Tx, numbered: Iterable[tuple[int, Wished]]) -> None:
    sequences, wished = zip(*numbered, strict=True)
    await tx.execute(
        LOG_WISHES,
        [wish.company_id for wish in wished],
        [wish.number for wish in wished],
        sequences,
        [wish.wish for wish in wished],
        [wish.header for wish in wished],
        [wish.at for wish in wished],
        [wish.text_id for wish in wished],
    )


READ_CHANGED = """
SELECT key, number, at FROM contacts
WHERE company_id = $1 AND state = $2 AND key > $3 AND ($4::timestamptz IS NULL OR at >= $4)
ORDER BY key LIMIT $5
"""


async def changed(tx: Tx, company_id: int, wish: Wish, asked: ReadStops | ReadReinstates) -> ContactPage:
    """The company's contacts whose newest wish is `wish`, in the order they changed."""
    rows = await tx.fetch(READ_CHANGED, company_id, STATE[wish], asked.after, asked.since, asked.limit + 1)
    return ContactPage(items=[ContactChange(**row) for row in rows[: asked.limit]], more=len(rows) > asked.limit)


READ_FAULTS = """
-- Contacts that differ from what their wishes say.
SELECT coalesce(c.company_id, w.company_id) AS company_id, coalesce(c.text_id, w.text_id) AS text_id
FROM contacts c FULL JOIN (
    SELECT company_id, number, count(*) AS wishes, (array_agg(text_id ORDER BY text_id DESC))[1] AS text_id,
        (array_agg(wish ORDER BY text_id DESC))[1] AS wish
    FROM contact_changes GROUP BY company_id, number
) w ON (w.company_id, w.number) = (c.company_id, c.number)
WHERE w.wishes IS DISTINCT FROM c.sequence OR w.text_id IS DISTINCT FROM c.text_id OR (w.wish = 'stop') <> (c.state = 'stopped')
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    """Sentences, at most 100. Numbers are not told: the text says whose it is."""
    rows = await tx.fetch(READ_FAULTS)
    return [
        f"company {row['company_id']}: the contact of text {row['text_id']} is not what its wishes say" for row in rows
    ]


COUNT_STOPPED = "SELECT count(*)::int FROM contacts WHERE state = 'stopped'"


async def stopped_count(tx: Tx) -> int:
    count: int = await tx.fetchval(COUNT_STOPPED)
    return count
