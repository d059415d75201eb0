"""The inbox: a company's people read what it received, page by page, and mark it as read and as handled.

Another company's text answers exactly as an unknown one.
"""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.inbound import InboundPage, InboxText, MarkTexts, ReadInbound, ShowInbound
from libs.common.db import Tx
from services.inbound.inbox import rules, store
from services.inbound.textins import store as textins

NO_TEXT = Refusal(Code.NOT_FOUND, "there is no such text")


async def read(tx: Tx, ask: Asked[ReadInbound]) -> InboundPage:
    company_id, body = ask.caller.company_id, ask.body
    if body.text_in_id is not None and not await textins.exists(tx, company_id, body.text_in_id):
        raise Refusal(Code.NOT_FOUND, "there is no such text-in")
    after = await store.place_of(tx, company_id, body.after) if body.after else None
    if body.after and after is None:
        raise Refusal(Code.NOT_FOUND, "there is no such text to go on from")
    return await store.page(tx, rules.wanted(company_id, body, after))


async def show(tx: Tx, asked: Sequence[Asked[ShowInbound]]) -> list[InboxText | Refusal]:
    found = await store.show(tx, [(one.caller.company_id, one.body.id) for one in asked])
    return [found.get((one.caller.company_id, one.body.id), NO_TEXT) for one in asked]


async def mark(tx: Tx, ask: Asked[MarkTexts]) -> Done:
    company_id, ids = ask.caller.company_id, set(ask.body.ids)
    if await store.lock(tx, company_id, ids) < len(ids):
        raise Refusal(Code.NOT_FOUND, "one of the texts is not there: none is marked")
    await store.mark(tx, ids, ask.body.read, ask.body.handled)
    return Done()
