"""Text-ins: an operator gives a company a keyword on its header, and switches it off and on; the company sees its own."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.inbound import TEXT_INS_MAX, CreateTextIn, ListTextIns, SetTextInActive, TextIn, TextIns
from libs.common.db import Tx
from services.inbound.textins import rules, store


async def create(tx: Tx, ask: Asked[CreateTextIn]) -> TextIn:
    key = rules.keyword_key(ask.body.keyword)
    header = await store.header_of(tx, ask.body.company_id, ask.body.header)
    if header is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such header")
    await store.one_at_a_time(tx)
    text_in = await store.insert(tx, ask.body, header, key)
    if text_in is None:
        raise Refusal(Code.DUPLICATE, "this keyword is taken on this header")
    if await store.count_of(tx, text_in.company_id) > TEXT_INS_MAX:
        raise Refusal(Code.LIMIT_REACHED, f"a company has {TEXT_INS_MAX} text-ins at most")
    return text_in


async def set_active(tx: Tx, ask: Asked[SetTextInActive]) -> Done:
    if not await store.set_active(tx, ask.body.id, ask.body.active):
        raise Refusal(Code.NOT_FOUND, "there is no such text-in")
    return Done()


async def list_all(tx: Tx, ask: Asked[ListTextIns]) -> TextIns:
    return TextIns(items=await store.all_of(tx, ask.caller.company_id))
