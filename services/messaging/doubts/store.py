"""SQL of doubts: the list of texts that a carrier may or may not have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from libs.common.db import Tx
from libs.common.db.pool import Record

# A doubt that was settled elsewhere leaves its row behind: gone by this.
FORGET_SETTLED = """
DELETE FROM doubts d WHERE NOT EXISTS (SELECT FROM open_texts o WHERE o.id = d.text_id AND o.state = 'in_doubt')
"""
LATE_CODES = """
SELECT o.id FROM doubts d JOIN open_texts o ON o.id = d.text_id
WHERE d.lane = 0 AND o.state = 'in_doubt' AND o.expires_at < clock_timestamp() ORDER BY o.id LIMIT 500
"""
RETRIABLE = """
SELECT o.id, o.company_id, o.lane, o.attempts, o.carrier FROM doubts d JOIN open_texts o ON o.id = d.text_id
WHERE d.lane = 1 AND o.state = 'in_doubt' AND d.at < clock_timestamp() - $1::interval AND o.expires_at > clock_timestamp()
    AND NOT EXISTS (SELECT FROM sent_parts s WHERE s.text_id = o.id)
ORDER BY o.id LIMIT 500 FOR UPDATE OF o SKIP LOCKED
"""
RETRY = """
UPDATE open_texts SET state = 'queued', claim_id = NULL, next_attempt_at = clock_timestamp(), reason = 'in doubt, tried once more', version = version + 1
WHERE id = ANY($1::uuid[]) AND state = 'in_doubt'
"""


async def forget_settled(tx: Tx) -> None:
    await tx.execute(FORGET_SETTLED)


async def late_codes(tx: Tx) -> list[UUID]:
    return [row["id"] for row in await tx.fetch(LATE_CODES)]


async def retriable(tx: Tx, older_than: timedelta) -> list[Record]:
    return await tx.fetch(RETRIABLE, older_than)


async def retry(tx: Tx, ids: Sequence[UUID]) -> None:
    await tx.execute(RETRY, ids)


LISTED = """
SELECT o.id, o.company_id, coalesce(o.carrier, '') AS carrier, o.lane, d.at AS since, o.reason
FROM doubts d JOIN open_texts o ON o.id = d.text_id WHERE o.state = 'in_doubt' ORDER BY d.at LIMIT $1
"""
COUNT = "SELECT count(*)::int FROM doubts d JOIN open_texts o ON o.id = d.text_id WHERE o.state = 'in_doubt'"


async def listed(tx: Tx, limit: int) -> list[Record]:
    return await tx.fetch(LISTED, limit)


async def count(tx: Tx) -> int:
    number: int = await tx.fetchval(COUNT)
    return number


# Parts whose carrier can be asked and has said nothing for long. Asked again later and later, up to once an hour.
TO_ASK = """
UPDATE sent_parts s SET ask_at = clock_timestamp() + least(interval '1 hour', clock_timestamp() - s.at)
FROM (
    SELECT carrier, reference FROM sent_parts WHERE carrier = $1 AND ask_at < clock_timestamp() ORDER BY ask_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS due
WHERE s.carrier = due.carrier AND s.reference = due.reference
RETURNING s.reference, s.sender, EXISTS (SELECT FROM open_texts o WHERE o.id = s.text_id) AS open
"""
ASK_NO_MORE = "UPDATE sent_parts SET ask_at = NULL WHERE carrier = $1 AND reference = ANY($2::text[])"


async def to_ask(tx: Tx, carrier: int, limit: int) -> list[Record]:
    return await tx.fetch(TO_ASK, carrier, limit)


async def ask_no_more(tx: Tx, carrier: int, references: Sequence[str]) -> None:
    await tx.execute(ASK_NO_MORE, carrier, references)
