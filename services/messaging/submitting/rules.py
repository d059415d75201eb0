"""What becomes of a text when its carrier has answered: values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from libs.common.contracts.messaging import State
from services.messaging.carriers.carrier import Answer, Refusal, Refused, Taken, Unknown

ATTEMPTS_MAX = 10  # with BACKOFF_MAX that is about half an hour of a carrier that cannot take it
BACKOFF = timedelta(seconds=2)
BACKOFF_MAX = timedelta(minutes=5)
VALIDITY_S = 48 * 3600  # how long the far side tries to reach the handset
VALIDITY_S_MIN = 60
CARRIERS_FAULT = frozenset(
    {Refusal.NOT_CONNECTED, Refusal.THROTTLED, Refusal.QUEUE_FULL, Refusal.BUSY, Refusal.NOT_ALLOWED}
)


class Outcome(NamedTuple):
    """`next_attempt_at` where it goes back to the queue, `reference` where the carrier took it."""

    state: State
    reason: str = ""
    reference: str | None = None
    next_attempt_at: datetime | None = None
    refusal: Refusal | None = None  # where the carrier refused it for good
    counted: bool = True  # whether it was an attempt: it reached the carrier


def outcome(answers: Sequence[Answer], attempts: int, expires_at: datetime | None, at: datetime) -> Outcome:
    """`answers`: one for each part that was handed over. `attempts`: how many there were, this one included. `at`: now.

    All taken is submitted; a part without an answer is in doubt and never tried again; surely not taken is tried again where the carrier says it may
    help. Where some parts are out and others refused, only those are tried again; for good, the text has failed, for nobody can read it.
    """
    if len(answers) == 1 and isinstance(answers[0], Taken):  # nearly all
        return Outcome(State.SUBMITTED, reference=answers[0].reference)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    final = next((answer for answer in refused if answer.retry_after_s is None), None)
    taken = next((answer for answer in answers if isinstance(answer, Taken)), None)
    unknown = next((answer for answer in answers if isinstance(answer, Unknown)), None)
    if unknown is not None:
        return Outcome(State.IN_DOUBT, unknown.why)
    if final is not None:
        return Outcome(State.FAILED if taken else State.REJECTED, reason_of(final), refusal=final.reason)
    if refused:
        return _later(max(refused, key=lambda one: one.retry_after_s or 0), attempts, expires_at, at, bool(taken))
    assert taken is not None
    return Outcome(State.SUBMITTED, reference=taken.reference)


def _later(refused: Refused, attempts: int, expires_at: datetime | None, at: datetime, begun: bool) -> Outcome:
    # Not having reached the carrier at all is no attempt of the carrier's: only time ends those.
    counted = refused.reason not in (Refusal.NOT_CONNECTED, Refusal.TOO_LATE)
    again_at = at + max(timedelta(seconds=refused.retry_after_s or 0), backoff(attempts) if counted else BACKOFF)
    if expires_at is not None and again_at >= expires_at:
        return Outcome(State.FAILED if begun else State.EXPIRED, reason_of(refused))
    if counted and attempts >= ATTEMPTS_MAX:
        return Outcome(State.FAILED if begun else State.REJECTED, reason_of(refused))
    return Outcome(State.QUEUED, reason_of(refused), next_attempt_at=again_at, counted=counted)


def reason_of(refused: Refused) -> str:
    return refused.reason if refused.code is None else f"{refused.reason} {refused.code}"


def validity_s(expires_at: datetime | None, at: datetime) -> int:
    """How long the far side shall try: until the text is no longer wanted, within what networks accept."""
    if expires_at is None:
        return VALIDITY_S
    return max(VALIDITY_S_MIN, min(VALIDITY_S, int((expires_at - at).total_seconds())))


def backoff(attempts: int) -> timedelta:
    doubled: timedelta = BACKOFF * 2 ** max(0, min(attempts, 20) - 1)
    return min(BACKOFF_MAX, doubled)
