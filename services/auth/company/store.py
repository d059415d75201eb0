"""Companies, their headers and brands: the SQL."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.contracts.senders import Brand, Header, HeaderDecision
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


HEADER = "header, active, version, shared, brand, approval"

INSERT_HEADER = f"""
-- Either of two indexes may object: the company has it, or it is another company's own number.
INSERT INTO headers (company_id, key, header, shared, approval, active) VALUES ($1, $2, $3, $4, $5, $5 = 'approved')
ON CONFLICT DO NOTHING RETURNING {HEADER}
"""  # noqa: S608


async def insert_header(tx: Tx, company_id: int, key: str, header: str, shared: bool, approval: str) -> Header | None:
    """None where it is taken."""
    row = await tx.fetchrow(INSERT_HEADER, company_id, key, header, shared, approval)
    return Header(**row) if row else None


LOCK_HEADER = f"SELECT {HEADER} FROM headers WHERE company_id = $1 AND key = $2 FOR NO KEY UPDATE"  # noqa: S608


async def lock_header(tx: Tx, company_id: int, key: str) -> Header | None:
    """None where the company has no such header."""
    row = await tx.fetchrow(LOCK_HEADER, company_id, key)
    return Header(**row) if row else None


CHANGE_HEADER = f"""
UPDATE headers SET active = $3, brand = $4, approval = $5, version = version + 1 WHERE company_id = $1 AND key = $2 RETURNING {HEADER}
"""  # noqa: S608


async def change_header(tx: Tx, company_id: int, key: str, header: Header) -> Header:
    """Its activity, brand and approval become those of `header`. For a header that is locked."""
    row = await tx.fetchrow(CHANGE_HEADER, company_id, key, header.active, header.brand, header.approval)
    assert row is not None
    return Header(**row)


INSERT_DECISION = "INSERT INTO header_decisions (company_id, key, approved, evidence, user_id) VALUES ($1, $2, $3, $4, nullif($5::bigint, 0))"


async def insert_decision(tx: Tx, company_id: int, key: str, approved: bool, evidence: str, user_id: int) -> None:
    """`user_id` 0: the command line."""
    await tx.execute(INSERT_DECISION, company_id, key, approved, evidence, user_id)


READ_DECISIONS = """
SELECT approved, evidence, user_id, at FROM header_decisions WHERE company_id = $1 AND key = $2 ORDER BY id
"""


async def decisions_of(tx: Tx, company_id: int, key: str) -> list[HeaderDecision]:
    return [HeaderDecision(**row) for row in await tx.fetch(READ_DECISIONS, company_id, key)]


INSERT_PROTECTED = "INSERT INTO protected_names (skeleton, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def protect(tx: Tx, skeleton: str, name: str) -> bool:
    """False where one that looks the same is protected."""
    return await tx.execute(INSERT_PROTECTED, skeleton, name) == "INSERT 0 1"


DELETE_PROTECTED = "DELETE FROM protected_names WHERE skeleton = $1"


async def unprotect(tx: Tx, skeleton: str) -> bool:
    """Whether there was one."""
    return await tx.execute(DELETE_PROTECTED, skeleton) == "DELETE 1"


READ_PROTECTED = "SELECT name FROM protected_names ORDER BY name"


async def protected_names(tx: Tx) -> list[str]:
    return [row["name"] for row in await tx.fetch(READ_PROTECTED)]


READ_HEADERS = f"SELECT company_id, {HEADER} FROM headers WHERE company_id = ANY($1::bigint[]) ORDER BY added"  # noqa: S608


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


FIND_BRAND = "SELECT name FROM brands WHERE company_id = $1 AND name_key = $2"


async def brand_name(tx: Tx, company_id: int, name_key: str) -> str | None:
    """As the company writes it; None where it has no such brand."""
    name: str | None = await tx.fetchval(FIND_BRAND, company_id, name_key)
    return name


READ_BRANDS = "SELECT company_id, name, active, version FROM brands WHERE company_id = ANY($1::bigint[]) ORDER BY added"


async def brands_of(tx: Tx, company_ids: Sequence[int]) -> list[Record]:
    return await tx.fetch(READ_BRANDS, company_ids)
