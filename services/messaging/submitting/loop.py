"""Submitting: hands the texts that wait for a carrier to it, and writes down what came of it.

Owns the states submitting, submitted and in_doubt. Never sends a text whose outcome is unknown a second time, and never holds a transaction
while a carrier thinks. A claim is a lease: the carrier is told until when it may write, and a text that a dead worker may have written is in doubt.
See docs/architecture.md, "One text".
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
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
from services.messaging.connections.rules import SIDE_BY_SIDE, claim_max
from services.messaging.ledger.closing import close, close_each, tell_settled
from services.messaging.receipts import handlers as receipts
from services.messaging.routing.store import happened
from services.messaging.sending.rules import Lane
from services.messaging.sending.states import END
from services.messaging.submitting import meters, rules, store, telling
from services.messaging.submitting.courses import on_course
from services.messaging.submitting.floors import Floors
from services.messaging.submitting.prepare import Prepared, awake, prepared, within_bounds
from services.messaging.submitting.shares import shares
from services.messaging.suppressions.handlers import note_failed, reason_against
from services.messaging.usage.charging import Charge, give_back
from services.messaging.usage.rules import not_taken

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
    floors = desk.floors if lane is Lane.BULK else Floors()
    if not (floors.known() or await _begin(app, desk, lane, floors)):
        return 0
    claim_id, began = uuid7(), time.monotonic()
    async with app.db.transaction() as tx:
        claimed = await _claim(app, desk, tx, lane, floors, claim_id)
        if not claimed:
            return 0
        rows = await _close_unsendable(tx, claimed)
        if lane is Lane.BULK:
            rows = await on_course(tx, claim_id, rows)
            rows = await awake(app, tx, claim_id, rows)
        texts = await prepared(app, desk, tx, rows)
        texts, charge = await within_bounds(app, desk, tx, claim_id, texts)
        if texts:
            ids, taken = [text.id for text in texts], [text.taken + text.charged for text in texts]
            await store.keep_claim(tx, claim_id, app.worker, desk.carrier.name, LEASE_S, ids, taken)
        if lane is Lane.BULK:
            telling.note(app, desk.id, claimed)
            tx.wake(telling.CLAIMED)
    crash.point("claim.committed")
    if texts:
        # No transaction is open here: the far side may take its time. The lease begins after `began`, so the fence errs on the safe side.
        handed = await _hand_over(app, desk, texts, began, write_by=began + LEASE_S)
        crash.point("submit.answered")
        await _settle_while_database_away(app, desk, claim_id, handed, charge)
        crash.point("settle.committed")
    return len(claimed)


async def _begin(app: Messaging, desk: Desk, lane: Lane, floors: Floors) -> bool:
    """Whether any waits: most looks find none, and none of these needs a transaction."""
    async with app.db.reading() as tx:
        return bool(floors.begin(await store.waiting_companies(tx, desk.id, lane)))


async def _claim(app: Messaging, desk: Desk, tx: Tx, lane: Lane, floors: Floors, claim_id: UUID) -> list[Record]:
    most = claim_max(lane, desk.carrier, desk.parts_per_s)
    if desk.parts_per_s is not None:
        level = await meters.level(tx, meters.of_carrier(desk.id), desk.parts_per_s)
        most = min(most, math.ceil(level - (BULK_LEAVES * desk.parts_per_s if lane is Lane.BULK else 0)))
        if most < 1:
            return []
    claimed = await _claim_fairly(app, desk, tx, lane, floors, floors.known(), most, claim_id)
    if not claimed and lane is Lane.BULK:  # there may be some below the floors
        from_here = floors.begin(await store.waiting_companies(tx, desk.id, lane))
        claimed = await _claim_fairly(app, desk, tx, lane, floors, from_here, most, claim_id)
    return claimed


async def _claim_fairly(
    app: Messaging,
    desk: Desk,
    tx: Tx,
    lane: Lane,
    floors: Floors,
    from_here: Mapping[int, datetime],
    most: int,
    claim_id: UUID,
) -> list[Record]:
    """By weight; what some companies leave of their shares goes to those that have more."""
    waiting = [company_id for company_id in from_here if company_id not in app.waiting_for_credit]
    claimed: list[Record] = []
    while waiting and len(claimed) < most:
        weights = {company_id: app.accounts.weights.get(company_id, 1) for company_id in waiting}
        asked = shares(weights, most - len(claimed), random.random())  # noqa: S311  whose turn the odd one is
        some = await store.claim_queued(tx, desk.id, lane, from_here, asked, claim_id)
        floors.rise((row["company_id"], row["next_attempt_at"]) for row in some)
        claimed += some
        given = Counter(row["company_id"] for row in some)
        waiting = [company_id for company_id, share in asked.items() if given[company_id] == share] if some else []
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


async def _settle_while_database_away(
    app: Messaging, desk: Desk, claim_id: UUID, handed: Handed, charge: Charge | None
) -> None:
    """What the carrier said is kept in hand until it can be written down: else it would be in doubt. A repeat meets its own guard."""
    until = time.monotonic() + SETTLE_LIMIT_S
    while True:
        try:
            async with app.db.transaction() as tx:
                await _settle(app, tx, desk, claim_id, handed, charge)
            return
        except AWAY as error:
            if time.monotonic() > until:
                raise
            log.warning("database_away", claim=str(claim_id), error=repr(error))
            await asyncio.sleep(0.5)


async def _settle(app: Messaging, tx: Tx, desk: Desk, claim_id: UUID, handed: Handed, charge: Charge | None) -> None:
    await store.drop_claim(
        tx, claim_id
    )  # first: it says of what ends without an answer what was taken (ledger/closing.py)
    submitted = [(text, outcome) for text, outcome, _ in handed if outcome.state is State.SUBMITTED]
    references, taken = [o.reference for _, o in submitted], [text.taken + text.charged for text, _ in submitted]
    name, ids = desk.carrier.name, [text.id for text, _ in submitted]
    await store.submitted_if_claimed(tx, claim_id, name, ids, references, taken)
    if len(submitted) < len(handed):
        others = [one for one in handed if one[1].state is not State.SUBMITTED]
        await _settle_others(app, tx, name, claim_id, others, charge)
    if desk.keeps_references:
        await receipts.keep_taken(tx, desk, _taken(handed))


async def _settle_others(
    app: Messaging, tx: Tx, name: str, claim_id: UUID, handed: Handed, charge: Charge | None
) -> None:
    """Texts that were not simply taken. What of them surely was not is given back."""
    untaken = {text.id: not_taken(text.charged, answers) for text, _, answers in handed}
    by_state: dict[State, list[tuple[UUID, rules.Outcome, int]]] = defaultdict(list)
    for text, outcome, _ in handed:
        by_state[outcome.state].append((text.id, outcome, text.taken + text.charged - untaken[text.id]))
    moved = await store.again_if_claimed(tx, claim_id, by_state[State.QUEUED])
    refused = [(id_, f"not taken by {name}: {o.reason}") for id_, o, _ in by_state[State.QUEUED] if o.counted]
    await happened(tx, refused)
    unknown = [(id_, outcome.reason, taken) for id_, outcome, taken in by_state[State.IN_DOUBT]]
    doubtful = await store.in_doubt_if_submitting(tx, claim_id, name, unknown)
    tell_settled(tx, doubtful)
    ended = [(id_, outcome, taken) for state, some in by_state.items() if state in END for id_, outcome, taken in some]
    await store.keep_taken(tx, claim_id, [(id_, taken) for id_, _, taken in ended if taken])
    closed = await close_each(tx, [(id_, outcome.state, outcome.reason) for id_, outcome, _ in ended])
    refusals = {id_: outcome.refusal for id_, outcome, _ in ended}
    await note_failed(tx, [(row, Failure.PERMANENT) for row in closed if refusals[row["id"]] is Refusal.BAD_NUMBER])
    if charge is not None:
        settled = {*moved, *(row["id"] for row in (*doubtful, *closed))}
        await give_back(
            app,
            tx,
            charge,
            [(text, untaken[text.id]) for text, _, _ in handed if untaken[text.id] and text.id in settled],
        )


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
            doubtful = [
                (id_, "its worker died", taken)
                for id_, taken in sorted(zip(claim["texts"], claim["taken"], strict=True))
            ]
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

    return [loop(Lane.URGENT, 0.5, 1), loop(Lane.ORDINARY, 1.0, SIDE_BY_SIDE), loop(Lane.BULK, 1.0, SIDE_BY_SIDE)]


def wake_name(route: int, lane: Lane) -> str:
    return f"{lane.name.lower()}:{route}"


LOOPS = [
    Loop("take_over_abandoned", take_over_abandoned, every_s=3.0),
    Loop("expire_overdue", expire_overdue, every_s=600.0),
    telling.TELL,
]
