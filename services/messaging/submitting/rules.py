"""What becomes of a text when its carrier has answered: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.contracts.messaging import State
from services.messaging.carriers.carrier import Answer, Refusal, Refused, Taken

ATTEMPTS_MAX = 10  # with BACKOFF_MAX that is about half an hour of a carrier that cannot take it
BACKOFF = timedelta(seconds=2)
BACKOFF_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`next_attempt_at` where it goes back to the queue, `reference` where the carrier took it."""

    state: State
    reason: str = ""
    reference: str | None = None
    next_attempt_at: datetime | None = None


def outcome(answer: Answer, attempts: int, expires_at: datetime | None, at: datetime) -> Outcome:
    """`attempts`: how many there were, this one included. `at`: now.

    Taken is submitted; no answer is in doubt and never tried again; surely not taken is tried again where the carrier says it may help.
    """
    match answer:
        case Taken(reference):
            return Outcome(State.SUBMITTED, reference=reference)
        case Refused(reason, None, code):
            return Outcome(State.REJECTED, reason if code is None else f"{reason} {code}")
        case Refused(reason, retry_after_s, _):
            # Not having reached the carrier at all is no attempt of the carrier's: only time ends those.
            counted = reason not in (Refusal.NOT_CONNECTED, Refusal.TOO_LATE)
            again_at = at + max(timedelta(seconds=retry_after_s or 0), backoff(attempts) if counted else BACKOFF)
            if expires_at is not None and again_at >= expires_at:
                return Outcome(State.EXPIRED, reason)
            if counted and attempts >= ATTEMPTS_MAX:
                return Outcome(State.REJECTED, reason)
            return Outcome(State.QUEUED, reason, next_attempt_at=again_at)
        case _:
            return Outcome(State.IN_DOUBT, answer.why)


def backoff(attempts: int) -> timedelta:
    doubled: timedelta = BACKOFF * 2 ** max(0, min(attempts, 20) - 1)
    return min(BACKOFF_MAX, doubled)
