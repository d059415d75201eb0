"""SQL of templates. Owns `templates`."""

from __future__ import annotations

from collections.abc import Collection

from libs.common.db import Tx
from libs.common.db.pool import Record

LOCK = "SELECT pg_advisory_xact_lock(hashtext('heliograph.templates'), $1)"


async def lock(tx: Tx, company_id: int) -> None:
    """Nobody else gives the company's templates names until this transaction ends: two at once would pass its limit, or take one name."""
    await tx.execute(LOCK, company_id)


COUNT = "SELECT count(*)::int FROM templates WHERE company_id = $1"


async def count(tx: Tx, company_id: int) -> int:
    number: int = await tx.fetchval(COUNT, company_id)
    return number


INSERT = """
INSERT INTO templates (company_id, name, name_key, body) VALUES ($1, $2, $3, $4)
ON CONFLICT ON CONSTRAINT templates_name DO NOTHING RETURNING id
"""


async def insert(tx: Tx, company_id: int, name: str, name_key: str, body: str) -> int | None:
    """Its id; None where the company has one of that name."""
    id_: int | None = await tx.fetchval(INSERT, company_id, name, name_key, body)
    return id_


REPLACE = """
UPDATE templates SET name = $3, name_key = $4, body = $5
WHERE company_id = $1 AND id = $2 AND NOT EXISTS (SELECT FROM templates o WHERE o.company_id = $1 AND o.name_key = $4 AND o.id <> $2)
"""


async def replace_if_name_is_free(tx: Tx, company_id: int, id_: int, name: str, name_key: str, body: str) -> bool:
    return await tx.execute(REPLACE, company_id, id_, name, name_key, body) == "UPDATE 1"


REMOVE = "DELETE FROM templates WHERE company_id = $1 AND id = $2"


async def remove(tx: Tx, company_id: int, id_: int) -> bool:
    """Whether the company had it."""
    return await tx.execute(REMOVE, company_id, id_) == "DELETE 1"


OF_COMPANY = "SELECT id, name, body FROM templates WHERE company_id = $1 ORDER BY id"


async def of_company(tx: Tx, company_id: int) -> list[Record]:
    return await tx.fetch(OF_COMPANY, company_id)


ONE = "SELECT id, name, body FROM templates WHERE company_id = $1 AND id = $2"


async def one(tx: Tx, company_id: int, id_: int) -> Record | None:
    return await tx.fetchrow(ONE, company_id, id_)


BODIES = """
SELECT t.company_id, t.id, t.body FROM templates t JOIN unnest($1::int[], $2::bigint[]) AS asked(company_id, id) USING (company_id, id)
"""


async def bodies_of(tx: Tx, asked: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Of (company, template): the words of those that there are."""
    if not asked:
        return {}
    companies, ids = zip(*asked, strict=True)
    return {(row["company_id"], row["id"]): row["body"] for row in await tx.fetch(BODIES, companies, ids)}
