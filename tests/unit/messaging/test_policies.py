"""Policies: quiet hours by the recipient's clock, over both changes of it; what makes no sense as one."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts import policies
from libs.common.contracts.base import Code, Refusal
from services.messaging.policies.rules import Policy, checked, quiet_until, repetition_key

LONDON = ZoneInfo("Europe/London")
BRITISH, IRISH, AMERICAN, GERMAN = "+447700900123", "+353861234567", "+12125550123", "+4915112345678"
NIGHT = Policy(quiet_from=time(21), quiet_until=time(8))
LUNCH = Policy(quiet_from=time(12), quiet_until=time(13, 30))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("policy", "number", "now", "until"),
    [
        (Policy(), BRITISH, "2026-01-15T03:00Z", None),
        (NIGHT, BRITISH, "2026-01-15T20:59Z", None),
        (NIGHT, BRITISH, "2026-01-15T21:00Z", "2026-01-16T08:00Z"),
        (NIGHT, BRITISH, "2026-01-16T07:59:59Z", "2026-01-16T08:00Z"),
        (NIGHT, BRITISH, "2026-01-16T08:00Z", None),
        (LUNCH, BRITISH, "2026-01-15T12:10Z", "2026-01-15T13:30Z"),
        (NIGHT, BRITISH, "2026-07-15T20:00Z", "2026-07-16T07:00Z"),  # summer time: 21:00 to 08:00
        (NIGHT, GERMAN, "2026-01-15T20:30Z", "2026-01-16T07:00Z"),  # their clock, not ours
        (NIGHT, IRISH, "2026-01-15T20:30Z", None),
        (NIGHT, AMERICAN, "2026-01-15T22:00Z", "2026-01-16T08:00Z"),  # several zones: the company's
        (NIGHT, BRITISH, "2026-03-28T23:00Z", "2026-03-29T07:00Z"),  # the clocks go on in that night
        (NIGHT, BRITISH, "2026-10-24T22:00Z", "2026-10-25T08:00Z"),  # and back in that one
        (
            Policy(quiet_from=time(22), quiet_until=time(1, 30)),
            BRITISH,
            "2026-10-25T00:40Z",
            None,
        ),  # 01:40, the first one
        (
            Policy(quiet_from=time(22), quiet_until=time(1, 30)),
            BRITISH,
            "2026-10-25T01:10Z",
            "2026-10-25T01:30Z",
        ),  # 01:10 again
    ],
)
def test_marketing_waits_for_the_end_of_the_recipients_quiet_hours(
    policy: Policy, number: str, now: str, until: str | None
) -> None:
    assert quiet_until(policy, number, at(now)) == (at(until) if until else None)


NIGHTS = [at("2026-01-01T12:00Z"), at("2026-03-28T12:00Z"), at("2026-07-01T12:00Z"), at("2026-10-24T12:00Z")]
MOMENTS = st.builds(
    lambda noon, seconds: noon + timedelta(seconds=seconds), st.sampled_from(NIGHTS), st.integers(0, 86_400)
)
HOURS = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(HOURS, HOURS, MOMENTS)
def test_what_waited_may_go_when_it_was_told_and_waits_no_day(start: time, end: time, now: datetime) -> None:
    if start == end:
        return
    policy = Policy(quiet_from=start, quiet_until=end)
    until = quiet_until(policy, BRITISH, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(policy, BRITISH, until) is None


@pytest.mark.parametrize(
    "policy",
    [
        Policy(quiet_from=time(21)),
        Policy(quiet_until=time(8)),
        Policy(quiet_from=time(8), quiet_until=time(8)),
        Policy(quiet_from=time(21, 0, 1), quiet_until=time(8)),
        Policy(quiet_from=time(21, tzinfo=UTC), quiet_until=time(8)),
        Policy(time_zone="Europe/Atlantis"),
        Policy(time_zone=""),
        Policy(time_zone="../etc/passwd"),
        Policy(time_zone="Europe"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: Policy) -> None:
    with pytest.raises(Refusal) as refusal:
        checked(policy)
    assert refusal.value.code == Code.INVALID_REQUEST


def test_the_rules_and_the_contract_have_the_same_defaults() -> None:
    ours, theirs = Policy(), policies.Policy()
    for name, value in theirs.model_dump().items():
        assert getattr(ours, name) == (tuple(value) if isinstance(value, list) else value), name


def test_only_the_same_words_of_the_same_company_to_the_same_number_are_a_repetition() -> None:
    keys = {
        repetition_key(company, number, body)
        for company in (1, 11)
        for number in ("+447700900001", "+447700900011")
        for body in ("1", "Hello", "hello", "Hello ", "\ud800")
    }
    assert len(keys) == 20
