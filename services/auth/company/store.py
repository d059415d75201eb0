"""Companies, their headers and brands: the SQL."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.contracts.auth import Brand, Header
from libs.common.db import Tx
from libs.common.db.pool import Record

INSERT_COMPANY = "INSERT INTO companies (name, name_key) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT companies_name DO NOTHING RETURNING id"


async def insert_company(tx: Tx, name: str, name_key: str) -> int | None:
    """Its id, or None where one is called so."""
    id_: int | None = await tx.fetchval(INSERT_COMPANY, name, name_key)
    return id_


EXISTS = "SELECT EXISTS (SELECT FROM companies WHERE id = $1)"


async def exists(tx: Tx, company_id: int) -> bool:
    """Companies are never deleted: what is true stays true."""
    known: bool = await tx.fetchval(EXISTS, company_id)
    return known


READ_COMPANIES = """
SELECT id, name FROM companies WHERE id > $1 AND ($2::text IS NULL OR name_key = $2) ORDER BY id LIMIT $3
"""


async def companies(tx: Tx, after: int, name_key: str | None, limit: int) -> list[Record]:
    return await tx.fetch(READ_COMPANIES, after, name_key, limit)


INSERT_NUMBER = "INSERT INTO numbers (key, shared) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
READ_NUMBER = "SELECT shared FROM numbers WHERE key = $1"


async def settle_number(tx: Tx, key: str, shared: bool) -> bool:
    """Whether the number is `shared` as it is wished; the first who adds it settles that. Waits for another who is just adding it."""
    await tx.execute(INSERT_NUMBER, key, shared)
    settled: bool = await tx.fetchval(READ_NUMBER, key)
    return settled is shared


INSERT_HEADER = """
-- Either of two indexes may object: the company has it, or it is another company's own number.
INSERT INTO headers (company_id, key, header, shared) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING header, active, version, shared
"""


async def insert_header(tx: Tx, company_id: int, key: str, header: str, shared: bool) -> Header | None:
    """None where it is taken."""
    row = await tx.fetchrow(INSERT_HEADER, company_id, key, header, shared)
    return Header(**row) if row else None


SET_HEADER_IF_OTHER = """
UPDATE headers SET active = $3, version = version + 1 WHERE company_id = $1 AND key = $2 AND active <> $3
RETURNING header, active, version, shared
"""


async def set_header_active_if_other(tx: Tx, company_id: int, key: str, active: bool) -> Header | None:
    """The changed header; None where nothing had to change, or there is none."""
    row = await tx.fetchrow(SET_HEADER_IF_OTHER, company_id, key, active)
    return Header(**row) if row else None


HAS_HEADER = "SELECT EXISTS (SELECT FROM headers WHERE company_id = $1 AND key = $2)"


async def has_header(tx: Tx, company_id: int, key: str) -> bool:
    has: bool = await tx.fetchval(HAS_HEADER, company_id, key)
    return has


READ_HEADERS = "SELECT company_id, header, active, version, shared FROM headers WHERE company_id = ANY($1::bigint[]) ORDER BY added"


async def headers_of(tx: Tx, company_ids: Sequence[int]) -> list[Record]:
    """In the order they were added."""
    return await tx.fetch(READ_HEADERS, company_ids)


INSERT_BRAND = """
INSERT INTO brands (company_id, name_key, name) VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT brands_of_a_company DO NOTHING RETURNING name, active, version
"""


async def insert_brand(tx: Tx, company_id: int, name_key: str, name: str) -> Brand | None:
    """None where the company has one called so."""
    row = await tx.fetchrow(INSERT_BRAND, company_id, name_key, name)
    return Brand(**row) if row else None


SET_BRAND_IF_OTHER = """
UPDATE brands SET active = $3, version = version + 1 WHERE company_id = $1 AND name_key = $2 AND active <> $3 RETURNING name, active, version
"""


async def set_brand_active_if_other(tx: Tx, company_id: int, name_key: str, active: bool) -> Brand | None:
    """The changed brand; None where nothing had to change, or there is none."""
    row = await tx.fetchrow(SET_BRAND_IF_OTHER, company_id, name_key, active)
    return Brand(**row) if row else None


HAS_BRAND = "SELECT EXISTS (SELECT FROM brands WHERE company_id = $1 AND name_key = $2)"


async def has_brand(tx: Tx, company_id: int, name_key: str) -> bool:
    has: bool = await tx.fetchval(HAS_BRAND, company_id, name_key)
    return has


READ_BRANDS = "SELECT company_id, name, active, version FROM brands WHERE company_id = ANY($1::bigint[]) ORDER BY added"


async def brands_of(tx: Tx, company_ids: Sequence[int]) -> list[Record]:
    return await tx.fetch(READ_BRANDS, company_ids)
