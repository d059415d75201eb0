"""Sessions, the SQL. Times are the database's clock; rows are locked in the order of their keys, so that folds do not deadlock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.db import Tx
from libs.common.db.pool import Record
from services.auth.sessions.rules import FAILURES_WINDOW

USE_WRITTEN_EVERY_S = 10  # of one session: the gateway asks about once a grant, several gateways more often

FIND_USERS = """
SELECT u.username_key, u.id, u.password_hash, u.firstname, u.surname, u.phone_number, c.name AS company
FROM users u JOIN companies c ON c.id = u.company_id
WHERE u.username_key = ANY($1::text[]) AND u.active
"""


async def users_called(tx: Tx, username_keys: Sequence[str]) -> dict[str, Record]:
    """The active users of these names, by name."""
    return {row["username_key"]: row for row in await tx.fetch(FIND_USERS, username_keys)}


READ_FAILURES = "SELECT username_key, failures FROM login_failures WHERE username_key = ANY($1::text[]) AND since > now() - $2::interval"


async def failures_of(tx: Tx, username_keys: Sequence[str]) -> dict[str, int]:
    """Wrong guesses in the window that is open; names without any are left out."""
    rows = await tx.fetch(READ_FAILURES, username_keys, FAILURES_WINDOW)
    return {row["username_key"]: row["failures"] for row in rows}


COUNT_FAILURES = """
INSERT INTO login_failures AS f (username_key, failures)
SELECT * FROM unnest($1::text[], $2::int[]) AS wrong (username_key, failures) ORDER BY 1
ON CONFLICT (username_key) DO UPDATE SET
    failures = CASE WHEN f.since > now() - $3::interval THEN f.failures ELSE 0 END + excluded.failures,
    since = CASE WHEN f.since > now() - $3::interval THEN f.since ELSE now() END
"""


async def count_failures(tx: Tx, wrong: Mapping[str, int]) -> None:
    """Adds wrong guesses to their names' windows, opening one where none is open."""
    if wrong:
        await tx.execute(COUNT_FAILURES, list(wrong), list(wrong.values()), FAILURES_WINDOW)


LOCK_UNCHANGED_USERS = """
-- Shared: a SetPassword that comes now waits, and then ends the session that is about to be opened; one that came first is seen here.
SELECT u.id FROM users u JOIN unnest($1::bigint[], $2::text[]) AS checked (id, password_hash) USING (id)
WHERE u.password_hash = checked.password_hash AND u.active
ORDER BY u.id FOR SHARE OF u
"""


async def lock_unchanged(tx: Tx, hash_of: Mapping[int, str]) -> set[int]:
    """Those users who still have the password that was checked, and keep it until the end of this transaction."""
    rows = await tx.fetch(LOCK_UNCHANGED_USERS, list(hash_of), list(hash_of.values())) if hash_of else []
    return {row["id"] for row in rows}


OPEN_SESSIONS = """
-- A repeat of a login finds its session there, live or ended, and leaves it as it is.
INSERT INTO sessions (token_sha256, user_id, reusable_token_id, expires_at)
SELECT token_sha256, user_id, reusable_token_id, now() + make_interval(secs => $4)
FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS opened (token_sha256, user_id, reusable_token_id) ORDER BY 1
ON CONFLICT (token_sha256) DO UPDATE SET user_id = excluded.user_id RETURNING token_sha256, expires_at
"""


async def open_sessions(tx: Tx, whose: Mapping[bytes, tuple[int, int | None]], life_s: float) -> dict[bytes, datetime]:
    """When each is over. `whose`: the user's id, and the reusable token's where one opens it."""
    if not whose:
        return {}
    user_ids, reusable_token_ids = zip(*whose.values(), strict=True)
    rows = await tx.fetch(OPEN_SESSIONS, list(whose), user_ids, reusable_token_ids, life_s)
    return {row["token_sha256"]: row["expires_at"] for row in rows}


