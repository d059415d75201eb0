"""The rows of contacts, their wishes and what was confirmed. Owns `contacts`, `contact_changes`, `last_senders` and `confirmations`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from libs.common import phone
from libs.common.bus import Asked
from libs.common.contracts.inbound import ReadReinstates, ReadStops
from libs.common.contracts.messaging import HeadersUsed
from libs.common.contracts.optouts import OptOut, OptOuts
from libs.common.db import Tx
from services.inbound.optouts.addressing import Said, Use
from services.inbound.optouts.answers import Confirmation, Confirmed, plain
from services.inbound.optouts.contacts import Act, Change, Contact, Standing, State
from services.inbound.optouts.rules import Wish

LOCK_NUMBERS = """
SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(number, 0) AS key FROM unnest($1::text[]) AS n (number) ORDER BY key) k
"""


async def lock(tx: Tx, numbers: Iterable[str]) -> None:
    """Whoever changes where these numbers stand waits, in one order for all: what one wish closed the next one must see."""
    await tx.execute(LOCK_NUMBERS, list(set(numbers)))


READ_STANDINGS = """
SELECT company_id, number, scope, sequence, plain, plain_id, soft, soft_id, id, header, at FROM contacts WHERE number = ANY($1::text[])
"""


async def standings(tx: Tx, numbers: Iterable[str]) -> dict[Contact, Standing]:
    """Where these numbers stand, with every company."""
    found = {}
    for row in await tx.fetch(READ_STANDINGS, list(set(numbers))):
        columns = dict(row)
        contact = columns.pop("company_id"), columns.pop("number"), columns.pop("scope")
        found[contact] = Standing(**{**columns, "plain": columns["plain"] and Act(columns["plain"])})
    return found


SAVE_STANDINGS = """
INSERT INTO contacts AS c (company_id, number, scope, state, sequence, plain, plain_id, soft, soft_id, id, header, at)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::uuid[], $8::bool[], $9::uuid[], $10::uuid[], $11::text[],
    $12::timestamptz[])
ON CONFLICT (company_id, number, scope) DO UPDATE SET
    state = excluded.state, sequence = excluded.sequence, plain = excluded.plain, plain_id = excluded.plain_id, soft = excluded.soft,
    soft_id = excluded.soft_id, id = excluded.id, header = excluded.header, at = excluded.at,
    key = CASE WHEN c.id IS DISTINCT FROM excluded.id THEN excluded.key ELSE c.key END
"""
LOG_CHANGES = """
INSERT INTO contact_changes (company_id, number, scope, sequence, wish, header, at, id, text_id, user_id, reason)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::uuid[], $9::uuid[], $10::int[],
    $11::text[])
