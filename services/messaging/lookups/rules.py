"""What a search means: plain functions on values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def between(since: datetime | None, until: datetime | None, after: UUID | None) -> tuple[UUID, UUID]:
    """The ids of a search lie between these two, neither included: after `after`, made at `since` or later and before `until`."""
    first = max(after or FIRST, UUID(int=max(0, lowest(since).int - 1)) if since else FIRST)
    return first, lowest(until) if until else LAST


def lowest(at: datetime) -> UUID:
    """No id made before `at` is as high, and none made at it or later is lower: an id says when it was made to the millisecond (RFC 9562, 5.7)."""
    milliseconds = -(-(at - EPOCH) // MILLISECOND)
    return UUID(int=max(0, milliseconds) << 80)
