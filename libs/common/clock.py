"""Time in the United Kingdom, which the documented surface speaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from libs.common.contracts.base import Code, Refusal

UK = ZoneInfo("Europe/London")


def now() -> datetime:
    return datetime.now(UTC)


def midnight_the_preceding_day(at: datetime) -> datetime:
    """00:00 UK time of the day before `at`'s UK day, in UTC: "since midnight the preceding day" of the documented surface."""
    yesterday = at.astimezone(UK).date() - timedelta(days=1)
    return datetime(yesterday.year, yesterday.month, yesterday.day, tzinfo=UK).astimezone(UTC)


def from_client(at: datetime) -> datetime:
    """A client's time in UTC: one without an offset is UK time. Refused with invalid_date where that is outside the years 1 to 9999."""
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UK)).astimezone(UTC)
    except OverflowError:
        raise Refusal(Code.INVALID_DATE, "this date is too far away") from None
