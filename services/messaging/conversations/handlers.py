"""Conversations: what a company and a number texted each other, singly. A campaign's text, a verification's code and a test are no conversation.

A union of the ledger and of a projection of inbound's events; owns only the latter.
"""

from __future__ import annotations

from uuid import UUID

from libs.common.bus import Asked
from libs.common.contracts.inbound import TextsReceived
from libs.common.contracts.messaging import ConversationPage, ConversationText, ReadConversation
from libs.common.db import Tx
from libs.common.ids import uuid7_time
from libs.common.phone import required
from services.messaging.conversations import store

FIRST = UUID(int=0)


async def read_conversation(tx: Tx, ask: Asked[ReadConversation]) -> ConversationPage:
    number = required(ask.body.number)
    limit = ask.body.limit
    rows = await store.page(tx, ask.caller.company_id, number, ask.body.after or FIRST, limit + 1)
    items = [
        ConversationText.model_construct(
            id=row["id"],
            sender=row["sender"],
            to=row["to"],
            at=row["at"] or uuid7_time(row["id"]),
            body=row["body"],
            sent=row["sent"],
        )
        for row in rows[:limit]
    ]
    return ConversationPage.model_construct(items=items, more=len(rows) > limit)


async def texts_received(tx: Tx, event: TextsReceived) -> None:
    await store.keep_inbound(tx, event.company_id, event.items)