"""


async def save(tx: Tx, changes: Sequence[Change], standings: Mapping[Contact, Standing]) -> None:
    """Logs each wish, and keeps where its contact stands now. The numbers are locked."""
    wished = [change.wished for change in changes]
    now = {contact: standings[contact] for contact in sorted({one.contact for one in wished})}
    await tx.execute(
        SAVE_STANDINGS,
        [company_id for company_id, _, _ in now],
        [number for _, number, _ in now],
        [scope for _, _, scope in now],
        [one.state for one in now.values()],
        [one.sequence for one in now.values()],
        [one.plain for one in now.values()],
        [one.plain_id for one in now.values()],
        [one.soft for one in now.values()],
        [one.soft_id for one in now.values()],
        [one.id for one in now.values()],
        [one.header for one in now.values()],
        [one.at for one in now.values()],
    )
    await tx.execute(
        LOG_CHANGES,
        [one.company_id for one in wished],
        [one.number for one in wished],
        [one.scope for one in wished],
        [change.sequence for change in changes],
        [one.act for one in wished],
        [one.header for one in wished],
        [one.at for one in wished],
        [one.id for one in wished],
        [one.text_id for one in wished],
        [one.user_id for one in wished],
        [one.reason for one in wished],
    )


NOTE_USES = """
INSERT INTO last_senders AS l (header_key, number, company_id, at, text_id)
SELECT DISTINCT ON (header_key, number) header_key, number, $1::int, at, text_id
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::uuid[]) AS u (header_key, number, at, text_id)
ORDER BY header_key, number, text_id DESC
ON CONFLICT (header_key, number, company_id) DO UPDATE SET at = excluded.at, text_id = excluded.text_id WHERE l.text_id < excluded.text_id
"""


async def note_uses(tx: Tx, event: HeadersUsed) -> None:
    await tx.execute(
        NOTE_USES,
        event.company_id,
        [phone.sender_key(item.header) for item in event.items],
        [item.number for item in event.items],
        [item.at for item in event.items],
        [item.text_id for item in event.items],
    )


READ_USES = """
SELECT l.header_key, l.number, l.company_id, l.at, l.text_id
FROM unnest($1::text[], $2::text[]) AS n (header_key, number) JOIN last_senders l USING (header_key, number)
"""


async def uses(tx: Tx, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Use]]:
    """Which companies texted each number from the shared header that it texted to now, by header and number."""
    found: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for row in await tx.fetch(READ_USES, [key for key, _ in pairs], [number for _, number in pairs]):
        found[row["header_key"], row["number"]].append(Use(row["company_id"], row["at"], row["text_id"]))
    return found


READ_CONFIRMED = """
SELECT c.header_key, c.number, c.company_id, c.wish, c.at
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS n (header_key, number)) n JOIN confirmations c USING (header_key, number)
"""


async def confirmed(tx: Tx, said: Collection[Said]) -> dict[Confirmed, Confirmation]:
    rows = await tx.fetch(READ_CONFIRMED, [one.header_key for one in said], [one.number for one in said])
    return {
        (row["header_key"], row["number"], row["company_id"]): Confirmation(Wish(row["wish"]), row["at"])
        for row in rows
    }


NOTE_CONFIRMED = """
INSERT INTO confirmations (header_key, number, company_id, wish, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (header_key, number, company_id) DO UPDATE SET wish = excluded.wish, at = excluded.at
"""


async def note_confirmed(tx: Tx, said: Said, company_id: int) -> None:
    await tx.execute(NOTE_CONFIRMED, said.header_key, said.number, company_id, plain(said.reading.wish), said.at)


READ_CHANGED = """
-- Pages for a fold of asks, their rows as JSON: half the CPU of rows that Python makes into it. A number once, whatever scopes it stands in: by its
-- newest. Reinstated is only who is stopped in none. OFFSET 0 keeps it a look-up for each by the index of the number; as a join it was made by another.
SELECT found.items
FROM unnest($2::int[], $3::bigint[], $4::timestamptz[], $5::int[]) WITH ORDINALITY AS a (company_id, after, since, rows, place)
CROSS JOIN LATERAL (
    SELECT array_agg('{"key":' || key || ',"number":' || to_json(number) || ',"at":' || to_json(at) || '}') AS items
    FROM (
        SELECT key, number, at FROM contacts c
        WHERE company_id = a.company_id AND state = $1 AND key > a.after AND (a.since IS NULL OR at >= a.since)
            AND NOT EXISTS (
                SELECT FROM contacts o WHERE (o.number, o.company_id, o.state) = (c.number, c.company_id, $1) AND o.key > c.key OFFSET 0
            )
            AND ($1 = 'stopped' OR NOT EXISTS (
                SELECT FROM contacts o WHERE (o.number, o.company_id, o.state) = (c.number, c.company_id, 'stopped') OFFSET 0
            ))
        ORDER BY key LIMIT a.rows + 1
    ) c
) found
ORDER BY a.place
"""


async def changed(
    tx: Tx, state: State, asked: Sequence[Asked[ReadStops]] | Sequence[Asked[ReadReinstates]]
) -> list[bytes]:
    """The company's numbers that stand so, in the order they changed: a ContactPage for each, as JSON."""
    limits = [one.body.limit for one in asked]
    rows = await tx.fetch(
        READ_CHANGED,
        state,
        [one.caller.company_id for one in asked],
        [one.body.after for one in asked],
        [one.body.since for one in asked],
        limits,
    )
    return [_page(row["items"] or [], limit) for row, limit in zip(rows, limits, strict=True)]


def _page(items: list[str], limit: int) -> bytes:
    more = "true" if len(items) > limit else "false"
    return f'{{"items":[{",".join(items[:limit])}],"more":{more}}}'.encode()


READ_STOPPED = """
SELECT c.key, c.number, c.scope, c.header, c.state = 'soft' AS soft, c.at, w.text_id, w.user_id, w.reason
FROM contacts c CROSS JOIN LATERAL (
    SELECT text_id, user_id, reason FROM contact_changes w
    WHERE (w.company_id, w.number, w.scope, w.id) = (c.company_id, c.number, c.scope, c.id) LIMIT 1
) w
WHERE c.company_id = $1 AND c.state IN ('stopped', 'soft') AND c.key > $2 AND ($3::text IS NULL OR c.number = $3)
ORDER BY c.key LIMIT $4
"""


async def stopped(tx: Tx, company_id: int, number: str | None, after: int, limit: int) -> OptOuts:
    """What is stopped, each scope with the wish it stands by."""
    rows = await tx.fetch(READ_STOPPED, company_id, after, number, limit + 1)
    return OptOuts(items=[OptOut(**row) for row in rows[:limit]], more=len(rows) > limit)


READ_FAULTS = """
-- Contacts that differ from what their wishes say: the newest plain one, STOP before all.
SELECT coalesce(c.company_id, w.company_id) AS company_id, coalesce(c.id, w.plain_id, w.newest_id) AS id
FROM contacts c FULL JOIN (
    SELECT company_id, number, scope, count(*) AS wishes, (array_agg(id ORDER BY id DESC))[1] AS newest_id,
        (array_agg(id ORDER BY id DESC) FILTER (WHERE wish = 'stop'))[1] AS stop_id,
        (array_agg(id ORDER BY id DESC) FILTER (WHERE wish IN ('stop', 'start')))[1] AS plain_id,
        bool_or(wish IN ('soft', 'keep')) AS soft
    FROM contact_changes GROUP BY company_id, number, scope
) w ON (w.company_id, w.number, w.scope) = (c.company_id, c.number, c.scope)
WHERE w.wishes IS DISTINCT FROM c.sequence
    OR (c.state = 'stopped') IS DISTINCT FROM (c.plain IS NOT DISTINCT FROM 'stop')
    OR NOT w.soft AND (c.plain_id IS DISTINCT FROM w.plain_id OR (c.state = 'stopped') <> (w.stop_id IS NOT DISTINCT FROM w.plain_id))
LIMIT 100
"""


async def faults(tx: Tx) -> list[str]:
    """Sentences, at most 100. Numbers are not told: the wish says whose it is."""
    rows = await tx.fetch(READ_FAULTS)
    return [f"company {row['company_id']}: the contact of wish {row['id']} is not what its wishes say" for row in rows]


COUNT_STOPPED = "SELECT count(DISTINCT (company_id, number))::int FROM contacts WHERE state = 'stopped'"


async def stopped_count(tx: Tx) -> int:
    count: int = await tx.fetchval(COUNT_STOPPED)
    return count


READ_CLOSED = "SELECT scope, header FROM contacts WHERE company_id = $1 AND number = $2 AND state IN ('stopped', 'soft') ORDER BY scope"


async def closed(tx: Tx, company_id: int, number: str) -> list[tuple[str, str]]:
    """The scopes in which the number is stopped, each with the header that it was stopped at."""
    return [(row["scope"], row["header"]) for row in await tx.fetch(READ_CLOSED, company_id, number)]
