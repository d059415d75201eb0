"""What messaging asks of a carrier, and what a carrier may say.

Owns the words between the ledger and every far side: a part goes out and gets one of three answers; receipts and
received texts come in and are acknowledged once they are stored. Never names a carrier, holds no connection and
knows no state of the ledger. One folder beside this file is one carrier.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One text to one number. `text_id` travels with it, so that a carrier's log can be compared with the ledger."""

    text_id: UUID
    number: str  # E.164
    sender: str  # header: a number, a short code or letters
    body: str
    validity_s: int  # after this long the far side shall give up and say EXPIRED


class Refusal(StrEnum):
    """Why a carrier surely did not take a part. Each carrier's folder has the table from its own codes to these."""

    NOT_CONNECTED = "not_connected"  # never written: there was no session
    TOO_LATE = "too_late"  # never written: `write_by` passed while it waited for room in the window
    THROTTLED = "throttled"
    QUEUE_FULL = "queue_full"
    BAD_NUMBER = "bad_number"
    BAD_SENDER = "bad_sender"
    BAD_TEXT = "bad_text"
    BLOCKED = "blocked"  # by the carrier's own filter or the handset's own opt-out
    UNLISTED = "unlisted"  # a code that is not in the carrier's table; `code` keeps it


@dataclass(frozen=True, slots=True)
class Taken:
    reference: str  # the carrier's id; its receipts name it


@dataclass(frozen=True, slots=True)
class Refused:
    """Surely not taken, so trying again cannot double it. `retry_after_s` None: trying again would be refused again."""

    reason: Refusal
    retry_after_s: float | None = None
    code: str | None = None  # the carrier's own word, as received


@dataclass(frozen=True, slots=True)
class Unknown:
    """Written, and then no answer: it may have been taken. Never to be read as refused."""

    why: str


Answer = Taken | Refused | Unknown


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """The answer to a part that was already answered Unknown because its time limit had passed."""

    text_id: UUID
    answer: Taken | Refused


class ReceiptStatus(StrEnum):
    ACCEPTED = "accepted"  # on its way; more will follow
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNLISTED = "unlisted"  # a status that is not in the carrier's table; `error` keeps it


@dataclass(frozen=True, slots=True)
class Receipt:
    """May come before the answer that brings its reference, twice, or in the wrong order."""

    reference: str
    status: ReceiptStatus
    at: datetime  # the carrier's clock
    error: str | None = None
    text_id: UUID | None = None  # where the carrier gives our own reference back: matches even before the answer came


@dataclass(frozen=True, slots=True)
class Arrived:
    """A text from a handset. May come again, with the same `carrier_id`."""

    carrier_id: str
    number: str  # the handset
    to: str  # our header
    body: str
    at: datetime  # the carrier's clock


class Arrivals(Protocol):
    """Where a carrier hands what comes in. What returns is stored; what raises will be handed over again."""

    async def receipts(self, batch: Sequence[Receipt]) -> None: ...

    async def texts(self, batch: Sequence[Arrived]) -> None: ...

    async def late_answers(self, batch: Sequence[LateAnswer]) -> None:
        """Handed over once and not again: the far side does not know that it was late. A receipt settles it else."""


class Carrier(Protocol):
    name: str
    window: int  # the most parts without an answer at one time; more wait inside `submit`
    silence_limit_s: float  # a session from which the far side heard nothing for this long is surely dead there

    @property
    def connected(self) -> bool: ...

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        """One answer a part, in order. Does not raise for anything the far side can do.

        `write_by` is on time.monotonic() and read just before each write: what a lease no longer covers is answered
        Refused(TOO_LATE), not written. A caller that is cancelled cannot tell what was written: all of it is in doubt.
        """

    async def listen(self, arrivals: Arrivals) -> None:
        """Connects, stays connected and hands over what comes in, until `close`. Acknowledges only what is stored."""

    async def close(self) -> None:
        """Takes nothing more, waits a bounded time for the answers that are due, leaves the rest Unknown."""
