"""What a new campaign must be, how recipients leave, and what the books find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.campaign import CampaignState, CreateCampaign, Recipient
from libs.common.contracts.messaging import SettledText, State
from services.campaign.campaigns import rules as campaigns
from services.campaign.recipients import rules as recipients
from services.campaign.reports import rules as reports

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KNOWN = campaigns.Known(header="Heliograph", brand=None, folder=False)
COMMAND = CreateCampaign(title=" Tea ", body="Tea is served.", sender="heliograph")
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


@given(st.integers(1, 3 * ITEMS_MAX + 1))
def test_windows_hold_every_recipient_once_in_order(count: int) -> None:
    people = [Recipient(id=UUID(int=n), position=n, number=f"+4477{n:08}") for n in range(1, count + 1)]
    campaign = recipients.Outgoing(1, 2, "Heliograph", "Tea.", None, count, 0, test=True)

    windows = recipients.windows(campaign, people)

    assert [person for window in windows for person in window.items] == people
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


BALANCED = reports.Tally(
    id=7,
    title="Tea",
    state=CampaignState.SENDING,
    targeted=100,
    checkpoint=60,
    launched_at=NOW,
    finished_at=None,
    waiting=40,
    handed_over=25,
    ended={State.DELIVERED: 30, State.FAILED: 5},
    ended_early=0,
    last_position=100,
    read=103,
)


def test_balanced_books_have_no_fault_and_say_who_was_left_out() -> None:
    assert reports.faults(BALANCED, doubled=0) == []
    assert reports.progress(BALANCED).left_out == {"duplicate": 3}


@pytest.mark.parametrize(
    ("broken", "doubled", "sentence"),
    [
        ({"targeted": 101}, 0, "targeted says 101, its recipients are 100"),
        ({"last_position": 104}, 0, "its last position is 104, its recipients are 100"),
        ({}, 2, "2 numbers stand twice"),
        ({"read": 99}, 0, "100 recipients came from 99 numbers read"),
        ({"checkpoint": 101}, 0, "handed over to 101 of 100"),
        ({"state": CampaignState.FREEZING}, 0, "handed over to 60, though freezing"),
        ({"ended_early": 4}, 0, "4 recipients ended who were never handed over"),
        ({"state": CampaignState.FINISHED}, 0, "finished, though 65 recipients have not ended"),
    ],
)
def test_each_imbalance_is_a_sentence(broken: dict[str, object], doubled: int, sentence: str) -> None:
    tally = replace(BALANCED, **broken)  # type: ignore[arg-type]

    assert reports.faults(tally, doubled) == [f"campaign 7: {sentence}"]


@given(waiting=counts, handed_over=counts, delivered=counts)
def test_a_campaign_whose_rows_are_what_it_says_never_has_a_fault(
    waiting: int, handed_over: int, delivered: int
) -> None:
    rows = waiting + handed_over + delivered
    tally = replace(
        BALANCED,
        targeted=rows,
        checkpoint=handed_over + delivered,
        waiting=waiting,
        handed_over=handed_over,
        ended={State.DELIVERED: delivered},
        last_position=rows,
        read=rows,
    )

    assert reports.faults(tally, doubled=0) == []
