"""One week, by the UK's clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.clock import UK
from libs.common.contracts.base import Code, Refusal
from services.gateway.documented.textins import WEEK, require_within_a_week

moments = st.integers(946_684_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(moments, st.timedeltas(timedelta(0), WEEK))
def test_a_week_or_less_is_let_through(since: datetime, span: timedelta) -> None:
    require_within_a_week(since, since + span)


@given(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=365)))
def test_what_ends_before_it_begins_or_lasts_longer_is_refused(since: datetime, span: timedelta) -> None:
    for until in (since - span, since + WEEK + timedelta(hours=1) + span):
        with pytest.raises(Refusal) as refusal:
            require_within_a_week(since, until)
        assert refusal.value.code is Code.INVALID_DATE


@pytest.mark.parametrize("year", [1, 2, 1847, 1900, 9998])
def test_any_year_has_weeks(year: int) -> None:
    since = datetime(year, 1, 1, tzinfo=UTC)

    require_within_a_week(since, since + WEEK)
    with pytest.raises(Refusal):
        require_within_a_week(since, since + WEEK + timedelta(hours=2))


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_from_a_day_to_the_same_day_of_the_next_week_is_a_week_even_when_the_clocks_change(day: date) -> None:
    since = datetime(day.year, day.month, day.day, tzinfo=UK)

    require_within_a_week(since.astimezone(UTC), (since + WEEK).astimezone(UTC))
