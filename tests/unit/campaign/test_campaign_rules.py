"""What a new campaign must be, and how recipients leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.campaign import CreateCampaign, RecipientsHandedOver
from libs.common.contracts.messaging import SettledText, State
from services.campaign.campaigns import rules as campaigns
from services.campaign.recipients import rules as recipients
from services.campaign.schedules.rules import Pace

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KNOWN = campaigns.Known(header="Heliograph", brand=None, folder=False)
COMMAND = CreateCampaign(title=" Tea ", body="Tea is served.", sender="heliograph")
AT_ONCE = Pace(per_minute=None, spread_until=None, windows=(), used_to=None)
counts = st.integers(0, 3_000_000)


def test_a_draft_takes_the_companys_own_writing_of_the_sender() -> None:
    draft = campaigns.draft(COMMAND, KNOWN, NOW)

    assert (draft.title, draft.sender, draft.brand) == ("Tea", "Heliograph", "")


def test_a_launch_time_without_offset_is_uk_time() -> None:
    summer = COMMAND.model_copy(update={"launch_at": datetime(2027, 7, 1, 9, 0)})  # noqa: DTZ001  as clients give it

    assert campaigns.draft(summer, KNOWN, NOW).launch_at == datetime(2027, 7, 1, 8, 0, tzinfo=UTC)


def test_a_text_that_does_not_say_how_to_stop_is_warned_of_or_refused_as_the_company_decided() -> None:
    (warning,) = campaigns.warnings("Tea is served.", "Heliograph", "warn")

    assert "how to stop" in warning
    assert campaigns.warnings("Tea is served.", "Heliograph", "off") == []
    assert campaigns.warnings("Tea is served. Text STOP to 82830", "Heliograph", "refuse") == []
    with pytest.raises(Refusal) as refusal:
        campaigns.warnings("Tea is served. Reply STOP", "Heliograph", "refuse")  # a name cannot be answered
    assert (refusal.value.code, "cannot be answered" in refusal.value.detail) == (Code.INVALID_REQUEST, True)


@given(st.text(), st.text())
def test_brands_that_differ_in_case_only_have_one_key(name: str, around: str) -> None:
    spaces = " " * len(around)

    assert campaigns.key_of(spaces + name.casefold()) == campaigns.key_of(name.casefold() + spaces)
    assert campaigns.key_of(name.strip()) == campaigns.key_of(name)


@given(st.integers(1, campaigns.LEASE_HOURS_MAX), st.integers(-500_000, 500_000))
def test_a_lease_ends_its_hours_after_the_start_or_is_refused_as_over(hours: int, minutes_from_now: int) -> None:
    starts_at = NOW + timedelta(minutes=minutes_from_now)
    end = starts_at + timedelta(hours=hours)
    if end > NOW:
        assert campaigns.expiry(starts_at, hours, NOW) == end
    else:
        with pytest.raises(Refusal) as refusal:
            campaigns.expiry(starts_at, hours, NOW)
        assert refusal.value.code is Code.INVALID_DATE


@given(st.integers(0, 1_000), st.integers(-50_000, 50_000))
def test_a_draft_may_be_launched_at_once_or_is_refused(hours: int, minutes_from_now: int) -> None:
    launch_at = NOW + timedelta(minutes=minutes_from_now)
    command = COMMAND.model_copy(update={"launch_at": launch_at, "lease_hours": hours})
    if hours and launch_at + timedelta(hours=hours) <= NOW:
        with pytest.raises(Refusal) as refusal:
            campaigns.draft(command, KNOWN, NOW)
        assert refusal.value.code is Code.INVALID_DATE
    else:
        assert campaigns.draft(command, KNOWN, NOW).launch_at == launch_at
        campaigns.expiry(launch_at, hours, NOW)


@pytest.mark.parametrize("hours", [0, 8])
@pytest.mark.parametrize("offset", [None, UTC, timezone(-timedelta(hours=14))])
def test_a_launch_time_in_the_year_1_is_refused(offset: timezone | None, hours: int) -> None:
    command = COMMAND.model_copy(update={"launch_at": datetime.min.replace(tzinfo=offset), "lease_hours": hours})

    with pytest.raises(Refusal) as refusal:
        campaigns.draft(command, KNOWN, NOW)
    assert refusal.value.code is Code.INVALID_DATE


def test_without_a_lease_a_campaign_never_expires() -> None:
    assert campaigns.expiry(NOW - timedelta(days=900), 0, NOW) is None


@given(counts, st.integers(0, recipients.OPEN_MAX))
def test_never_more_than_open_max_are_open_and_never_more_are_taken_than_wait(waiting: int, open_: int) -> None:
    count = recipients.next_count(waiting, open_)

    assert 0 <= count <= min(waiting, recipients.HAND_OVER_MAX)
    assert open_ + count <= recipients.OPEN_MAX or count == 0
    assert count in (0, waiting, recipients.HAND_OVER_MAX)


@given(counts.filter(bool))
def test_where_nothing_is_open_something_is_handed_over(waiting: int) -> None:
    assert recipients.next_count(waiting, 0) > 0


@given(st.integers(0, 60_000), st.integers(1, 1_000_000), st.floats(0, 600))
def test_a_pace_is_not_a_commit_a_recipient(waiting: int, per_minute: int, since_s: float) -> None:
    pace = Pace(per_minute, None, (), NOW - timedelta(seconds=since_s))
    campaign = recipients.Outgoing(1, 2, "Tea", "Tea.", None, waiting, 0, test=False, pace=pace, at=NOW)
    count = recipients.paced(campaign)

    assert count <= min(waiting, max(1, 2 * per_minute / 60 + 1e-6))
    assert count in (0, waiting) or count >= min(recipients.HAND_OVER_MAX, int(per_minute / 60 / 2))
    begins = replace(campaign, pace=replace(pace, used_to=None))
    assert recipients.paced(begins) == min(waiting, 1)


@given(st.integers(1, 3 * ITEMS_MAX + 1))
def test_windows_hold_every_recipient_once_in_order(count: int) -> None:
    people = [
        {"id": str(UUID(int=n)), "position": n, "number": f"+4477{n:08}", "body": None} for n in range(1, count + 1)
    ]
    campaign = recipients.Outgoing(1, 2, "Heliograph", "Tea.", None, count, 0, test=True, pace=AT_ONCE, at=NOW)

    windows = [RecipientsHandedOver.model_validate_json(window.body) for window in recipients.windows(campaign, people)]

    assert [item.model_dump(mode="json") for window in windows for item in window.items] == people
    assert all(len(window.items) <= ITEMS_MAX and window.test for window in windows)


texts = st.builds(
    SettledText,
    id=st.just(UUID(int=1)),
    to=st.just("+447700900001"),
    state=st.sampled_from(State),
    at=st.just(NOW),
    version=st.integers(1, 6),
    campaign_id=st.sampled_from([None, 1, 2]),
    position=st.integers(1, 4),
)


@given(st.lists(texts, max_size=30))
def test_of_each_text_the_newest_end_is_kept_and_nothing_else(items: list[SettledText]) -> None:
    kept = recipients.newest_ends(items)

    relevant = [item for item in items if item.campaign_id is not None and item.state in recipients.ENDS]
    newest = {(item.campaign_id, item.position): 0 for item in relevant}
    for item in relevant:
        newest[item.campaign_id, item.position] = max(newest[item.campaign_id, item.position], item.version)
    assert {(item.campaign_id, item.position): item.version for item in kept} == newest
    assert len(kept) == len(newest)
    assert [(item.campaign_id, item.position) for item in kept] == sorted(newest)
