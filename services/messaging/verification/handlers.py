"""Verification: a text with a code in it, in a lane of its own, answered with the code. Neither is stored in a form anyone could read.

Goes out to opted-out numbers too: the person asked for it just now. Late codes are dropped, not delivered late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import SendVerification, Verification
from libs.common.db import Tx
from libs.common.gsm import segments
from libs.common.phone import sender_key
from services.messaging.sending.rules import Lane, checked
from services.messaging.sending.store import Draft, known_senders, queue
from services.messaging.verification import rules, store

CODE_LIFE = timedelta(minutes=10)


async def send_verifications(tx: Tx, asked: Sequence[Asked[SendVerification]]) -> list[Verification | Refusal]:
    """Queues each under its ask's id. A repeat gives the same code and queues nothing: the code is derived from the id."""
    senders = await known_senders(tx, {(a.caller.company_id, sender_key(a.body.sender)) for a in asked})
    there = await store.there_already(tx, [a.id for a in asked])
    answers: list[Verification | Refusal] = []
    drafts: list[Draft] = []
    for ask in asked:
        try:
            draft, code = _draft(tx.app.verification_key, ask, senders)
        except Refusal as refusal:
            answers.append(refusal)
            continue
        answers.append(Verification(id=ask.id, code=code))
        if ask.id not in there:
            drafts.append(draft)
    await queue(tx, Lane.URGENT, drafts)
    tx.wake("urgent")
    return answers


def _draft(key: bytes, ask: Asked[SendVerification], senders: dict[tuple[int, str], str]) -> tuple[Draft, str]:
    body = ask.body
    rule = rules.parsed(body.rule)
    place = body.placeholder or rules.PLACE
    if body.placeholder and body.placeholder not in body.body:
        raise Refusal(Code.INVALID_REQUEST, "the text does not hold the place of the code that was named")
    written = rules.with_code(key, ask.id, body.rule, place, body.body)
    number = checked(body.to, written)
    sender = senders.get((ask.caller.company_id, sender_key(body.sender)))
    if sender is None:
        raise Refusal(Code.INVALID_SENDER, "this is no active header of the company")
    draft = Draft(
        ask.id,
        ask.caller.company_id,
        number,
        sender,
        body.body,
        ask.caller.test,
        expires_at=now() + CODE_LIFE,
        code_rule=body.rule,
        code_place=place,
        parts=segments(written),
    )
    return draft, rules.code(key, ask.id, rule)
