"""Conversations: what a company and a number texted each other, singly. A campaign's text, a verification's code and a test are no conversation.

A union of the ledger and of a projection of inbound's events; owns only the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson

from libs.common.bus import Asked
from libs.common.contracts.base import Refusal
from libs.common.contracts.inbound import TextsReceived
from libs.common.contracts.messaging import ReadConversation
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.ids import uuid7_time
from libs.common.phone import required
from services.messaging.conversations import store

FIRST = UUID(int=0)


async def read_conversations(tx: Tx, asked: Sequence[Asked[ReadConversation]]) -> Sequence[bytes | Refusal]:
    """A ConversationPage for each, as JSON."""
    numbers = [_number(one.body.number) for one in asked]
    known = [(one, number) for one, number in zip(asked, numbers, strict=True) if isinstance(number, str)]
    found = await store.pages(
        tx,
        [one.caller.company_id for one, _ in known],
        [number for _, number in known],
        [one.body.after or FIRST for one, _ in known],
        [one.body.limit + 1 for one, _ in known],
    )
    pages = iter(_page(rows, one.body.limit) for rows, (one, _) in zip(found, known, strict=True))
    return [number if isinstance(number, Refusal) else next(pages) for number in numbers]


def _number(given: str) -> str | Refusal:
    try:
        return required(given)
    except Refusal as refusal:
        return refusal


def _page(rows: Sequence[Record], limit: int) -> bytes:
    items = [
        {
            "id": str(id_),
            "sender": sender,
            "to": to,
            "at": at or uuid7_time(id_),
            "body": body,
            "sent": sent,
        }
        for _, id_, sender, to, body, sent, at in rows[:limit]
    ]
    return orjson.dumps({"items": items, "more": len(rows) > limit})


async def texts_received(tx: Tx, event: TextsReceived) -> None:
    await store.keep_inbound(tx, event.company_id, event.items)
