"""Sending: texts are checked and queued, singly or as a campaign's window; what is queued can be cancelled.

Owns the way into the ledger and the state `cancelled`. Never talks to a carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.campaign import CampaignSteered, RecipientsHandedOver
from libs.common.contracts.inbound import RepliesWanted
from libs.common.contracts.messaging import (
    CancelText,
    CountQueued,
    Queued,
    SendText,
    State,
    SteerCampaign,
    Steered,
    TextId,
)
from libs.common.contracts.senders import HeadersChanged
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.near_gsm import replaced
from libs.common.phone import sender_key
from services.messaging.ledger.closing import close
from services.messaging.policies.store import too_many
from services.messaging.sending import rules, store
from services.messaging.sending.queueing import queue, queue_recipients
from services.messaging.sending.rules import STOPPED, Lane
from services.messaging.suppressions.rules import why_not
from services.messaging.suppressions.store import stops_of
from services.messaging.templates.rules import rendered
from services.messaging.templates.store import bodies_of

REPLY_LIFE = timedelta(hours=1)  # an answer that comes later than this answers nothing


async def send_texts(tx: Tx, asked: Sequence[Asked[SendText]]) -> list[TextId | Refusal]:
    """Queues each text under its ask's id. Refuses bad numbers, texts and senders, and numbers that are opted out."""
    senders = await store.known_senders(tx, {(a.caller.company_id, sender_key(a.body.sender)) for a in asked})
    templates = await bodies_of(tx, {(a.caller.company_id, a.body.template_id) for a in asked if a.body.template_id})
    drafts = [_draft(ask, senders, templates, tx.app.policy_of(ask.caller.company_id).near_gsm) for ask in asked]
    good = [draft for draft in drafts if not isinstance(draft, Refusal)]
    stops = await stops_of(tx, {(draft.company_id, draft.number) for draft in good})
    stopped = {draft.id for draft in good if _stopped(tx, draft, stops)}

    sendable = [draft for draft in good if draft.id not in stopped]
    said = [(draft.company_id, draft.number, draft.body) for draft in sendable]
    many = await too_many(tx, said, tx.app.policies) if said else []
    repeated = {draft.id for draft, refused in zip(sendable, many, strict=True) if refused}
    await queue(tx, Lane.ORDINARY, [draft for draft in sendable if draft.id not in repeated])
    return [_answer(draft, stopped, repeated) for draft in drafts]


def _stopped(tx: Tx, draft: store.Draft, stops: dict[tuple[int, str], list[str]]) -> bool:
    against = stops.get((draft.company_id, draft.number))
    if not against:
        return False
    key = sender_key(draft.sender)
    header = tx.app.headers.get((draft.company_id, key))
    return bool(why_not(against, key, header.brand if header else "", Lane.ORDINARY))


def _draft(
    ask: Asked[SendText], senders: dict[tuple[int, str], str], templates: dict[tuple[int, int], str], near_gsm: bool
) -> store.Draft | Refusal:
    wanted, company_id = ask.body, ask.caller.company_id
    try:
        body = _words(wanted, templates.get((company_id, wanted.template_id or 0)))
        body = replaced(body) if near_gsm else body
        number = rules.checked(wanted.to, body)
        reference = rules.reference(wanted.reference)
        send_at, expires_at = rules.times(wanted.send_at, now())
    except Refusal as refusal:
        return refusal
    sender = senders.get((company_id, sender_key(wanted.sender)))
    if sender is None:
        return Refusal(Code.INVALID_SENDER, "this is no active header of the company")
    test = ask.caller.test
    return store.Draft(ask.id, company_id, number, sender, body, test, expires_at, reference=reference, send_at=send_at)


def _words(wanted: SendText, template: str | None) -> str:
    """What is sent: the text itself, or the template with its values."""
    if wanted.template_id is None:
        if wanted.values:
            raise Refusal(Code.INVALID_REQUEST, "values are a template's")
        return wanted.body
    if wanted.body:
        raise Refusal(Code.INVALID_REQUEST, "a text is either written out or a template's")
    if template is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such template")
    return rendered(template, wanted.values)


def _answer(draft: store.Draft | Refusal, stopped: set[UUID], repeated: set[UUID]) -> TextId | Refusal:
    if isinstance(draft, Refusal):
        return draft
    if draft.id in stopped:
        return Refusal(Code.OPTED_OUT, "this number has texted STOP")
    if draft.id in repeated:
        return Refusal(Code.LIMIT_REACHED, "this number was sent the same text too often within an hour")
    return TextId(id=draft.id)


