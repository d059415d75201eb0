"""Sending: texts are checked and queued, singly or as a campaign's window; what is queued can be cancelled.

Owns the way into the ledger and the state `cancelled`. Never talks to a carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.auth import HeadersChanged
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignStopped, RecipientsHandedOver
from libs.common.contracts.messaging import SendText, State, TextId
from libs.common.db import Tx
from libs.common.phone import sender_key
from services.messaging.ledger.closing import close
from services.messaging.sending import rules, store
from services.messaging.sending.rules import Lane

TRANSACTIONAL_LIFE = timedelta(days=2)  # a text that could not be sent for so long is no longer wanted


async def send_texts(tx: Tx, asked: Sequence[Asked[SendText]]) -> list[TextId | Refusal]:
    """Queues each text under its ask's id. Refuses bad numbers, texts and senders, and numbers that are opted out."""
    senders = await store.known_senders(tx, {(a.caller.company_id, sender_key(a.body.sender)) for a in asked})
    drafts: list[store.Draft | Refusal] = [_draft(ask, senders) for ask in asked]
    good = [draft for draft in drafts if not isinstance(draft, Refusal)]
    stopped = await store.stopped_among(tx, {(draft.company_id, draft.number) for draft in good})

    await store.queue(tx, Lane.ORDINARY, [d for d in good if (d.company_id, d.number) not in stopped])
    tx.wake("ordinary")
    return [_answer(draft, stopped) for draft in drafts]


def _draft(ask: Asked[SendText], senders: dict[tuple[int, str], str]) -> store.Draft | Refusal:
    try:
        number = rules.checked(ask.body.to, ask.body.body)
    except Refusal as refusal:
        return refusal
    sender = senders.get((ask.caller.company_id, sender_key(ask.body.sender)))
    if sender is None:
        return Refusal(Code.INVALID_SENDER, "this is no active header of the company")
    return store.Draft(
        ask.id, ask.caller.company_id, number, sender, ask.body.body, expires_at=now() + TRANSACTIONAL_LIFE
    )


def _answer(draft: store.Draft | Refusal, stopped: set[tuple[int, str]]) -> TextId | Refusal:
    if isinstance(draft, Refusal):
        return draft
    if (draft.company_id, draft.number) in stopped:
        return Refusal(Code.OPTED_OUT, "this number has texted STOP")
    return TextId(id=draft.id)


async def recipients_handed_over(tx: Tx, event: RecipientsHandedOver) -> None:
    """Queues a window of a campaign; cancelled at once where its stop overtook it."""
    stopped = await store.keep_campaign(tx, event.campaign_id, event.company_id, event.sender, event.body)
    await store.queue_recipients(tx, event.company_id, event.campaign_id, event.sender, event.expires_at, event.items)
    if stopped:
        await close(tx, [r.id for r in event.items], State.CANCELLED, "campaign stopped")
    tx.wake("bulk")


async def campaign_stopped(tx: Tx, event: CampaignStopped) -> None:
    """Cancels what is queued; what a carrier has, or may have, goes on."""
    queued = await store.stop_campaign(tx, event.campaign_id, event.company_id)
    await close(tx, queued, State.CANCELLED, "campaign stopped")


async def headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.keep_headers(tx, event.company_id, event.items)
