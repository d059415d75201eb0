"""The rows of text-ins. Owns `text_ins`; reads whose headers are."""

from __future__ import annotations

from libs.common import phone
from libs.common.contracts.inbound import CreateTextIn, TextIn
from libs.common.db import Tx

FIND_HEADER = "SELECT header FROM headers WHERE key = $1 AND company_id = $2 AND active"


async def header_of(tx: Tx, company_id: int, header: str) -> str | None:
    """The header as its company writes it; None where it is not the company's."""
    found: str | None = await tx.fetchval(FIND_HEADER, phone.sender_key(header), company_id)
    return found


LOCK_TABLE = "LOCK TABLE text_ins IN SHARE ROW EXCLUSIVE MODE"


async def one_at_a_time(tx: Tx) -> None:
    """Others who change text-ins wait, so that what is counted stays so. Texts come in meanwhile."""
    await tx.execute(LOCK_TABLE)


INSERT_TEXT_IN = """
INSERT INTO text_ins (company_id, header, header_key, keyword, keyword_key) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (header_key, keyword_key) DO NOTHING RETURNING id
"""


async def insert(tx: Tx, ask: CreateTextIn, header: str, keyword_key: str) -> TextIn | None:
    """None where the keyword is taken on this header, by whomever, active or not."""
    keyword = ask.keyword.strip()
    id_ = await tx.fetchval(INSERT_TEXT_IN, ask.company_id, header, phone.sender_key(header), keyword, keyword_key)
    return TextIn(id=id_, company_id=ask.company_id, header=header, keyword=keyword) if id_ else None


COUNT_TEXT_INS = "SELECT count(*)::int FROM text_ins WHERE company_id = $1"


async def count_of(tx: Tx, company_id: int) -> int:
    count: int = await tx.fetchval(COUNT_TEXT_INS, company_id)
    return count


SET_ACTIVE = "UPDATE text_ins SET active = $2 WHERE id = $1"


async def set_active(tx: Tx, id_: int, active: bool) -> bool:
    """Whether there is such a text-in."""
    return await tx.execute(SET_ACTIVE, id_, active) == "UPDATE 1"


READ_TEXT_INS = "SELECT id, company_id, header, keyword, active FROM text_ins WHERE company_id = $1 ORDER BY id"


async def all_of(tx: Tx, company_id: int) -> list[TextIn]:
    return [TextIn(**row) for row in await tx.fetch(READ_TEXT_INS, company_id)]


FIND_TEXT_IN = "SELECT EXISTS (SELECT FROM text_ins WHERE id = $1::bigint AND company_id = $2)"


async def exists(tx: Tx, company_id: int, id_: int) -> bool:
    found: bool = await tx.fetchval(FIND_TEXT_IN, id_, company_id)
    return found
