"""The language of `messaging` about verifications: a code sent, checked, used once. The code itself is in no contract: it is derived, and told to nobody.

SendVerification of the documented surface, which answers with the code and checks nothing, is in messaging.py.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Done, Lane, Query

LIFE_MINUTES, LIFE_MINUTES_MAX = 10, 60
ATTEMPTS, ATTEMPTS_MAX = 5, 10
SENDS_MAX = 5  # of one code: each is a text of its own
PURPOSE = r"[a-z0-9_.-]{0,40}"
CODE_CHARACTERS_MAX = 40  # of what a person may type: a code has 12 at most, and people put spaces between
ADDRESS_CHARACTERS_MAX = 45  # of the longest IPv6 address as text


class VerificationState(StrEnum):
    """All but `pending` are ends."""

    PENDING = "pending"
    APPROVED = "approved"  # the right code was given, once
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    TOO_MANY_ATTEMPTS = "too_many_attempts"


class CheckResult(StrEnum):
    APPROVED = "approved"  # this check, and no other, was given the right code in time
    WRONG_CODE = "wrong_code"
    USED = "used"  # it was approved before: a code is good once
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    TOO_MANY_ATTEMPTS = "too_many_attempts"


class Scope(StrEnum):
    """What sends are counted by, each within one company."""

    NUMBER = "number"
    PREFIX = "prefix"
    ADDRESS = "address"
    COMPANY = "company"


class VerificationInfo(Contract):
    """`texts`: the ids of the texts that carried the code, in the order they were sent. `test`: none of them left the platform."""

    id: UUID
    to: str
    purpose: str
    state: VerificationState
    attempts_left: int
    texts: list[UUID]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    test: bool


class StartVerification(Command[VerificationInfo]):
    """Sends a code. While one for the same number and purpose is pending, the same code is sent again, its life and attempts unchanged.

    `rule` and `placeholder` as in SendVerification. `client_address`: of the person whose number it is, as whoever asks saw it.
    Refused with country_not_allowed before anything is counted, and with limit_reached.
    """

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    to: str
    sender: str
    body: str
    rule: str = ""
    placeholder: str = ""
    purpose: str = Field("", pattern=f"^{PURPOSE}$")
    life_minutes: int = Field(LIFE_MINUTES, ge=1, le=LIFE_MINUTES_MAX)
    attempts: int = Field(ATTEMPTS, ge=1, le=ATTEMPTS_MAX)
    client_address: str = Field("", max_length=ADDRESS_CHARACTERS_MAX)


class Checked(Contract):
    id: UUID
    result: CheckResult
    attempts_left: int


class CheckVerification(Command[Checked]):
    """Each check counts, however many come at once. A test key checks only tests: permission_denied."""

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    id: UUID
    code: str = Field(min_length=1, max_length=CODE_CHARACTERS_MAX)


class CancelVerification(Command[Done]):
    """The code is good no more, and what of it still waits is not sent. Refused with wrong_state where it has ended."""

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    id: UUID


class ReadVerification(Query[VerificationInfo]):
    owner: ClassVar[str] = "messaging"

    id: UUID


# What operators see and set.


class PrefixTraffic(Contract):
    """Of the last hour: codes to a company's prefix that had time to be used, and how many were. `texts`: that carried them. `since`: of the alarm, if any."""

    company_id: int
    prefix: str
    codes: int
    used: int
    texts: int
    since: datetime | None
    refused: bool  # new ones are


class VerificationTraffic(Contract):
    items: list[PrefixTraffic]


class WatchVerifications(Query[VerificationTraffic]):
    """The prefixes whose codes are used least, worst first; `alarmed` alone, or all with traffic."""

    owner: ClassVar[str] = "messaging"

    alarmed: bool = False
    limit: int = Field(100, ge=1, le=1_000)


class SetVerificationLimit(Command[Done]):
    """So many sends a window, for a company: in place of the default."""

    owner: ClassVar[str] = "messaging"

    company_id: int = Field(ge=1)
    scope: Scope
    sends: int = Field(ge=1, le=10_000_000)
    window_s: int = Field(ge=1, le=86_400)


class RefuseUnusedPrefixes(Command[Done]):
    """Whether new codes of a company to a prefix are refused while nearly none there is used; else there is only the alarm."""

    owner: ClassVar[str] = "messaging"

    company_id: int = Field(ge=1)
    refuse: bool