USE_SESSIONS = """
WITH live AS (
    SELECT s.token_sha256, s.user_id, s.last_used_at, s.expires_at, u.company_id, u.permissions, u.access_version
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_sha256 = ANY($1::bytea[]) AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_used_at > now() - make_interval(secs => $2)
), used AS (
    -- One that another fold is just writing down is left to it.
    SELECT token_sha256 FROM sessions
    WHERE token_sha256 IN (SELECT token_sha256 FROM live WHERE last_used_at < now() - make_interval(secs => $3))
    FOR UPDATE SKIP LOCKED
), touched AS (
    UPDATE sessions s SET last_used_at = now() FROM used WHERE s.token_sha256 = used.token_sha256
)
SELECT token_sha256, user_id, company_id, permissions, access_version, expires_at FROM live
"""


async def use_live_sessions(tx: Tx, tokens_sha256: Sequence[bytes], idle_s: float) -> dict[bytes, Record]:
    """Those that are live, with whose they are; that they are used is written down."""
    every_s = min(USE_WRITTEN_EVERY_S, idle_s / 2)
    rows = await tx.fetch(USE_SESSIONS, tokens_sha256, idle_s, every_s) if tokens_sha256 else []
    return {row["token_sha256"]: row for row in rows}


REVOKE_IF_LIVE = """
UPDATE sessions s SET revoked_at = now()
FROM (SELECT token_sha256 FROM sessions WHERE token_sha256 = ANY($1::bytea[]) ORDER BY token_sha256 FOR UPDATE) AS mine
WHERE s.token_sha256 = mine.token_sha256 AND s.revoked_at IS NULL AND s.expires_at > now()
  AND s.last_used_at > now() - make_interval(secs => $2)
RETURNING s.token_sha256
"""


async def revoke_if_live(tx: Tx, tokens_sha256: Sequence[bytes], idle_s: float) -> set[bytes]:
    """Those that were live until now."""
    return {row["token_sha256"] for row in await tx.fetch(REVOKE_IF_LIVE, tokens_sha256, idle_s)}


REVOKE_ALL = """
UPDATE sessions s SET revoked_at = now()
FROM (SELECT token_sha256 FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY token_sha256 FOR UPDATE) AS mine
WHERE s.token_sha256 = mine.token_sha256
"""


async def revoke_all_of(tx: Tx, user_id: int) -> None:
    """Ends every session of the user. The gateways are told after the commit."""
    await tx.execute(REVOKE_ALL, user_id)
    tx.wake("revoked")


REVOKE_OPENED_BY = """
UPDATE sessions s SET revoked_at = now()
FROM (SELECT token_sha256 FROM sessions WHERE reusable_token_id = $1 AND revoked_at IS NULL ORDER BY token_sha256 FOR UPDATE) AS mine
WHERE s.token_sha256 = mine.token_sha256
"""


async def revoke_opened_by(tx: Tx, reusable_token_id: int) -> None:
    """Ends every session that this token opened. The gateways are told after the commit."""
    await tx.execute(REVOKE_OPENED_BY, reusable_token_id)
    tx.wake("revoked")


READ_UNTOLD = (
    "SELECT token_sha256 FROM sessions WHERE revoked_at IS NOT NULL AND told_at IS NULL ORDER BY revoked_at LIMIT $1"
)


async def revoked_and_untold(tx: Tx, limit: int) -> list[bytes]:
    return [row["token_sha256"] for row in await tx.fetch(READ_UNTOLD, limit)]


MARK_TOLD = "UPDATE sessions SET told_at = now() WHERE token_sha256 = ANY($1::bytea[])"


async def mark_told(tx: Tx, tokens_sha256: Sequence[bytes]) -> None:
    await tx.execute(MARK_TOLD, tokens_sha256)


PRUNE_SESSIONS = """
DELETE FROM sessions WHERE token_sha256 IN (
    SELECT token_sha256 FROM sessions
    WHERE expires_at < now() OR last_used_at < now() - make_interval(secs => $1) LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_FAILURES = "DELETE FROM login_failures WHERE since < now() - $1::interval"


async def prune(tx: Tx, idle_s: float, limit: int) -> int:
    """Forgets what has expired; how many sessions that were."""
    await tx.execute(PRUNE_FAILURES, FAILURES_WINDOW)
    return int((await tx.execute(PRUNE_SESSIONS, idle_s, limit)).split()[-1])
