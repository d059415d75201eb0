"""Received texts: keeps what arrived, once, finds whose it is, announces it and lets what it wishes be obeyed, all in one transaction.

Never loses a text: one that is nobody's is kept until somebody has its header (loop.py). Never leaves a wish unheard: one that is everybody's on a
shared number is obeyed for every company that has it, also one that is known to have it only later (loop.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.contracts.messaging import TextsArrived
from libs.common.contracts.senders import HeadersChanged
from libs.common.db import Tx
from services.inbound.optouts import handlers as optouts
from services.inbound.optouts import store as contacts
from services.inbound.optouts.handlers import Header
from services.inbound.optouts.rules import Wish, names_something
from services.inbound.replies import handlers as replies
from services.inbound.textins import handlers as textins
from services.inbound.texts import rules, store
from services.inbound.texts.rules import Owner, Text


async def on_arrived(tx: Tx, event: TextsArrived) -> None:
    texts = rules.as_kept(event.items)
    headers = await headers_of(tx, texts)
    owners = await whose(tx, texts, headers)
    readings = rules.readings(texts, owners, headers)

    added = await store.insert_new(tx, texts, owners, readings)

    new = {text.id: text for text in texts if text.id in added}
    for received in rules.announcements(list(new.values()), owners):
        tx.emit(received)
    said = rules.said(new.values(), owners, readings)
    addressed = await optouts.obey(tx, said, headers)
    starts = [one.id for one in said if one.reading.wish is Wish.START]
    await store.mark_for_all(tx, [id_ for id_, to in addressed.items() if to.for_all], starts)
    answers = await optouts.answers_to(tx, {one.id: (one, new[one.id].body) for one in said}, addressed)
    answers += await textins.act(tx, rules.claimed(new.values(), owners, readings))
    await replies.answer(tx, answers)


async def headers_of(tx: Tx, texts: Sequence[Text]) -> dict[str, Header]:
    naming = {text.header_key for text in texts if names_something(text.body)}
    return await optouts.headers(tx, {text.header_key for text in texts}, naming)


async def whose(tx: Tx, texts: Sequence[Text], headers: Mapping[str, Header]) -> dict[UUID, Owner]:
    keywords = rules.keywords_of(texts)
    text_ins = await store.text_ins(tx, keywords.values(), {text.header_key for text in texts})
    shared = {key for key, header in headers.items() if any(party.shared for party in header.parties)}
    pairs = {(text.header_key, text.number) for text in texts if text.header_key in shared}
    last = rules.last_senders(texts, headers, await contacts.uses(tx, pairs)) if pairs else {}
    return rules.owners_of(texts, keywords, text_ins, await store.header_owners(tx, texts), last)


async def on_headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.apply_headers(tx, event)
    tx.wake("headers")
