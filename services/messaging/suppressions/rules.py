"""Whom a text may not go to, and why: plain functions. A wish covers what it was said of; a failed number gets no marketing; a code goes to everyone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from libs.common.contracts.messaging import State
from services.messaging.carriers.carrier import Failure
from services.messaging.sending.rules import Lane

STOP, SOFT, FAILED = "stop", "soft", State.FAILED.value  # causes, as suppressions.cause has them
OPTED_OUT = "opted out"
REASONS = {
    STOP: OPTED_OUT,
    SOFT: "it may have opted out: a person has to read its text",
    FAILED: "texts to this number failed",
}

PERMANENT_FOR = timedelta(days=180)  # numbers are given out again
TEMPORARY_FOR = timedelta(days=30)
TEMPORARY_MAX = 3  # failures in so many campaigns...
TEMPORARY_WITHIN = timedelta(days=90)  # ...within this time


@dataclass(frozen=True, slots=True)
class Header:
    """What suppressing and telling must know of a header: of those that are neither shared nor a brand's, nothing."""

    shared: bool
    brand: str


def why_not(stops: Iterable[str], key: str, brand: str, lane: Lane) -> str:
    """Why a text with sender key `key` in `lane` is not to go out; '' where it is. `stops`: what stands against its number, as 'cause scope'."""
    if lane is Lane.URGENT:
        return ""
    covered = {"", f"header:{key}", *([f"brand:{brand}"] if brand else [])}
    causes = {cause for cause, _, scope in (stop.partition(" ") for stop in stops) if scope in covered}
    against = (STOP, SOFT, FAILED) if lane is Lane.BULK else (STOP,)
    return next((REASONS[cause] for cause in against if cause in causes), "")


def suppressed_for(failure: Failure, campaigns: int) -> timedelta | None:
    """For how long a number that failed gets no marketing; None: it still does. `campaigns`: in how many it failed lately, this one included."""
    if failure is Failure.PERMANENT:
        return PERMANENT_FOR
    return TEMPORARY_FOR if campaigns >= TEMPORARY_MAX else None
