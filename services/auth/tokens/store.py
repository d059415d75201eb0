"""Reusable tokens, the SQL. One is live that was not revoked and is not too old; users are locked before tokens, and tokens before sessions."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.db import Tx
from libs.common.db.pool import Record
from services.auth.tokens.rules import UNUSED_MAX

FIND_ID = "SELECT id FROM reusable_tokens WHERE token_sha256 = $1"


async def id_of(tx: Tx, token_sha256: bytes) -> int | None:
    """Of a token that was made, live or not."""
    id_: int | None = await tx.fetchval(FIND_ID, token_sha256)
    return id_


INSERT_LIVE = "INSERT INTO reusable_tokens (token_sha256, user_id) VALUES ($1, $2) RETURNING id"


async def insert_token(tx: Tx, token_sha256: bytes, user_id: int) -> int:
    """Its id. The user is locked, so that nobody else is just making the same one."""
    id_: int = await tx.fetchval(INSERT_LIVE, token_sha256, user_id)
    return id_


READ_LIVE = """
SELECT user_id, id, created_at, last_used_at FROM reusable_tokens
WHERE user_id = ANY($1::bigint[]) AND revoked_at IS NULL AND coalesce(last_used_at, created_at) > now() - $2::interval
ORDER BY id
"""


async def live_of(tx: Tx, user_ids: Sequence[int]) -> list[Record]:
    """Oldest first."""
    return await tx.fetch(READ_LIVE, user_ids, UNUSED_MAX)


FIND_USERS = """
SELECT t.token_sha256, u.id, u.username, u.firstname, u.surname, u.phone_number, c.name AS company, u.permissions, u.active
FROM reusable_tokens t JOIN users u ON u.id = t.user_id JOIN companies c ON c.id = u.company_id
WHERE t.token_sha256 = ANY($1::bytea[]) AND t.revoked_at IS NULL AND coalesce(t.last_used_at, t.created_at) > now() - $2::interval AND u.active
"""


async def users_by_token(tx: Tx, tokens_sha256: Sequence[bytes]) -> dict[bytes, Record]:
    """Whom each would log in; one that is not live is left out."""
    return {row["token_sha256"]: row for row in await tx.fetch(FIND_USERS, tokens_sha256, UNUSED_MAX)}


USE_TOKENS = """
-- The row is locked until the session is there: who takes the token away, or changes the password, either came first, and is seen here, or
-- waits, and ends that session too.
UPDATE reusable_tokens t SET last_used_at = now()
FROM (SELECT id FROM reusable_tokens WHERE token_sha256 = ANY($1::bytea[]) ORDER BY id FOR UPDATE) AS mine,
    users u JOIN companies c ON c.id = u.company_id
WHERE t.id = mine.id AND t.revoked_at IS NULL AND coalesce(t.last_used_at, t.created_at) > now() - $2::interval
  AND u.id = t.user_id AND u.active
RETURNING t.token_sha256, t.id AS reusable_token_id, u.id, u.firstname, u.surname, u.phone_number, c.name AS company
"""


async def use_live_tokens(tx: Tx, tokens_sha256: Sequence[bytes]) -> dict[bytes, Record]:
    """Whom each logs in now; one that is not live is left out."""
    return {row["token_sha256"]: row for row in await tx.fetch(USE_TOKENS, tokens_sha256, UNUSED_MAX)}


REVOKE_IF_LIVE = "UPDATE reusable_tokens SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL"


async def revoke_if_live(tx: Tx, id_: int, user_id: int) -> bool:
    """Whether it was the user's and live."""
    return await tx.execute(REVOKE_IF_LIVE, id_, user_id) == "UPDATE 1"


REVOKE_ALL = """
UPDATE reusable_tokens t SET revoked_at = now()
FROM (SELECT id FROM reusable_tokens WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE) AS mine
WHERE t.id = mine.id
"""


async def revoke_all_of(tx: Tx, user_id: int) -> None:
    """Not the sessions they opened: those end with all of the user's."""
    await tx.execute(REVOKE_ALL, user_id)


PRUNE_TOKENS = """
DELETE FROM reusable_tokens WHERE id IN (
    SELECT id FROM reusable_tokens WHERE coalesce(last_used_at, created_at) < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def prune(tx: Tx, limit: int) -> int:
    """Forgets the old ones, live or not; how many."""
    return int((await tx.execute(PRUNE_TOKENS, UNUSED_MAX, limit)).split()[-1])
