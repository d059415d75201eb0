"""Policies: what a company's choices mean for a text. Plain functions of values; no I/O, no clock.

Quiet hours are a policy, not law: they go by the recipient's clock where his number tells it, and are for marketing alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from libs.common import countries, near_gsm
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.policies import REPETITION_MAX, OptOutCheck


@dataclass(frozen=True, slots=True)
class Policy:
    """As in the contract, by whose defaults a company without a policy goes."""

    near_gsm: bool = False
    in_doubt: Literal["leave", "retry_once"] = "leave"
    opt_out_check: OptOutCheck = "warn"
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str = "Europe/London"
    repetition_max: int = REPETITION_MAX
    verification_countries: Collection[str] = ("GB",)


def checked(policy: Policy) -> Policy:
    """`policy`, refused with invalid_request where its hours or its time zone make no sense."""
    if (policy.quiet_from is None) != (policy.quiet_until is None):
        raise Refusal(Code.INVALID_REQUEST, "quiet hours have a beginning and an end")
    for at in (policy.quiet_from, policy.quiet_until):
        if at is not None and (at.tzinfo is not None or at.second or at.microsecond):
            raise Refusal(Code.INVALID_REQUEST, "quiet hours are told in hours and minutes, without an offset")
    if policy.quiet_from is not None and policy.quiet_from == policy.quiet_until:
        raise Refusal(Code.INVALID_REQUEST, "quiet hours that begin when they end would be all day")
    if zone(policy.time_zone) is None:
        raise Refusal(Code.INVALID_REQUEST, "there is no such time zone: write one as Europe/London")
    return policy


@lru_cache(maxsize=1_000)
def zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such name; one that leads out of the folder; a folder's
        return None


def words(policy: Policy, body: str) -> str:
    """What is sent for `body`."""
    return near_gsm.replaced(body) if policy.near_gsm else body


def quiet_until(policy: Policy, number: str, now: datetime) -> datetime | None:
    """When a marketing text that would go to `number` now may go, in UTC; None: now. Quiet hours are by the recipient's clock, else by the company's."""
    start, end = policy.quiet_from, policy.quiet_until
    if start is None or end is None:
        return None
    theirs = countries.time_zone(number) or zone(policy.time_zone) or UTC
    local = now.astimezone(theirs)
    if not _quiet(local.time(), start, end):
        return None
    ends = (
        datetime.combine(local.date() + timedelta(days=days), end, theirs).replace(fold=fold).astimezone(UTC)
        for days in (0, 1)
        for fold in (
            0,
            1,
        )  # where clocks go back an hour comes twice; where they go on, one of the two lies before the gap, still in quiet hours
    )
    return min(at for at in ends if at > now and not _quiet(at.astimezone(theirs).time(), start, end))


def _quiet(at: time, start: time, end: time) -> bool:
    return start <= at < end if start < end else at >= start or at < end


def repetition_key(company_id: int, number: str, body: str) -> UUID:
    """What stands for a company's text to a number, word for word."""
    said = f"{company_id} {number} ".encode() + body.encode("utf-8", "surrogatepass")
    return UUID(bytes=hashlib.blake2b(said, digest_size=16).digest())
