"""When a campaign may send, and how fast: windows by weekday, a pace. All by the clock in the United Kingdom.

A window is what the clocks on the wall show: where they go back, the hour that comes twice is in it twice; where they go on, what they leap over
never comes. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import orjson

from libs.common.clock import UK
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import SendingWindow

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() counts them
MIDNIGHT = time(0)
# A weekly window that the clocks leap over opens a week later: nothing that ever changes stays as it is for longer.
CHANGES_WITHIN = timedelta(days=16)
LATE_S = 1.5  # between two looks, at most, while all is well
CATCH_UP_S = (
    2.0  # what a pace missed for longer than this (a restart, a carrier without room) is not made up for at once
)
TICK_S = (
    0.5  # of a pace: fewer recipients than this brings wait for one another, so that a pace is not a commit a recipient
)


@dataclass(frozen=True, slots=True)
class Window:
    days: frozenset[int]
    opens: time
    closes: time  # midnight: the day's end

    def holds(self, weekday: int, at: time) -> bool:
        return weekday in self.days and self.opens <= at and (at < self.closes or self.closes == MIDNIGHT)


Windows = tuple[Window, ...]  # none: always open


def checked(windows: Sequence[SendingWindow]) -> Windows:
    """Refused with invalid_request where one makes no sense. A window that closes at 00:00 is open to the day's end."""
    for window in windows:
        for at in (window.opens, window.closes):
            if at.tzinfo is not None or at.second or at.microsecond:
                raise Refusal(Code.INVALID_REQUEST, "windows are told in hours and minutes, without an offset")
        if window.closes != MIDNIGHT and window.closes <= window.opens:
            raise Refusal(Code.INVALID_REQUEST, "a window closes later than it opens, on the same day")
    return tuple(Window(frozenset(DAYS.index(day) for day in w.days), w.opens, w.closes) for w in windows)


def to_json(windows: Sequence[SendingWindow]) -> str:
    return orjson.dumps([window.model_dump(mode="json") for window in windows]).decode()


def contracts(stored: str) -> list[SendingWindow]:
    return [SendingWindow(**window) for window in orjson.loads(stored)]


@lru_cache(maxsize=1_000)
def read(stored: str) -> Windows:
    """As the database keeps them."""
    return tuple(Window(frozenset(DAYS.index(day) for day in w.days), w.opens, w.closes) for w in contracts(stored))


def open_at(windows: Windows, at: datetime) -> bool:
    local = at.astimezone(UK)
    return not windows or any(window.holds(local.weekday(), local.time()) for window in windows)


def next_change(windows: Windows, at: datetime) -> datetime | None:
    """When they open or close next, after `at`; None: never."""
    return next(_changes(windows, at, at + CHANGES_WITHIN), None)


def open_seconds(windows: Windows, start: datetime, end: datetime) -> float:
    """For how long of the time between the two they are open."""
    if not windows:
        return max(0.0, (end - start).total_seconds())
    open_s, since, is_open = 0.0, start, open_at(windows, start)
    for at in (*_changes(windows, start, end), end):
        if is_open and at > since:
            open_s += (at - since).total_seconds()
        since, is_open = at, not is_open
    return open_s


def _changes(windows: Windows, after: datetime, until: datetime) -> Iterator[datetime]:
    """Each moment after `after` and before `until` at which they open or close, in order."""
    is_open = open_at(windows, after)
    day, last = after.astimezone(UK).date(), until.astimezone(UK).date()
    while day <= last:
        for at in _edges(windows, day):
            if after < at < until and open_at(windows, at) != is_open:
                is_open = not is_open
                yield at
        day += timedelta(days=1)


@lru_cache(maxsize=4_000)
def _edges(windows: Windows, day: date) -> list[datetime]:
    """All moments of that day in the UK at which something may change, in order."""
    begin, end = _midnight(day), _midnight(day + timedelta(days=1))
    edges = {begin, *_clock_change(begin, end)}
    for window in windows:
        for at in (window.opens, window.closes):
            # Where the clocks go back both are meant; where they go on, neither is there, and the change itself is the edge.
            edges |= {datetime.combine(day, at, UK).replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(edge for edge in edges if begin <= edge < end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, MIDNIGHT, UK).astimezone(UTC)


def _clock_change(begin: datetime, end: datetime) -> list[datetime]:
    """The moment between the two from which on the clocks show another offset, to the minute; none on most days."""
    before = begin.astimezone(UK).utcoffset()
    if end.astimezone(UK).utcoffset() == before:
        return []
    while end - begin > timedelta(minutes=1):
        middle = begin + timedelta(minutes=(end - begin) // timedelta(minutes=2))
        if middle.astimezone(UK).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return [end]


@dataclass(frozen=True, slots=True)
class Pace:
    """`used_to`: up to when the recipients that are handed over have used up what the pace allows; None: it has not begun."""

    per_minute: int | None
    spread_until: datetime | None
    windows: Windows
    used_to: datetime | None

    def per_second(self, waiting: int, now: datetime) -> float | None:
        """Recipients in a second that is open; None: as fast as it goes."""
        if self.per_minute is not None:
            return self.per_minute / 60
        if self.spread_until is None:
            return None
        left_s = open_seconds(self.windows, now, self.spread_until)
        return waiting / left_s if left_s > 0 else None

    def allows(self, waiting: int, now: datetime) -> int:
        """How many of those who wait may be handed over now. The first at once; later ones when their time has come, never before."""
        if waiting == 0 or not open_at(self.windows, now):
            return 0
        rate = self.per_second(waiting, now)
        if rate is None:
            return waiting
        at_once = max(1, int(rate * CATCH_UP_S + 1e-6))
        return min(waiting, at_once, int(rate * self._unused_s(rate, now) + 1e-6))

    def after(self, count: int, waiting: int, now: datetime) -> datetime | None:
        """`used_to` once `count` of those who waited are handed over."""
        rate = self.per_second(waiting, now)
        if rate is None:
            return now
        return now - timedelta(seconds=max(0.0, self._unused_s(rate, now) - count / rate))

    def batch(self, waiting: int, now: datetime) -> int:
        """How many are worth a transaction: but for the first one."""
        rate = self.per_second(waiting, now)
        if rate is None:
            return waiting
        return 1 if self.used_to is None else max(1, min(waiting, int(rate * TICK_S)))

    def _unused_s(self, rate: float, now: datetime) -> float:
        if self.used_to is None:
            return 1 / rate
        # What is short of a whole recipient at one look counts at the next: else 28 a minute, looked at once a second, would be 20.
        return min(open_seconds(self.windows, self.used_to, now), max(CATCH_UP_S, 1 / rate + LATE_S))
