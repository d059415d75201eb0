"""Submitting: hands the texts that wait for a carrier to it, and writes down what came of it.

Owns the states submitting, submitted and in_doubt. Never sends a text whose outcome is unknown a second time, and never holds a transaction
while a carrier thinks. A claim is a lease: the carrier is told until when it may write, and a text that a dead worker may have written is in doubt.
See docs/architecture.md, "One text".
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from libs.common import crash
from libs.common.clock import now
from libs.common.contracts.messaging import State
from libs.common.db import AWAY, Tx
from libs.common.db.pool import Record
from libs.common.ids import uuid7
from libs.common.loop import Loop
from services.messaging.carriers.carrier import Answer, Failure, Part, Refusal, Refused, Taken, Unknown
from services.messaging.connections.desk import Desk
from services.messaging.connections.rules import claim_max
from services.messaging.ledger.closing import close, close_each, tell_settled
from services.messaging.receipts import handlers as receipts
from services.messaging.routing.store import happened
from services.messaging.sending.rules import Lane
from services.messaging.sending.states import END
from services.messaging.submitting import meters, rules, store
from services.messaging.submitting.floors import Floors
from services.messaging.submitting.prepare import Prepared, awake, prepared, within_caps
from services.messaging.suppressions.handlers import note_failed, reason_against

if TYPE_CHECKING:
    from services.messaging.app import Messaging

log = structlog.get_logger()

LEASE_S = 20.0  # a carrier may be written to for so long after the claim; its answers may come ANSWER_GRACE_S later
SETTLE_LIMIT_S = 25.0  # then a peer may have taken the claim over
ANSWER_GRACE_S = 12.0  # a carrier's answer limit and the settling: only then is a dead worker's claim taken over
LOOK_AGAIN_AFTER_S = 0.1  # a claim that took longer looks at the opt-outs once more before the write
RECEIPT_S = rules.VALIDITY_S + 3600  # no receipt comes after it
IN_DOUBT_S = 72 * 3600  # nobody asked for a decision: it ages out
SWEEP_MAX = 500
BULK_LEAVES = 0.2  # of a capped carrier's second, for the other lanes

Handed = Sequence[tuple[Prepared, rules.Outcome, Sequence[Answer]]]


async def submit(app: Messaging, desk: Desk, lane: Lane) -> int:
    """One round of one lane of one carrier: claim, hand over, settle. Answers how many it took out of the queue."""
    if desk.paused:
        return 0
    claim_id, began = uuid7(), time.monotonic()
    async with app.db.transaction() as tx:
        claimed = await _claim(desk, tx, lane, claim_id)
        if not claimed:
            return 0
        rows = await _close_unsendable(tx, claimed)
        if lane is Lane.BULK:
            rows = await awake(app, tx, claim_id, rows)
        texts = await prepared(app, desk, tx, rows)
        texts = await within_caps(app, desk, tx, claim_id, texts)
        if texts:
            await store.keep_claim(tx, claim_id, app.worker, desk.carrier.name, LEASE_S, [text.id for text in texts])
    crash.point("claim.committed")
    if texts:
        # No transaction is open here: the far side may take its time. The lease begins after `began`, so the fence errs on the safe side.
        handed = await _hand_over(app, desk, texts, began, write_by=began + LEASE_S)
        crash.point("submit.answered")
        await _settle_while_database_away(app, desk, claim_id, handed)
        crash.point("settle.committed")
    return len(claimed)


async def _claim(desk: Desk, tx: Tx, lane: Lane, claim_id: UUID) -> list[Record]:
    most = claim_max(lane, desk.carrier, desk.parts_per_s)
    if desk.parts_per_s is not None:
        level = await meters.level(tx, meters.of_carrier(desk.id), desk.parts_per_s)
        most = min(most, math.ceil(level - (BULK_LEAVES * desk.parts_per_s if lane is Lane.BULK else 0)))
        if most < 1:
            return []
    floors = desk.floors if lane is Lane.BULK else Floors()
    from_here = floors.known()
    claimed = await store.claim_queued(tx, desk.id, lane, from_here, most, claim_id)
    if not claimed:
        from_here = floors.begin(await store.waiting_companies(tx, desk.id, lane))
        claimed = await store.claim_queued(tx, desk.id, lane, from_here, most, claim_id)
    floors.rise((row["company_id"], row["next_attempt_at"]) for row in claimed)
    return claimed


async def _close_unsendable(tx: Tx, claimed: Sequence[Record]) -> list[Record]:
    """Ends what is not to go out; the others."""
    against = {row["id"]: reason_against(tx, row) for row in claimed if row["stops"]}
    await close_each(tx, [(id_, State.SUPPRESSED, reason) for id_, reason in sorted(against.items()) if reason])
    too_old = [row["id"] for row in claimed if row["too_old"] and not against.get(row["id"])]
    await close(tx, too_old, State.EXPIRED, "its time was over before it could be sent")
    return [row for row in claimed if not (row["too_old"] or against.get(row["id"]))]


async def _hand_over(app: Messaging, desk: Desk, texts: Sequence[Prepared], began: float, write_by: float) -> Handed:
    """What became of each text. A STOP committed since the claim counts too, where the claim took long enough for one."""
    stopped: dict[UUID, str] = {}
    if time.monotonic() > began + LOOK_AGAIN_AFTER_S:
        try:
            async with app.db.reading() as tx:
                stopped = {
                    row["id"]: reason_against(tx, row) for row in await store.stops_of(tx, [t.id for t in texts])
                }
        except AWAY:
            write_by = -math.inf  # who may be written to is not known, so nobody is
    sendable = [text for text in texts if not stopped.get(text.id)]
    # The one place where a text is given to a carrier.
    answers = iter(await desk.carrier.submit([part for text in sendable for part in text.parts], write_by))
    handed: list[tuple[Prepared, rules.Outcome, Sequence[Answer]]] = [
        (text, rules.Outcome(State.SUPPRESSED, stopped[text.id]), ()) for text in texts if stopped.get(text.id)
    ]
    at = now()
    for text in sendable:
        its = [next(answers) for _ in text.parts]
        handed.append((text, rules.outcome(its, text.attempts, text.expires_at, at), its))
    _count(desk, [answer for _, _, its in handed for answer in its])
    return sorted(
        handed, key=lambda one: one[0].id
    )  # the order in which receipts lock them: two orders would be a deadlock


def _count(desk: Desk, answers: Sequence[Answer]) -> None:
    errors = sum(
        isinstance(a, Unknown) or (isinstance(a, Refused) and a.reason in rules.CARRIERS_FAULT) for a in answers
    )
    desk.did(answered=len(answers) - errors, errors=errors)


async def _settle_while_database_away(app: Messaging, desk: Desk, claim_id: UUID, handed: Handed) -> None:
    """What the carrier said is kept in hand until it can be written down: else it would be in doubt. A repeat meets its own guard."""
    until = time.monotonic() + SETTLE_LIMIT_S
    while True:
        try:
            async with app.db.transaction() as tx:
                await _settle(tx, desk, claim_id, handed)
            return
        except AWAY as error:
            if time.monotonic() > until:
                raise
            log.warning("database_away", claim=str(claim_id), error=repr(error))
            await asyncio.sleep(0.5)


async def _settle(tx: Tx, desk: Desk, claim_id: UUID, handed: Handed) -> None:
    by_state: dict[State, list[tuple[UUID, rules.Outcome]]] = defaultdict(list)
    for text, outcome, _ in handed:
        by_state[outcome.state].append((text.id, outcome))
    name = desk.carrier.name
    await store.submitted_if_claimed(tx, claim_id, name, by_state[State.SUBMITTED])
    await store.again_if_claimed(tx, claim_id, by_state[State.QUEUED])
    refused = [(id_, f"not taken by {name}: {o.reason}") for id_, o in by_state[State.QUEUED] if o.counted]
    await happened(tx, refused)
    unknown = [(id_, outcome.reason) for id_, outcome in by_state[State.IN_DOUBT]]
    tell_settled(tx, await store.in_doubt_if_submitting(tx, claim_id, name, unknown))
    ended = [(text.id, outcome.state, outcome.reason) for text, outcome, _ in handed if outcome.state in END]
    closed = await close_each(tx, ended)
    refusals = {text.id: outcome.refusal for text, outcome, _ in handed}
    await note_failed(tx, [(row, Failure.PERMANENT) for row in closed if refusals[row["id"]] is Refusal.BAD_NUMBER])
    if desk.keeps_references:
        await receipts.keep_taken(tx, desk, _taken(handed))
    await store.drop_claim(tx, claim_id)


def _taken(handed: Handed) -> list[tuple[Part, str]]:
    return [
        (part, answer.reference)
        for text, _, answers in handed
        for part, answer in zip(text.parts, answers, strict=False)
        if isinstance(answer, Taken)
    ]


async def take_over_abandoned(app: Messaging) -> int:
    """Claims of dead workers: what they may have written is in doubt, for the carrier may have it."""
    async with app.db.transaction() as tx:
        claims = await store.abandoned_claims(tx, ANSWER_GRACE_S)
        for claim in claims:
            doubtful = [(id_, "its worker died") for id_ in sorted(claim["texts"])]
            told = await store.in_doubt_if_submitting(tx, claim["id"], claim["carrier"], doubtful)
            tell_settled(tx, told)
            await store.drop_claim(tx, claim["id"])
            log.warning("claim_abandoned", claim=str(claim["id"]), texts=len(claim["texts"]), in_doubt=len(told))
    return len(claims)


async def expire_overdue(app: Messaging) -> int:
    """Texts without a receipt after their validity, and doubts that nobody settled, get a named end."""
    async with app.db.transaction() as tx:
        overdue = await store.overdue(tx, RECEIPT_S, IN_DOUBT_S, SWEEP_MAX)
        return len(await close(tx, overdue, State.EXPIRED, "no receipt came"))


def lane_loops(desk: Desk) -> list[Loop]:
    """What claims for one open carrier. Each is woken by what was queued for it in its lane."""

    def loop(lane: Lane, every_s: float, side_by_side: int) -> Loop:
        async def step(app: Messaging) -> int:
            return await submit(app, desk, lane)

        wakes = frozenset({wake_name(desk.id, lane)})
        plenty = claim_max(lane, desk.carrier, None)
        return Loop(f"submit_{lane.name.lower()}", step, every_s, wakes, side_by_side=side_by_side, plenty=plenty)

    return [loop(Lane.URGENT, 0.5, 1), loop(Lane.ORDINARY, 1.0, 2), loop(Lane.BULK, 1.0, 2)]


def wake_name(route: int, lane: Lane) -> str:
    return f"{lane.name.lower()}:{route}"


LOOPS = [
    Loop("take_over_abandoned", take_over_abandoned, every_s=3.0),
    Loop("expire_overdue", expire_overdue, every_s=600.0),
]
