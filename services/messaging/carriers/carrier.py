"""What messaging asks of a carrier, and what a carrier may say.

Owns the words between the ledger and every far side: a part goes out and gets one of three answers; receipts and
received texts come in and are acknowledged once they are stored. Never names a carrier, holds no connection and
knows no state of the ledger. One folder beside this file is one carrier; its `kind.py` says how it is made. What is made once a
text is a NamedTuple: a frozen dataclass takes four times as long to make.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pydantic import BaseModel

from libs.common.gsm import Alphabet


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the ledger must know to hand texts to this carrier."""

    alphabets: frozenset[Alphabet] = frozenset(Alphabet)
    takes_whole: bool = True  # long texts as they are; else the ledger cuts them, and each part is answered for itself
    header_octets: int = 6  # what the header of a part takes of its 140 octets: 6, or 7 with a 16-bit reference in it (TS 23.040, 9.2.3.24.8)
    alphanumeric_senders: bool = True
    own_reference: bool = True  # receipts name our `text_id`; else they are matched by the carrier's reference
    query: bool = False  # can be asked what became of a part
    parts_per_s: float | None = None  # the contract's rate in segments; None: as fast as it answers


class Part(NamedTuple):
    """One text to one number, or one part of it. `text_id` travels with it where the wire has room, so that a carrier's log can be compared with the ledger."""

    text_id: UUID
    number: str  # E.164
    sender: str  # header: a number, a short code or letters
    body: str  # of this part
    validity_s: int  # after this long the far side shall give up and say EXPIRED
    part: int = 1  # counting from 1
    parts: int = 1
    concat: int = (
        0  # 16-bit reference that the parts of one text share (TS 23.040, 9.2.3.24.8); 0 where there is one part
    )
    alphabet: Alphabet = Alphabet.GSM  # of the whole text: all its parts are in the same


class Refusal(StrEnum):
    """Why a carrier surely did not take a part. Each carrier's folder has the table from its own codes to these."""

    NOT_CONNECTED = "not_connected"  # never written: there was no session
    TOO_LATE = "too_late"  # never written: `write_by` passed while it waited for room in the window
    THROTTLED = "throttled"
    QUEUE_FULL = "queue_full"
    BUSY = "busy"  # the far side failed in itself, and surely did not take it
    BAD_NUMBER = "bad_number"
    BAD_SENDER = "bad_sender"
    BAD_TEXT = "bad_text"
    BLOCKED = "blocked"  # by the carrier's own filter or the handset's own opt-out
    NOT_ALLOWED = "not_allowed"  # account, credit, route: nothing that waiting mends
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
    part: int = 1
    parts: int = 1


class ReceiptStatus(StrEnum):
    ACCEPTED = "accepted"  # on its way; more will follow
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNLISTED = "unlisted"  # a status that is not in the carrier's table; `error` keeps it


class Failure(StrEnum):
    """What a failed receipt says of the number, by the carrier's own table of codes."""

    PERMANENT = "permanent"  # no text will ever reach it: not in use, barred, ported away
    TEMPORARY = "temporary"  # not now: absent, memory full
    UNKNOWN = "unknown"


class Receipt(NamedTuple):
    """May come before the answer that brings its reference, twice, or in the wrong order."""

    reference: str
    status: ReceiptStatus
    at: datetime  # the carrier's clock
    error: str | None = None  # the carrier's own word
    text_id: UUID | None = None  # where the carrier gives our own reference back: matches even before the answer came
    part: int = 1  # counts only where `text_id` is given
    failure: Failure = Failure.UNKNOWN  # counts only where `status` is FAILED
    raw: str = ""  # as received, where it says more than the fields
    number: str = ""  # the handset's, E.164, where the receipt says it: what a lost answer may be settled by


@dataclass(frozen=True, slots=True)
class Arrived:
    """A text from a handset, or a part of one. May come again, with the same `carrier_id` if the carrier gives one ('' if not).

    A part that was cut within a surrogate pair holds the lone half ('surrogatepass'): whole again once the parts are joined.
    """

    carrier_id: str
    number: str  # the handset
    to: str  # our header
    body: str
    at: datetime  # the carrier's clock
    part: int = 1
    parts: int = 1
    concat: int = 0


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
    def capabilities(self) -> Capabilities: ...

    @property
    def connected(self) -> bool: ...

    @property
    def trouble(self) -> str:
        """For people: why it is not connected, in the carrier's own words; '' where all is well."""

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        """One answer a part, in order. Does not raise for anything the far side can do.

        `write_by` is on time.monotonic() and read just before each write: what a lease no longer covers is answered
        Refused(TOO_LATE), not written. A caller that is cancelled cannot tell what was written: all of it is in doubt.
        """

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        """What became of parts, by (reference, sender) (SMPP 3.4, 4.8 asks for both); None where the carrier cannot say. Only where `capabilities.query`."""

    async def listen(self, arrivals: Arrivals) -> None:
        """Connects, stays connected and hands over what comes in, until `close`. Acknowledges only what is stored."""

    async def close(self) -> None:
        """Takes nothing more, waits a bounded time for the answers that are due, leaves the rest Unknown."""


# What comes in over HTTP: the gateway passes it on as it is.


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request of a carrier, as the gateway got it. `url`: as the carrier called it, for signatures that cover it. Header names in small letters."""

    method: str
    url: str
    path: str  # what follows /callbacks/<carrier>/
    headers: Mapping[str, str]
    body: bytes
    at: datetime  # when it came in: the time of what it says, where it names none


class Unauthentic(Exception):
    """The request does not prove that it is the carrier's."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a callback says."""

    receipts: Sequence[Receipt] = ()
    texts: Sequence[Arrived] = ()


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    status: int = 204
    content_type: str = ""
    body: str = ""


class CalledBack(Protocol):
    """A carrier whose receipts and texts come in as HTTP requests. Both are plain functions of the request: no I/O."""

    def authenticate(self, callback: Callback) -> CallbackAnswer:
        """What the carrier is told once the request is stored. Raises Unauthentic."""

    def read(self, callback: Callback) -> Said:
        """What an authentic request says. Raises ValueError where it cannot be understood: it is kept, and looked at by people."""


# How a carrier is made.


@dataclass(frozen=True, slots=True)
class Place:
    """Where a carrier's client runs, and until when it may write."""

    name: str  # the carrier's name here, chosen by an operator: in its logs, in the ledger, in its callbacks' path
    process: str  # this process among its copies
    epoch: int  # grows with each start of a client of this name and process; of a leased bind: with each owner
    callbacks_url: str = ""  # where this carrier's callbacks come in, without a slash at its end; "" where the gateway has no address outside
    may_write_until: Callable[[], float] = field(
        default=lambda: math.inf
    )  # monotonic; a bind's lease: past it nothing is written at all


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of carrier: the settings of one, checked before they are stored, and how it is made from them.

    `bound`: it holds a session that one process may have at a time (a bind, by a lease); else every copy of messaging uses it.
    Fields of the settings that are SecretStr are sealed in the database and shown to nobody.
    """

    name: str
    settings: type[BaseModel]
    make: Callable[[Any, Place], Carrier]
    bound: bool = False
    binds: Callable[[Any], int] = field(
        default=lambda _: 1
    )  # how many sessions of it may be open at a time, over all processes
