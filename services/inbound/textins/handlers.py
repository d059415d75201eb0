"""Text-ins: an operator gives a company a keyword on its header, and switches it off and on; the company says what follows from a text with it.

What follows is decided in the transaction that keeps the text, so it is done once; a webhook is posted to by loop.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.inbound import TEXT_INS_MAX, CreateTextIn, ListTextIns, SetTextInActive, TextIn, TextIns
from libs.common.contracts.textins import DeadDeliveries, ListDeadDeliveries, SetTextInActions, WebhookSecret
from libs.common.db import Tx
from services.inbound.replies import handlers as replies
from services.inbound.replies.rules import Answer
from services.inbound.textins import deliveries, rules, store, webhooks
from services.inbound.textins.rules import Claimed

NO_TEXT_IN = "there is no such text-in"


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
        raise Refusal(Code.NOT_FOUND, NO_TEXT_IN)
    return Done()


async def list_all(tx: Tx, ask: Asked[ListTextIns]) -> TextIns:
    company_id = ask.caller.company_id or ask.body.company_id
    if not company_id:
        raise Refusal(Code.INVALID_REQUEST, "which company's?")
    return TextIns(items=await store.all_of(tx, company_id))


async def set_actions(tx: Tx, ask: Asked[SetTextInActions]) -> WebhookSecret:
    """The secret is made where the address is new; the ask that made it, when it is repeated, hears it again."""
    was = await store.lock(tx, ask.caller.company_id, ask.body.id)
    if was is None:
        raise Refusal(Code.NOT_FOUND, NO_TEXT_IN)
    actions = rules.checked(ask.body.actions, was["header"])
    secret, set_by = was["webhook_secret"], was["webhook_set_by"]
    if actions.webhook_url != was["webhook_url"]:
        secret, set_by = (webhooks.new_secret(), ask.id) if actions.webhook_url else (None, None)
    await store.set_actions(tx, ask.body.id, actions, secret, set_by)
    return WebhookSecret(secret=secret if set_by == ask.id else None)


async def list_dead(tx: Tx, ask: Asked[ListDeadDeliveries]) -> DeadDeliveries:
    return await deliveries.dead(tx, ask.caller.company_id, ask.body)


async def act(tx: Tx, texts: Sequence[Claimed]) -> list[Answer]:
    """Lets follow from texts that were just kept what their text-ins say, but for what they are to be answered: that it says."""
    if not texts:
        return []
    actions = await store.actions_of(tx, {text.text_in_id for text in texts})
    replies.want(tx, rules.forwards(texts, actions))
    for event in rules.memberships(texts, actions):
        tx.emit(event)
    if posts := rules.posts(texts, actions):
        await deliveries.insert(tx, posts)
        tx.wake("webhooks")
    return rules.answers(texts, actions)
