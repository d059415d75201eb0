"""SQL of callbacks. Owns `raw_callbacks`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from libs.common.db import Tx
from services.messaging.carriers.carrier import Callback

KEEP = """
INSERT INTO raw_callbacks (id, carrier, at, method, url, path, headers, body)
SELECT c.id, c.carrier, c.at, c.method, c.url, c.path, c.headers::jsonb, c.body
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[])
    AS c(id, carrier, at, method, url, path, headers, body)
ON CONFLICT (id) DO NOTHING
"""


async def keep(tx: Tx, callbacks: Sequence[tuple[UUID, str, Callback]]) -> None:
    rows = [
        (id_, carrier, c.at, c.method, c.url, c.path, orjson.dumps(dict(c.headers)).decode(), c.body)
        for id_, carrier, c in callbacks
    ]
    if rows:
        await tx.execute(KEEP, *zip(*rows, strict=True))


class Waiting(NamedTuple):
    id: UUID
    carrier: str
    callback: Callback


LOCK_WAITING = """
SELECT id, carrier, at, method, url, path, headers, body FROM raw_callbacks
WHERE done_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""


async def lock_waiting(tx: Tx, limit: int) -> list[Waiting]:
    return [
        Waiting(
            row["id"],
            row["carrier"],
            Callback(row["method"], row["url"], row["path"], orjson.loads(row["headers"]), row["body"], row["at"]),
        )
        for row in await tx.fetch(LOCK_WAITING, limit)
    ]


DONE = """
UPDATE raw_callbacks c SET done_at = clock_timestamp(), trouble = d.trouble
FROM unnest($1::uuid[], $2::text[]) AS d(id, trouble) WHERE c.id = d.id
"""


async def done(tx: Tx, ids: Sequence[UUID], troubles: Sequence[str]) -> None:
    await tx.execute(DONE, ids, troubles)


AGAIN = """
UPDATE raw_callbacks SET done_at = NULL, trouble = ''
WHERE carrier = $1 AND at >= $2 AND at < $3 AND done_at IS NOT NULL AND (trouble <> '' OR NOT $4)
"""


async def again(tx: Tx, carrier: str, since: datetime, until: datetime, *, troubled: bool) -> None:
    await tx.execute(AGAIN, carrier, since, until, troubled)
