"""Received texts: keeps what arrived, once, finds whose it is, announces it and lets what it wishes be obeyed, all in one transaction.

Never loses a text: one to a header that is nobody's is kept until somebody has the header (loop.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from libs.common.bus import Asked
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import InboundPage, ReadInbound
from libs.common.contracts.messaging import TextsArrived
from libs.common.db import Tx
from services.inbound.optouts.handlers import obey
from services.inbound.texts import rules, store
from services.inbound.texts.rules import Owner, Text

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


async def on_arrived(tx: Tx, event: TextsArrived) -> None:
    texts = rules.as_kept(event.items)
    owners = await whose(tx, texts)
    new = await store.insert_new(tx, texts, owners)
    await tell(tx, [text for text in texts if text.id in new], owners)


async def whose(tx: Tx, texts: Sequence[Text]) -> dict[UUID, Owner]:
    keywords = rules.keywords_of(texts)
    text_ins = await store.text_ins(tx, keywords.values())
    return rules.owners_of(texts, keywords, text_ins, await store.header_owners(tx, texts))


async def tell(tx: Tx, texts: Sequence[Text], owners: Mapping[UUID, Owner]) -> None:
    """Announces texts that are their company's from now on, and obeys what they wish."""
    for event in rules.announcements(texts, owners):
        tx.emit(event)
    await obey(tx, rules.wishes_in(texts, owners))


async def on_headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.apply_headers(tx, event)
    tx.wake("headers")


async def read_inbound(tx: Tx, ask: Asked[ReadInbound]) -> InboundPage:
    since = ask.body.since or BEGINNING
    after = since, UUID(int=0)
    if ask.body.after is not None:
        at = await store.received_at(tx, ask.caller.company_id, ask.body.after)
        if at is None:
            raise Refusal(Code.NOT_FOUND, "there is no such text to go on from")
        after = at, ask.body.after
    return await store.received(tx, ask.caller.company_id, since, after)
