"""Text-ins: an operator gives a company a keyword on its header."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import CreateTextIn, TextIn
from libs.common.db import Tx
from services.inbound.textins import rules, store


async def create(tx: Tx, ask: Asked[CreateTextIn]) -> TextIn:
    key = rules.keyword_key(ask.body.keyword)
    header = await store.header_of(tx, ask.body.company_id, ask.body.header)
    if header is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such header")
    text_in = await store.insert(tx, ask.body, header, key)
    if text_in is None:
        raise Refusal(Code.DUPLICATE, "this keyword is taken on this header")
    return text_in
