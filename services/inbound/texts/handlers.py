"""Received texts: keeps what arrived, once, finds whose it is, announces it and lets what it wishes be obeyed, all in one transaction.

Never loses a text: one that is nobody's is kept until somebody has its header (loop.py). Never leaves a wish unheard: one to a shared number is
obeyed for every company that has it, also one that is known to have it only later (loop.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.messaging import TextsArrived
from libs.common.db import Tx
from services.inbound.optouts.handlers import obey
from services.inbound.texts import rules, store
from services.inbound.texts.rules import Owner, Text


async def on_arrived(tx: Tx, event: TextsArrived) -> None:
    texts = rules.as_kept(event.items)
    owners = await whose(tx, texts)
    unheard = rules.unheard(texts, owners)
    sharers = await store.sharers(tx, unheard) if unheard else {}

    added = await store.insert_new(tx, texts, owners)

    new = [text for text in texts if text.id in added]
    for received in rules.announcements(new, owners):
        tx.emit(received)
    await obey(tx, rules.wishes_in(new, owners, sharers))


async def whose(tx: Tx, texts: Sequence[Text]) -> dict[UUID, Owner]:
    keywords = rules.keywords_of(texts)
    text_ins = await store.text_ins(tx, keywords.values())
    return rules.owners_of(texts, keywords, text_ins, await store.header_owners(tx, texts))


async def on_headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.apply_headers(tx, event)
    tx.wake("headers")
