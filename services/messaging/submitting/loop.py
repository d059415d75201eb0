"""Submitting: hands queued texts to the carrier and writes down what came of it.

Owns the states submitting, submitted and in_doubt. Never sends a text whose outcome is unknown a second time, and never holds a transaction
while a carrier thinks. A claim is a lease: the carrier is told until when it may write, and a text that a dead worker may have written is in doubt.
See docs/architecture.md, "One text".
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from libs.common import crash
from libs.common.clock import now
from libs.common.contracts.messaging import State
from libs.common.db import AWAY, Tx
from libs.common.db.pool import Record
from libs.common.ids import uuid7
from libs.common.loop import Loop
from services.messaging.app import BODIES_MAX, Messaging
from services.messaging.carriers.carrier import Carrier, Part
from services.messaging.ledger.closing import close, close_each, tell_settled
from services.messaging.sending.rules import Lane
from services.messaging.sending.states import END
from services.messaging.submitting import rules, store
from services.messaging.submitting.floors import Floors
from services.messaging.verification.rules import with_code

log = structlog.get_logger()

# Texts a claim. All claims of a process together stay below the carrier's window, so that a kill leaves at most one window in doubt.
CLAIM_MAX = {Lane.URGENT: 50, Lane.ORDINARY: 150, Lane.BULK: 250}
LEASE_S = 20.0  # a carrier may be written to for so long after the claim; its answers may come ANSWER_GRACE_S later
SETTLE_LIMIT_S = 25.0  # then a peer may have taken the claim over
ANSWER_GRACE_S = 12.0  # a carrier's answer limit and the settling: only then is a dead worker's claim taken over
LOOK_AGAIN_AFTER_S = 0.1  # a claim that took longer looks at the opt-outs once more before the write
VALIDITY_S = 48 * 3600  # how long the far side tries to reach the handset
RECEIPT_S = VALIDITY_S + 3600  # no receipt comes after it
IN_DOUBT_S = 72 * 3600  # nobody asked for a decision: it ages out
SWEEP_MAX = 500

Outcomes = Mapping[
    str, Sequence[tuple[UUID, rules.Outcome]]
]  # carrier's name -> what became of each text it was asked to take


async def submit(app: Messaging, lane: Lane) -> int:
    """One round of one lane: claim, hand over, settle. Answers how many it took out of the queue."""
    claim_id, began = uuid7(), time.monotonic()
    async with app.db.transaction() as tx:
        claimed = await _claim(app, tx, lane, claim_id)
        if not claimed:
            return 0
        await _close_unsendable(tx, claimed)
        texts = [row for row in claimed if not (row["too_old"] or row["stopped"])]
        await _learn_bodies(app, tx, texts)
    crash.point("claim.committed")
    if texts:
        # No transaction is open here: the far side may take its time. The lease begins after `began`, so the fence errs on the safe side.
        outcomes = await _hand_over(app, texts, began, write_by=began + LEASE_S)
        crash.point("submit.answered")
        await _settle_while_database_away(app, claim_id, outcomes)
        crash.point("settle.committed")
    return len(claimed)


async def _claim(app: Messaging, tx: Tx, lane: Lane, claim_id: UUID) -> list[Record]:
    floors = app.floors if lane is Lane.BULK else Floors()
    from_here = floors.known()
    claimed = await store.claim_queued(tx, lane, from_here, CLAIM_MAX[lane], claim_id, app.worker, LEASE_S)
    if not claimed:
        from_here = floors.begin(await store.waiting_companies(tx, lane))
        claimed = await store.claim_queued(tx, lane, from_here, CLAIM_MAX[lane], claim_id, app.worker, LEASE_S)
    floors.rise((row["company_id"], row["next_attempt_at"]) for row in claimed)
    return claimed


async def _close_unsendable(tx: Tx, claimed: Sequence[Record]) -> None:
    stopped = [row["id"] for row in claimed if row["stopped"]]
    too_old = [row["id"] for row in claimed if row["too_old"] and not row["stopped"]]
    await close(tx, stopped, State.SUPPRESSED, "opted out")
    await close(tx, too_old, State.EXPIRED, "its time was over before it could be sent")


async def _learn_bodies(app: Messaging, tx: Tx, texts: Sequence[Record]) -> None:
    unknown = {row["campaign_id"] for row in texts if row["body"] is None} - app.bodies.keys()
    if unknown:
        app.bodies |= await store.bodies(tx, list(unknown))
        while len(app.bodies) > BODIES_MAX:
            del app.bodies[next(iter(app.bodies))]


async def _hand_over(app: Messaging, texts: Sequence[Record], began: float, write_by: float) -> Outcomes:
    """What became of each text, by its carrier. A STOP committed since the claim counts too, where the claim took long enough for one."""
    stopped: set[UUID] = set()
    if time.monotonic() > began + LOOK_AGAIN_AFTER_S:
        try:
            async with app.db.reading() as tx:
                stopped = await store.stopped_of(tx, [row["id"] for row in texts])
        except AWAY:
            write_by = -math.inf  # who may be written to is not known, so nobody is
    # The one place where a text is given to a carrier: what a test key sent is given to the one that has no way out.
    tests = [row for row in texts if row["test"]]
    others = [row for row in texts if not row["test"]]
    asked = ((app.test_carrier, tests), (app.carrier, others))
    return {carrier.name: await _answers(app, carrier, rows, stopped, write_by) for carrier, rows in asked if rows}


async def _answers(
    app: Messaging, carrier: Carrier, texts: Sequence[Record], stopped: set[UUID], write_by: float
) -> list[tuple[UUID, rules.Outcome]]:
    sendable = [row for row in texts if row["id"] not in stopped]
    answers = await carrier.submit([_part(app, row) for row in sendable], write_by)
    outcomes = [(row["id"], rules.Outcome(State.SUPPRESSED, "opted out")) for row in texts if row["id"] in stopped]
    for row, answer in zip(sendable, answers, strict=True):
        outcomes.append((row["id"], rules.outcome(answer, row["attempts"], row["expires_at"], now())))
    return sorted(
        outcomes, key=lambda pair: pair[0]
    )  # the order in which receipts lock them: two orders would be a deadlock


async def _settle_while_database_away(app: Messaging, claim_id: UUID, outcomes: Outcomes) -> None:
    """What the carrier said is kept in hand until it can be written down: else it would be in doubt. A repeat meets its own guard."""
    until = time.monotonic() + SETTLE_LIMIT_S
    while True:
        try:
            async with app.db.transaction() as tx:
                await _settle(tx, claim_id, outcomes)
            return
        except AWAY as error:
            if time.monotonic() > until:
                raise
            log.warning("database_away", claim=str(claim_id), error=repr(error))
            await asyncio.sleep(0.5)


async def _settle(tx: Tx, claim_id: UUID, outcomes: Outcomes) -> None:
    for carrier, of_carrier in outcomes.items():
        by_state = {state: [pair for pair in of_carrier if pair[1].state is state] for state in State}
        await store.submitted_if_claimed(tx, claim_id, carrier, by_state[State.SUBMITTED])
        await store.again_if_claimed(tx, claim_id, by_state[State.QUEUED])
        unknown = [(id_, outcome.reason) for id_, outcome in by_state[State.IN_DOUBT]]
        tell_settled(tx, await store.in_doubt_if_submitting(tx, claim_id, carrier, unknown))
        ended = [(id_, outcome.state, outcome.reason) for id_, outcome in of_carrier if outcome.state in END]
        await close_each(tx, ended)
    await store.drop_claim(tx, claim_id)


def _part(app: Messaging, row: Record) -> Part:
    body = app.bodies[row["campaign_id"]] if row["body"] is None else row["body"]
    if row["code_rule"] is not None:
        body = with_code(app.verification_key, row["id"], row["code_rule"], row["code_place"] or "", body)
    return Part(row["id"], row["number"], row["sender"], body, VALIDITY_S)


async def take_over_abandoned(app: Messaging) -> int:
    """Claims of dead workers: what they may have written is in doubt, for the carrier may have it."""
    async with app.db.transaction() as tx:
        claims = await store.abandoned_claims(tx, ANSWER_GRACE_S)
        for claim in claims:
            tests = set(claim["tests"])
            in_doubt = 0
            for carrier, ids in ((app.carrier, set(claim["texts"]) - tests), (app.test_carrier, tests)):
                doubtful = [(id_, "its worker died") for id_ in sorted(ids)]
                told = await store.in_doubt_if_submitting(tx, claim["id"], carrier.name, doubtful)
                tell_settled(tx, told)
                in_doubt += len(told)
            await store.drop_claim(tx, claim["id"])
            log.warning("claim_abandoned", claim=str(claim["id"]), texts=len(claim["texts"]), in_doubt=in_doubt)
    return len(claims)


async def expire_overdue(app: Messaging) -> int:
    """Texts without a receipt after their validity, and doubts that nobody settled, get a named end."""
    async with app.db.transaction() as tx:
        return await close(
            tx, await store.overdue(tx, RECEIPT_S, IN_DOUBT_S, SWEEP_MAX), State.EXPIRED, "no receipt came"
        )


async def _urgent(app: Messaging) -> int:
    return await submit(app, Lane.URGENT)


async def _ordinary(app: Messaging) -> int:
    return await submit(app, Lane.ORDINARY)


async def _bulk(app: Messaging) -> int:
    return await submit(app, Lane.BULK)


LOOPS = [
    Loop("submit_urgent", _urgent, every_s=0.5, woken_by=frozenset({"urgent"})),
    Loop("submit_ordinary", _ordinary, 1.0, frozenset({"ordinary"}), side_by_side=2, plenty=CLAIM_MAX[Lane.ORDINARY]),
    Loop("submit_bulk", _bulk, 1.0, frozenset({"bulk"}), side_by_side=2, plenty=CLAIM_MAX[Lane.BULK]),
    Loop("take_over_abandoned", take_over_abandoned, every_s=3.0),
    Loop("expire_overdue", expire_overdue, every_s=600.0),
]
