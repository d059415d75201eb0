"""What the books find, what a report tells, and how its rows are written as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import report_csv
from libs.common.contracts.campaign import CampaignState, Delivery, Outcome, ReportRow
from libs.common.contracts.messaging import State
from services.campaign.recipients.rules import ENDS
from services.campaign.reports import rules

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CAMPAIGN = rules.Campaign(
    id=7,
    title="Tea",
    state=CampaignState.SENDING,
    why="",
    targeted=100,
    checkpoint=60,
    excluded=2,
    incomplete=1,
    starts_at=NOW,
    expires_at=None,
    launched_at=NOW,
    finished_at=None,
    read=106,
    ended={State.DELIVERED: 30, State.FAILED: 5},
)
COUNT = rules.Count(open=65, ended=CAMPAIGN.ended, ended_early=0, last_position=100, doubled=0)
counts = st.integers(0, 3_000_000)


def test_balanced_books_have_no_fault_and_say_who_was_left_out() -> None:
    assert rules.faults(CAMPAIGN, COUNT) == []
    told = rules.progress(CAMPAIGN)
    assert told.left_out == {"duplicate": 3, "excluded": 2, "incomplete": 1}
    assert (told.waiting, told.handed_over, told.ended) == (40, 25, {State.DELIVERED: 30, State.FAILED: 5})


@pytest.mark.parametrize(
    ("campaign", "count", "sentence"),
    [
        ({"targeted": 101}, {}, "targeted says 101, its recipients are 100"),
        ({}, {"last_position": 104}, "its last position is 104, its recipients are 100"),
        ({}, {"doubled": 2}, "2 numbers stand twice"),
        ({"read": 99}, {}, "103 recipients and left out came from 99 numbers read"),
        ({"checkpoint": 101}, {}, "handed over to 101 of 100"),
        ({"state": CampaignState.FREEZING}, {}, "handed over to 60, though freezing"),
        ({}, {"ended_early": 4}, "4 recipients ended who were never handed over"),
        (
            {"ended": {State.DELIVERED: 31}},
            {},
            "its progress tells of 31 delivered, its recipients are 30 delivered, 5 failed",
        ),
        ({"state": CampaignState.FINISHED}, {}, "finished, though 65 recipients have not ended"),
    ],
)
def test_each_imbalance_is_a_sentence(campaign: dict[str, object], count: dict[str, object], sentence: str) -> None:
    found = rules.faults(replace(CAMPAIGN, **campaign), replace(COUNT, **count))  # type: ignore[arg-type]

    assert found == [f"campaign 7: {sentence}"]


@given(waiting=counts, handed_over=counts, delivered=counts, left_out=counts)
def test_a_campaign_whose_rows_are_what_it_says_never_has_a_fault_and_its_progress_adds_up(
    waiting: int, handed_over: int, delivered: int, left_out: int
) -> None:
    rows = waiting + handed_over + delivered
    campaign = replace(
        CAMPAIGN,
        targeted=rows,
        checkpoint=handed_over + delivered,
        excluded=left_out,
        incomplete=0,
        read=rows + left_out,
        ended={State.DELIVERED: delivered},
    )
    count = replace(COUNT, open=waiting + handed_over, ended=campaign.ended, last_position=rows)

    assert rules.faults(campaign, count) == []
    told = rules.progress(campaign)
    assert told.targeted == told.waiting + told.handed_over + sum(told.ended.values())
    assert campaign.read == told.targeted + sum(told.left_out.values())


outcomes = st.lists(
    st.builds(Outcome, state=st.sampled_from(sorted(ENDS)), reason=st.text(max_size=3), recipients=st.integers(1, 50)),
    max_size=3 * rules.OUTCOMES_MAX,
)


@given(outcomes)
def test_a_report_has_few_outcomes_the_largest_and_leaves_no_recipient_out(counted: list[Outcome]) -> None:
    told = rules.outcomes(counted)

    assert len(told) <= rules.OUTCOMES_MAX + len(ENDS)
    assert _by_state(told) == _by_state(counted)
    kept = [outcome.recipients for outcome in told[: rules.OUTCOMES_MAX]]
    assert kept == sorted((outcome.recipients for outcome in counted), reverse=True)[: rules.OUTCOMES_MAX]


def _by_state(counted: list[Outcome]) -> Counter[State]:
    sums = Counter[State]()
    for outcome in counted:
        sums[outcome.state] += outcome.recipients
    return sums


def test_delivery_times_are_told_in_seconds_and_not_where_nothing_was_delivered() -> None:
    assert rules.delivery([40, 1_500, 2_000, 61_234]) == Delivery(p50_s=0.04, p90_s=1.5, p99_s=2.0, max_s=61.234)
    assert rules.delivery(None) is None


rows = st.builds(
    ReportRow,
    position=st.integers(1, 10**6),
    number=st.integers(10**9, 10**14).map("+{}".format),
    state=st.sampled_from([None, *sorted(ENDS)]),
    reason=st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1", 'a "b", c', "two\nlines"]),
    parts=st.integers(0, 8),
    settled_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    took_ms=st.none() | st.integers(0, 10**8),
    replied=st.booleans(),
    opted_out=st.booleans(),
)


@given(st.lists(rows, max_size=5))
def test_a_reports_csv_reads_back_as_it_was_and_no_value_of_it_is_a_formula(written: list[ReportRow]) -> None:
    text = report_csv.header() + report_csv.lines(written)

    head, *read = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == report_csv.COLUMNS
    assert [(line[0], line[1], line[2].removeprefix("'")) for line in read] == [
        (row.number, row.state or "", row.reason.removeprefix("'")) for row in written
    ]
    for line in read:
        assert line[2][:1] not in ("=", "@", "\t", "\r")
        assert line[2][:1] not in ("+", "-") or line[2][1:].isdecimal()


def test_a_line_of_csv_has_times_in_utc_and_nothing_where_nothing_is_known() -> None:
    row = ReportRow(
        position=3,
        number="+447700900123",
        state=State.FAILED,
        reason="=HYPERLINK(1)",
        parts=2,
        settled_at=NOW,
        took_ms=None,
        replied=True,
        opted_out=False,
    )

    assert report_csv.lines([row]) == "+447700900123,failed,'=HYPERLINK(1),2,2026-11-24T12:00:00.000Z,,True,False\r\n"
