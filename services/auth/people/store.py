"""People: the SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from libs.common.contracts.auth import CreateUser
from libs.common.db import Tx
from libs.common.db.pool import Record

INSERT_USER = """
INSERT INTO users (company_id, username, username_key, password_hash, firstname, surname, phone_number, permissions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT users_username DO NOTHING RETURNING id
"""


async def insert_user(
    tx: Tx, user: CreateUser, username_key: str, password_hash: str, phone_number: str, permissions: Sequence[str]
) -> int | None:
    """The id, or None where somebody, in whatever company, is called so."""
    id_: int | None = await tx.fetchval(
        INSERT_USER,
        user.company_id,
        user.username,
        username_key,
        password_hash,
        user.firstname,
        user.surname,
        phone_number,
        permissions,
    )
    return id_


LOCK_ACCESS = """
-- Who changes the user now waits, and then ends what is about to be made; one who came first is seen here.
SELECT id, access_version FROM users WHERE id = ANY($1::bigint[]) AND active ORDER BY id FOR NO KEY UPDATE
"""


async def lock_access(tx: Tx, user_ids: Collection[int]) -> dict[int, int]:
    """The access version of each that is active; it stays so until the end of this transaction."""
    return {row["id"]: row["access_version"] for row in await tx.fetch(LOCK_ACCESS, list(user_ids))}


SET_HASH = "UPDATE users SET password_hash = $2, access_version = access_version + 1 WHERE id = $1"


async def set_password(tx: Tx, user_id: int, password_hash: str) -> bool:
    """Whether there is such a user."""
    return await tx.execute(SET_HASH, user_id, password_hash) == "UPDATE 1"


SET_PERMISSIONS = "UPDATE users SET permissions = $2, access_version = access_version + 1 WHERE id = $1"


async def set_permissions(tx: Tx, user_id: int, permissions: Sequence[str]) -> bool:
    """Whether there is such a user."""
    return await tx.execute(SET_PERMISSIONS, user_id, permissions) == "UPDATE 1"


SET_ACTIVE = "UPDATE users SET active = $2, access_version = access_version + 1 WHERE id = $1"


async def set_active(tx: Tx, user_id: int, active: bool) -> bool:
    """Whether there is such a user."""
    return await tx.execute(SET_ACTIVE, user_id, active) == "UPDATE 1"


READ_USERS = """
SELECT u.id, u.company_id, u.username, u.firstname, u.surname, u.phone_number, c.name AS company, u.permissions, u.active
FROM users u JOIN companies c ON c.id = u.company_id
WHERE u.company_id = ANY($1::bigint[]) ORDER BY u.id
"""


async def users_of(tx: Tx, company_ids: Sequence[int]) -> list[Record]:
    return await tx.fetch(READ_USERS, company_ids)


READ_BY_ID = """
SELECT u.id, u.company_id, u.username, u.firstname, u.surname, u.phone_number, c.name AS company, u.permissions, u.active
FROM users u JOIN companies c ON c.id = u.company_id
WHERE u.id = ANY($1::bigint[])
"""


async def users_by_id(tx: Tx, user_ids: Sequence[int]) -> dict[int, Record]:
    return {row["id"]: row for row in await tx.fetch(READ_BY_ID, user_ids)}
