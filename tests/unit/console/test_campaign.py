"""What the command line reads and writes of campaigns: windows, rates, how much is left, tables."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from libs.common.contracts.campaign import (
    CampaignReport,
    CampaignState,
    Day,
    Delivery,
    DryRun,
    IncompleteRow,
    Outcome,
    Progress,
    SendingWindow,
)
from libs.common.contracts.messaging import State
from services.console import campaign_before, campaign_report
from services.console.asking import Trouble
from services.console.campaign_make import DAYS, days_of, sending_window
from services.console.campaign_watch import RATE_OVER_S, Seen, picture, words
from services.console.words import span, table


def progress(ended: int = 0, state: CampaignState = CampaignState.SENDING, handed_over: int = 100) -> Progress:
    return Progress(
        id=7,
        title="Spring",
        state=state,
        why="errors burst" if state is CampaignState.PAUSED else "",
        targeted=10_000,
        waiting=10_000 - ended - handed_over,
        handed_over=handed_over,
        ended={State.DELIVERED: ended} if ended else {},
        left_out={"duplicate": 3},
        launched_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        finished_at=None,
    )


@given(st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_a_span_of_days_begins_and_ends_with_the_named_ones_and_has_each_once(first: str, last: str) -> None:
    days = sending_window(f"{first}-{last} 09:00-17:30").days

    assert (days[0], days[-1]) == (first, last)
    assert len(days) == len(set(days))
    assert all(DAYS[(DAYS.index(a) + 1) % 7] == b for a, b in pairwise(days))


@given(st.sets(st.sampled_from(DAYS), min_size=1))
def test_days_are_written_as_they_are_read(days: set[Day]) -> None:
    window = SendingWindow(days=sorted(days), opens=time(9), closes=time(17))

    assert set(sending_window(f"{days_of(window)} 09:00-17:00").days) == days


def test_windows_are_read_as_people_write_them() -> None:
    window = sending_window("Mon-Wed,sat 09:00-17:30")

    assert (window.days, window.opens, window.closes) == (["mon", "tue", "wed", "sat"], time(9), time(17, 30))


@pytest.mark.parametrize(
    "written", ["", "mon-fri", "09:00-17:30", "mon-fry 09:00-17:30", "mon 9-25", "mon 09:00", "mon, 09:00-10:00"]
)
def test_what_is_no_window_is_told(written: str) -> None:
    with pytest.raises(Trouble, match=r"--window: .* is none"):
        sending_window(written)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=60))
def test_a_rate_is_that_of_the_last_seconds_and_never_less_than_nothing(steps: list[int]) -> None:
    seen, ended = Seen(progress()), 0
    for second, step in enumerate(steps):
        ended = min(ended + step, 9_900)
        seen.note(progress(ended), float(second))

    (begin_s, before), (end_s, after) = seen.samples[0], seen.samples[-1]
    assert seen.rate == (after - before) / (end_s - begin_s) >= 0
    assert (end_s, after) == (len(steps) - 1, ended)
    assert end_s - begin_s <= RATE_OVER_S


def test_what_is_left_is_told_only_where_it_moves() -> None:
    seen = Seen(progress())
    seen.note(progress(1_000), 0)
    assert seen.left_s is None
    seen.note(progress(2_000), 1)
    assert seen.left_s == 8
    seen.note(progress(2_000, CampaignState.PAUSED), 2)
    assert seen.left_s is None
    assert (
        words(seen)
        == "paused (errors burst)  2,000 of 10,000 ended (20 %)  2,000 delivered  100 handed over, not ended"
    )


def test_a_stopped_campaign_is_over_when_its_last_text_is() -> None:
    assert not Seen(progress(5, CampaignState.STOPPED, handed_over=1)).over
    assert Seen(progress(5, CampaignState.STOPPED, handed_over=0)).over
    assert not Seen(progress(5, CampaignState.PAUSED, handed_over=0)).over


def test_the_picture_tells_how_far_how_fast_and_why_not() -> None:
    seen = Seen(progress())
    seen.note(progress(1_000), 0)
    seen.note(progress(2_000), 1)
    seen.failures = [Outcome(state=State.FAILED, reason="absent", recipients=17)]
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - a console's, closed with it
    console.print(picture(seen))
    lines = [line.split() for line in console.export_text().splitlines()]

    assert lines[0] == ["campaign", "7,", "Spring:", "sending"]
    assert lines[1][1:] == ["2,000", "of", "10,000", "(20", "%)"]
    assert " ".join(lines[2]) == "1,000 a second over the last 10 s 8 s left"
    assert ["2,000", "delivered"] in lines
    assert ["17", "of", "them", "failed:", "absent"] in lines


def test_a_dry_run_adds_up_before_ones_eyes() -> None:
    found = DryRun(
        id=1,
        campaign_id=7,
        state="done",
        begun_at=datetime(2026, 3, 1, tzinfo=UTC),
        ended_at=datetime(2026, 3, 1, tzinfo=UTC),
        numbers=203_114,
        recipients=200_000,
        forecast=200_000,
        would_get=199_000,
        left_out={"duplicate": 3_114, "opted_out": 1_000},
        texts={"gsm": 198_000, "ucs2": 1_000},
        by_parts={1: 198_000, 2: 1_000},
        parts=200_000,
        micros=4_567_890_000,
        currency="GBP",
        incomplete=[IncompleteRow(list_id=3, row=17, number="+447700900001", missing=["first_name"])],
    )

    assert campaign_before.told(found) == [
        "Dry run of campaign 7: nothing was sent.",
        "  numbers in its lists   203,114",
        "    left out: duplicate    3,114",
        "    left out: opted out    1,000",
        "  would get it           199,000",
        "Texts",
        "  GSM               198,000",
        "  Unicode             1,000",
        "  1 part            198,000",
        "  2 parts             1,000",
        "  parts in all      200,000",
        "  cost          4567.89 GBP",
        "1 entries lack a field: launch --leave-out-incomplete sends to the others",
        "  list 3, row 17: +447700900001 lacks first_name",
    ]


def test_a_report_tells_ends_by_reason_and_what_came_back() -> None:
    read = CampaignReport(
        progress=progress(9_000, CampaignState.FINISHED, handed_over=0),
        outcomes=[
            Outcome(state=State.FAILED, reason="absent", recipients=1_000),
            Outcome(state=State.DELIVERED, reason="", recipients=9_000),
        ],
        parts=10_000,
        replies=12,
        opt_outs=3,
        delivery=Delivery(p50_s=0.4, p90_s=1.25, p99_s=12, max_s=75),
    )

    said = campaign_report.told(read)

    assert said[0] == "campaign 7, Spring: finished"
    assert "    delivered       9,000   90.0 %" in said
    assert "    failed: absent  1,000   10.0 %" in said
    assert "  delivered: half within 0.40 s, 90 % within 1.25 s, 99 % within 12 s, all within 1 min 15 s" in said
    assert said[-1].split() == ["duplicate", "3"]


def test_words() -> None:
    assert table([("a", 1), ("bcd", 12_345)]) == ["a         1", "bcd  12,345"]
    assert table([]) == []
    assert (span(8.4), span(200), span(7500)) == ("8 s", "3 min 20 s", "2 h 5 min")
