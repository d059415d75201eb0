"""Windows and paces, also over the days on which the UK's clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libs.common.clock import UK
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import SendingWindow
from services.campaign.schedules import rules
from services.campaign.schedules.rules import Pace, Window, Windows, next_change, open_at, open_seconds

ON, BACK = (
    datetime(2027, 3, 28, tzinfo=UTC),
    datetime(2027, 10, 31, tzinfo=UTC),
)  # the clocks go on, and back, at 01:00 UTC
EVERY_DAY = frozenset(range(7))
MINUTE = timedelta(minutes=1)

times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        opens, closes = sorted((draw(times), draw(times)))
        if draw(st.booleans()) or opens == closes:
            closes = time(0)
        found.append(Window(frozenset(draw(st.sets(st.integers(0, 6), min_size=1))), opens, closes))
    return tuple(found)


# Around both changes of the clocks, and anywhere in the year.
moments = st.one_of(
    *(st.integers(-4_000, 4_000).map(lambda m, day=day: day + m * MINUTE) for day in (ON, BACK)),  # type: ignore[misc]
    st.integers(0, 525_600).map(lambda m: datetime(2027, 1, 1, tzinfo=UTC) + m * MINUTE),
)


@given(windows(), moments)
def test_the_next_change_is_the_first_minute_that_differs(some: Windows, at: datetime) -> None:
    change = next_change(some, at)

    minutes = (at + n * MINUTE for n in range(1, 16 * 1_440))
    assert change == next((minute for minute in minutes if open_at(some, minute) != open_at(some, at)), None)


@given(windows(), moments, st.integers(0, 5_000))
def test_open_seconds_are_the_open_minutes(some: Windows, at: datetime, minutes: int) -> None:
    end = at + minutes * MINUTE

    assert open_seconds(some, at, end) == 60 * sum(open_at(some, at + n * MINUTE) for n in range(minutes))


@given(windows(), moments, st.integers(0, 500_000), st.integers(0, 500_000))
def test_open_seconds_add_up(some: Windows, at: datetime, first_s: int, then_s: int) -> None:
    middle = at + timedelta(seconds=first_s)
    end = middle + timedelta(seconds=then_s)

    assert open_seconds(some, at, middle) + open_seconds(some, middle, end) == pytest.approx(
        open_seconds(some, at, end)
    )


@given(windows(), moments)
def test_a_window_is_what_the_clock_on_the_wall_shows(some: Windows, at: datetime) -> None:
    wall = at.astimezone(UK)
    shown = any(
        wall.weekday() in window.days
        and window.opens <= wall.time()
        and (wall.time() < window.closes or window.closes == time(0))
        for window in some
    )

    assert open_at(some, at) == shown


def test_without_windows_it_is_always_open_and_whole_days_never_close() -> None:
    week = (Window(EVERY_DAY, time(0), time(0)),)
    for some in ((), week):
        assert open_at(some, ON)
        assert next_change(some, ON) is None
        assert open_seconds(some, ON, ON + timedelta(days=400)) == 400 * 86_400


@pytest.mark.parametrize(
    ("opens", "closes", "day", "opened_h"),
    [
        (time(0), time(3), ON, 2),  # the hour that the clocks leap over is not there
        (time(0), time(3), BACK, 4),  # the one that comes twice is in it twice
        (time(1), time(2), ON, 0),
        (time(1), time(2), BACK, 2),
        (time(0, 30), time(1, 30), ON, 0.5),
        (time(0, 30), time(1, 30), BACK, 1.5),
        (time(9), time(17), ON, 8),
        (time(9), time(17), BACK, 8),
    ],
)
def test_on_days_when_the_clocks_change(opens: time, closes: time, day: datetime, opened_h: float) -> None:
    begin = datetime.combine(day.date(), time(0), UK).astimezone(UTC)
    end = datetime.combine(day.date() + timedelta(days=1), time(0), UK).astimezone(UTC)

    assert open_seconds((Window(frozenset({6}), opens, closes),), begin, end) == opened_h * 3600


def test_a_window_that_the_clocks_leap_over_opens_a_week_later() -> None:
    some = (Window(frozenset({6}), time(1, 15), time(1, 45)),)

    assert next_change(some, ON - timedelta(days=1)) == datetime(2027, 4, 4, 0, 15, tzinfo=UTC)


@given(windows())
def test_windows_are_read_as_they_were_stored(some: Windows) -> None:
    told = [SendingWindow(days=[rules.DAYS[d] for d in w.days], opens=w.opens, closes=w.closes) for w in some]

    assert rules.read(rules.to_json(told)) == some == rules.checked(told)
    assert rules.contracts(rules.to_json(told)) == told


@pytest.mark.parametrize(
    ("opens", "closes"), [("10:00", "09:00"), ("10:00", "10:00"), ("10:00:01", "11:00"), ("10:00", "11:00Z")]
)
def test_a_window_that_makes_no_sense_is_refused(opens: str, closes: str) -> None:
    with pytest.raises(Refusal) as refusal:
        rules.checked([SendingWindow(days=["mon"], opens=opens, closes=closes)])
    assert refusal.value.code is Code.INVALID_REQUEST


def played(pace: Pace, waiting: int, at: datetime, ticks_s: list[float]) -> list[tuple[datetime, int]]:
    """What a hand-over that looks after each of these times hands over: when, how many."""
    left, gone = waiting, []
    for tick_s in ticks_s:
        at += timedelta(seconds=tick_s)
        count = pace.allows(left, at)
        if count:
            pace = Pace(pace.per_minute, pace.spread_until, pace.windows, pace.after(count, left, at))
            gone.append((at, count))
            left -= count
    return gone


ticks = st.lists(st.floats(0.05, 1.5), min_size=1, max_size=300)


@given(st.integers(1, 100_000), st.integers(1, 100_000), moments, ticks)
def test_a_pace_a_minute_is_kept_and_reached(per_minute: int, waiting: int, at: datetime, ticks_s: list[float]) -> None:
    gone = played(Pace(per_minute, None, (), None), waiting, at, ticks_s)

    for index, (since, _) in enumerate(gone):
        within = sum(count for moment, count in gone[index:] if moment < since + MINUTE)
        # What came since the tick before leaves with a tick: those of one tick more than a minute, and the very first.
        assert within <= per_minute * (1 + 1.5 / 60) + 1
    lasted_s = sum(ticks_s) - ticks_s[0]
    assert sum(count for _, count in gone) >= min(waiting, int(lasted_s * per_minute / 60))


def test_a_pace_that_no_second_divides_is_reached() -> None:
    """28 a minute is one in 2.14 s: looked at each second it was one in three."""
    gone = played(Pace(28, None, (), None), 100, datetime(2026, 11, 30, 12, tzinfo=UTC), [1.0] * 121)

    assert sum(count for _, count in gone) in (56, 57)


@given(st.integers(1, 6_000), moments, st.floats(3, 3_600))
def test_what_was_missed_is_not_made_up_for_at_once(per_minute: int, at: datetime, gap_s: float) -> None:
    (_, first), (_, then) = played(Pace(per_minute, None, (), None), 10**6, at, [1.0, max(gap_s, 60 / per_minute + 1)])

    assert first == 1
    assert then <= max(1, per_minute / 60 * rules.CATCH_UP_S + 1e-6)


@given(windows(), st.integers(1, 5_000), moments, st.integers(60, 200_000))
def test_spread_means_evenly_over_the_time_that_is_open(
    some: Windows, waiting: int, at: datetime, lasts_s: int
) -> None:
    until = at + timedelta(seconds=lasts_s)
    total_s = open_seconds(some, at, until)
    assume(total_s > 0)  # else it is refused when it is made
    tick_s = max(1.0, lasts_s / 400)
    gone = played(Pace(None, until, some, None), waiting, at, [tick_s] * int(lasts_s / tick_s))

    assert all(open_at(some, moment) for moment, _ in gone)
    for moment, _ in gone:
        share = open_seconds(some, at, moment) / total_s
        so_far = sum(count for when, count in gone if when <= moment)
        # Within two ticks of what is even, and the first one, which leaves at once.
        assert so_far <= waiting * min(1.0, share + 2.5 * tick_s / total_s) + 1 + 1e-6


@given(st.integers(2, 500), st.integers(60, 100_000))
def test_the_last_of_a_spread_leaves_near_its_end_and_none_is_left(waiting: int, lasts_s: int) -> None:
    until = ON + timedelta(seconds=lasts_s)
    tick_s = lasts_s / 2_000
    gone = played(Pace(None, until, (), None), waiting, ON, [tick_s] * 2_001)

    assert sum(count for _, count in gone) == waiting
    assert gone[-1][0] >= ON + timedelta(seconds=lasts_s * (1 - 1 / waiting) * 0.98 - 3 * tick_s)


def test_outside_its_windows_nothing_is_allowed_and_without_a_pace_everything() -> None:
    night = (Window(EVERY_DAY, time(22), time(0)),)
    noon = ON + timedelta(hours=12)

    assert Pace(None, None, night, None).allows(100, noon) == 0
    assert Pace(600, None, night, noon - timedelta(hours=1)).allows(100, noon) == 0
    assert Pace(None, None, (), None).allows(100, noon) == 100
    assert Pace(None, noon, (), None).allows(100, noon) == 100  # its time is over: as fast as it goes
