"""API keys: the SQL. `version` rises with each change of what a key may do; the gateways are told until `told_version` is as high."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.db import Tx
from libs.common.db.pool import Record
from services.auth.keys.rules import REVOKED_KEPT
from services.auth.sessions.store import USE_WRITTEN_EVERY_S

FIND_KEY = "SELECT id FROM api_keys WHERE key_sha256 = $1"


async def id_of(tx: Tx, key_sha256: bytes) -> int | None:
    """Of a key that was made, live or not."""
    id_: int | None = await tx.fetchval(FIND_KEY, key_sha256)
    return id_


INSERT_KEY = """
INSERT INTO api_keys (key_sha256, hint, user_id, name, name_key, permissions, test) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (user_id, name_key) WHERE revoked_at IS NULL DO NOTHING RETURNING id
"""


async def insert_key(
    tx: Tx,
    key_sha256: bytes,
    hint: str,
    user_id: int,
    name: str,
    name_key: str,
    permissions: Sequence[str],
    test: bool,
) -> int | None:
    """Its id, or None where the user has one called so."""
    id_: int | None = await tx.fetchval(INSERT_KEY, key_sha256, hint, user_id, name, name_key, permissions, test)
    return id_


READ_LIVE = """
SELECT user_id, id, name, hint, permissions, test, created_at, last_used_at FROM api_keys
WHERE user_id = ANY($1::bigint[]) AND revoked_at IS NULL ORDER BY id
"""


async def live_of(tx: Tx, user_ids: Sequence[int]) -> list[Record]:
    """Oldest first."""
    return await tx.fetch(READ_LIVE, user_ids)


USE_KEYS = """
WITH live AS (
    SELECT k.id, k.key_sha256, k.user_id, k.permissions, k.test, k.last_used_at, u.company_id, u.permissions AS users_permissions
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_sha256 = ANY($1::bytea[]) AND k.revoked_at IS NULL AND u.active
), used AS (
    -- One that another fold is just writing down is left to it.
    SELECT id FROM api_keys
    WHERE id IN (SELECT id FROM live WHERE coalesce(last_used_at < now() - make_interval(secs => $2), true))
    FOR UPDATE SKIP LOCKED
), touched AS (
    UPDATE api_keys k SET last_used_at = now() FROM used WHERE k.id = used.id
)
SELECT key_sha256, user_id, company_id, permissions, users_permissions, test FROM live
"""


async def use_keys(tx: Tx, keys_sha256: Sequence[bytes]) -> dict[bytes, Record]:
    """Those that are live and whose user is active; that they are used is written down."""
    rows = await tx.fetch(USE_KEYS, keys_sha256, USE_WRITTEN_EVERY_S) if keys_sha256 else []
    return {row["key_sha256"]: row for row in rows}


REVOKE_IF_LIVE = """
UPDATE api_keys SET revoked_at = now(), version = version + 1 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL
"""


async def revoke_if_live(tx: Tx, id_: int, user_id: int) -> bool:
    """Whether it was the user's and live. The gateways are told after the commit."""
    tx.wake("revoked")
    return await tx.execute(REVOKE_IF_LIVE, id_, user_id) == "UPDATE 1"


TELL_AGAIN = """
UPDATE api_keys k SET version = version + 1
FROM (SELECT id FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE) AS mine
WHERE k.id = mine.id
"""


async def tell_again(tx: Tx, user_id: int) -> None:
    """What the user's keys may do has changed with the user. The gateways are told after the commit."""
    await tx.execute(TELL_AGAIN, user_id)
    tx.wake("revoked")


READ_UNTOLD = """
SELECT id, key_sha256, version, revoked_at IS NOT NULL AS revoked FROM api_keys WHERE told_version < version ORDER BY id LIMIT $1
"""


async def untold(tx: Tx, limit: int) -> list[Record]:
    return await tx.fetch(READ_UNTOLD, limit)


MARK_TOLD = """
UPDATE api_keys k SET told_version = told.version FROM unnest($1::bigint[], $2::int[]) AS told (id, version)
WHERE k.id = told.id AND k.told_version < told.version
"""


async def mark_told(tx: Tx, told: Sequence[Record]) -> None:
    """Up to the version that was told: a change of meanwhile stays untold."""
    await tx.execute(MARK_TOLD, [row["id"] for row in told], [row["version"] for row in told])


PRUNE_KEYS = """
DELETE FROM api_keys WHERE id IN (
    SELECT id FROM api_keys WHERE revoked_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def prune(tx: Tx, limit: int) -> int:
    """Forgets what was revoked long ago; how many."""
    return int((await tx.execute(PRUNE_KEYS, REVOKED_KEPT, limit)).split()[-1])
