"""SQL of arrivals: raw batches, parts of long texts, and texts without an id. Owns `raw_arrivals`, `arriving_parts` and `arrived_without_id`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.contracts.base import ITEMS_MAX
from libs.common.db import Tx
from services.messaging.arrivals.rules import REMEMBERED, SAME_TEXT_WITHIN, WAIT_S, Assembly, Key
from services.messaging.carriers.carrier import Arrived

KEEP_RAW = "INSERT INTO raw_arrivals (carrier, items) VALUES ($1, $2::jsonb)"


async def keep_raw(tx: Tx, carrier: str, items_json: str) -> None:
    # PostgreSQL's jsonb holds no null character; a text that has one is kept with the replacement character in its stead.
    await tx.execute(KEEP_RAW, carrier, items_json.replace("\\u0000", "\\ufffd"))


LOCK = """
-- Waits for whoever has one of them in hand, in one order for all. A statement of its own: the next one sees what those have written.
SELECT pg_advisory_xact_lock(hashtext('heliograph.arrivals'), key)
FROM (SELECT DISTINCT hashtext(key) AS key FROM unnest($1::text[]) AS key ORDER BY key) AS keys
"""


async def lock(tx: Tx, carrier: str, keys: Iterable[Key | bytes]) -> None:
    """`keys`: of parts, or digests of texts without an id."""
    names = {f"{carrier} {key.hex()}" if isinstance(key, bytes) else f"{carrier} {key}" for key in keys}
    await tx.execute(LOCK, list(names))


READ_PARTS = """
SELECT p.* FROM unnest($2::text[], $3::text[], $4::int[], $5::int[]) AS k (number, header, concat, parts)
JOIN arriving_parts p USING (number, header, concat, parts)
WHERE p.carrier = $1 AND (NOT p.announced OR p.first_at > clock_timestamp() - $6::interval)
ORDER BY p.id
"""


async def assemblies(tx: Tx, carrier: str, keys: Iterable[Key]) -> dict[Key, list[Assembly]]:
    """The texts of these keys that wait or are remembered, oldest first."""
    columns = list(zip(*set(keys), strict=True))
    found: dict[Key, dict[UUID, Assembly]] = defaultdict(dict)
    for row in await tx.fetch(READ_PARTS, carrier, *columns, REMEMBERED):
        key = (row["number"], row["header"], row["concat"], row["parts"])
        assembly = found[key].setdefault(row["text"], Assembly(row["text"], row["first_at"], row["announced"]))
        assembly.parts[row["part"]] = Arrived(
            carrier_id=row["carrier_id"],
            number=row["number"],
            to=row["header"],
            body=row["body"].decode("utf-8", "surrogatepass"),
            at=row["at"],
            part=row["part"],
            parts=row["parts"],
            concat=row["concat"],
        )
    return {key: list(of_key.values()) for key, of_key in found.items()}


KEEP_PARTS = """
INSERT INTO arriving_parts (carrier, text, number, header, concat, parts, part, body, carrier_id, at, first_at, announced)
SELECT $1, t.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::bytea[], $9::text[], $10::timestamptz[],
    $11::timestamptz[], $12::bool[]) AS t
"""


async def keep_parts(tx: Tx, carrier: str, kept: Sequence[tuple[Assembly, Arrived]]) -> None:
    if kept:
        rows = [
            (
                assembly.text,
                part.number,
                part.to,
                part.concat,
                part.parts,
                part.part,
                part.body.encode("utf-8", "surrogatepass"),
                part.carrier_id,
                part.at,
                assembly.first_at,
                assembly.announced,
            )
            for assembly, part in kept
        ]
        await tx.execute(KEEP_PARTS, carrier, *zip(*rows, strict=True))


SET_ANNOUNCED = "UPDATE arriving_parts SET announced = true WHERE text = ANY($1::uuid[]) AND NOT announced"


async def set_announced(tx: Tx, texts: Sequence[UUID]) -> None:
    if texts:
        await tx.execute(SET_ANNOUNCED, texts)


READ_OVERDUE = """
SELECT carrier, number, header, concat, parts FROM arriving_parts
WHERE NOT announced AND first_at < clock_timestamp() - make_interval(secs => $1)
ORDER BY first_at LIMIT $2
"""


async def overdue(tx: Tx) -> dict[str, set[Key]]:
    """The keys, by carrier, of texts that have waited long enough for their other parts."""
    keys: dict[str, set[Key]] = defaultdict(set)
    for carrier, *key in await tx.fetch(READ_OVERDUE, WAIT_S, ITEMS_MAX):
        keys[carrier].add((key[0], key[1], key[2], key[3]))
    return keys


READ_NOW = "SELECT clock_timestamp()"


async def now(tx: Tx) -> datetime:
    at: datetime = await tx.fetchval(READ_NOW)
    return at


READ_KEPT = """
SELECT k.digest, k.at FROM unnest($1::bytea[], $2::timestamptz[]) AS w (digest, at) JOIN arrived_without_id k
    ON k.digest = w.digest AND k.at BETWEEN w.at - $3::interval AND w.at + $3::interval
"""


async def kept_without_id(tx: Tx, arrived: Sequence[tuple[bytes, Arrived]]) -> dict[bytes, list[datetime]]:
    """When texts of these digests came that could be the same ones."""
    digests, times = [digest for digest, _ in arrived], [one.at for _, one in arrived]
    found: dict[bytes, list[datetime]] = defaultdict(list)
    for digest, at in await tx.fetch(READ_KEPT, digests, times, SAME_TEXT_WITHIN):
        found[digest].append(at)
    return found


KEEP_WITHOUT_ID = "INSERT INTO arrived_without_id (digest, at) SELECT * FROM unnest($1::bytea[], $2::timestamptz[])"


async def keep_without_id(tx: Tx, arrived: Sequence[tuple[bytes, Arrived]]) -> None:
    await tx.execute(KEEP_WITHOUT_ID, [digest for digest, _ in arrived], [one.at for _, one in arrived])


# A bounded number at a time: a day's backlog must not be one long transaction.
FORGET_PARTS = """
DELETE FROM arriving_parts WHERE id IN (
    SELECT id FROM arriving_parts WHERE announced AND first_at < clock_timestamp() - $1::interval ORDER BY first_at LIMIT $2)
"""
FORGET_WITHOUT_ID = """
DELETE FROM arrived_without_id WHERE id IN (
    SELECT id FROM arrived_without_id WHERE kept_at < clock_timestamp() - $1::interval ORDER BY kept_at LIMIT $2)
"""
FORGOTTEN_AT_ONCE = 5_000


async def forget(tx: Tx) -> int:
    """How many rows went."""
    statements = (FORGET_PARTS, FORGET_WITHOUT_ID)
    statuses = [await tx.execute(sql, REMEMBERED, FORGOTTEN_AT_ONCE) for sql in statements]
    return sum(int(status.split()[-1]) for status in statuses)
