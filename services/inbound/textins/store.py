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


INSERT_TEXT_IN = """
INSERT INTO text_ins (company_id, header, header_key, keyword, keyword_key) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (header_key, keyword_key) DO NOTHING RETURNING id
"""


async def insert(tx: Tx, ask: CreateTextIn, header: str, keyword_key: str) -> TextIn | None:
    """None where the keyword is taken on this header."""
    keyword = ask.keyword.strip()
    id_ = await tx.fetchval(INSERT_TEXT_IN, ask.company_id, header, phone.sender_key(header), keyword, keyword_key)
    return TextIn(id=id_, company_id=ask.company_id, header=header, keyword=keyword) if id_ else None
