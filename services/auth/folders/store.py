"""Folders: the SQL. `parent_id` 0 in a contract is NULL here: the company's root, which is no row."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from libs.common.db import Tx
from libs.common.db.pool import Record

INSERT_FOLDER = """
INSERT INTO folders (company_id, parent_id, name, name_key) VALUES ($1, nullif($2, 0), $3, $4)
ON CONFLICT ON CONSTRAINT folders_name DO NOTHING RETURNING id, version
"""


async def insert_folder(tx: Tx, company_id: int, parent_id: int, name: str, name_key: str) -> Record | None:
    """Its id and version, or None where a folder beside it is called so."""
    return await tx.fetchrow(INSERT_FOLDER, company_id, parent_id, name, name_key)


LOCK_COMPANIES = "SELECT FROM companies WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"


async def lock_companies(tx: Tx, company_ids: Collection[int]) -> None:
    """Nobody else adds a folder to one of them until the end of this transaction."""
    await tx.execute(LOCK_COMPANIES, list(company_ids))


COUNT_FOLDERS = "SELECT count(*) FROM folders WHERE company_id = $1"


async def count_of(tx: Tx, company_id: int) -> int:
    counted: int = await tx.fetchval(COUNT_FOLDERS, company_id)
    return counted


IS_THERE = """
SELECT EXISTS (SELECT FROM companies WHERE id = $1) AND ($2::bigint = 0 OR EXISTS (SELECT FROM folders WHERE company_id = $1 AND id = $2))
"""


async def is_there(tx: Tx, company_id: int, folder_id: int) -> bool:
    """Whether it is a folder of this company; 0, the root, is one of every company."""
    there: bool = await tx.fetchval(IS_THERE, company_id, folder_id)
    return there


READ_FOLDERS = """
SELECT id, company_id, name, coalesce(parent_id, 0) AS parent_id FROM folders WHERE company_id = ANY($1::bigint[]) ORDER BY id
"""


async def folders_of(tx: Tx, company_ids: Sequence[int]) -> list[Record]:
    """By id."""
    return await tx.fetch(READ_FOLDERS, company_ids)