async def cancel_texts(tx: Tx, asked: Sequence[Asked[CancelText]]) -> list[Done | Refusal]:
    """Cancels what is still queued. A claim and a cancel wait for each other, so that exactly one of them has the text."""
    found = await store.lock(tx, {(ask.caller.company_id, ask.body.id) for ask in asked})
    answers = [_cancelled(ask, found.get((ask.caller.company_id, ask.body.id))) for ask in asked]
    ids = {ask.body.id for ask, answer in zip(asked, answers, strict=True) if isinstance(answer, Done)}
    await close(tx, sorted(ids), State.CANCELLED, "cancelled by its company")
    return answers


def _cancelled(ask: Asked[CancelText], row: Record | None) -> Done | Refusal:
    if row is None:
        return Refusal(Code.NOT_FOUND, "the company has no such text")
    if ask.caller.test and not row["test"]:
        return Refusal(Code.PERMISSION_DENIED, "this is a live text, and the key is for tests")
    if row["campaign_id"] is not None:
        return Refusal(Code.WRONG_STATE, "the text is a campaign's: it is stopped with it")
    if row["state"] != State.QUEUED:
        return Refusal(Code.WRONG_STATE, f"the text is {row['state']}")
    return Done()


async def recipients_handed_over(tx: Tx, event: RecipientsHandedOver) -> None:
    """Queues a window of a campaign, by its course: held back, or cancelled at once, where that overtook it."""
    said = replaced if tx.app.policy_of(event.company_id).near_gsm else str
    course = await store.keep_campaign(tx, event.campaign_id, event.company_id, event.sender, said(event.body))
    own = any(recipient.body is not None for recipient in event.items)
    bodies = [None if recipient.body is None else said(recipient.body) for recipient in event.items] if own else []
    await queue_recipients(tx, event, course, bodies)
    if course.stopped:
        await close(tx, [r.id for r in event.items], State.CANCELLED, STOPPED)


async def steer_campaigns(tx: Tx, asked: Sequence[Asked[SteerCampaign]]) -> list[Steered]:
    """From its commit on nothing of a campaign is claimed unless its course is go; what a carrier has, or may have, goes on, and is counted.

    What is queued follows by the event that tells the same: the answer need not wait for 20,000 rows, since claims obey the course by themselves.
    In the order of campaigns, so that two folds that steer the same ones do not wait for each other.
    """
    for one in sorted(asked, key=lambda ask: ask.body.campaign_id):
        await store.steer_unless_older(tx, one.body)
    return [
        Steered(can_still_arrive=await store.with_carriers(tx, one.body.campaign_id, one.body.company_id))
        for one in asked
    ]


async def campaign_steered(tx: Tx, event: CampaignSteered) -> None:
    """As it was asked, or before it could be; and what is queued is put off, or is due again, or is cancelled."""
    campaign_id, company_id = event.campaign_id, event.company_id
    if not await store.steer_unless_older(tx, event):
        return
    if event.course == "stop":
        await close(tx, await store.queued_of(tx, campaign_id, company_id), State.CANCELLED, STOPPED)
    else:
        held = event.course == "hold"
        await store.steer_queued(tx, campaign_id, company_id, held=held, expires_at=event.expires_at)


async def count_queued(tx: Tx, ask: Asked[CountQueued]) -> Queued:
    return Queued(texts=await store.count_queued(tx, ask.body.campaign_id, ask.body.company_id, ask.body.most))


async def replies_wanted(tx: Tx, event: RepliesWanted) -> None:
    """Texts that answer a text, once each under its id. One that is exempt goes in the lane of codes: the person asked for it just now."""
    senders = await store.known_senders(tx, {(event.company_id, sender_key(reply.sender)) for reply in event.items})
    for lane in (Lane.URGENT, Lane.ORDINARY):
        drafts = [
            store.Draft(reply.id, event.company_id, reply.to, sender, reply.body, False, now() + REPLY_LIFE)
            for reply in event.items
            if (lane is Lane.URGENT) is reply.exempt
            and (sender := senders.get((event.company_id, sender_key(reply.sender)))) is not None
        ]
        await queue(tx, lane, drafts)


async def headers_changed(tx: Tx, event: HeadersChanged) -> None:
    await store.keep_headers(tx, event.company_id, event.items)
