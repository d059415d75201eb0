"""When a campaign is paused by itself: too many errors in a row of recipients, whatever has not ended yet."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.campaign.watching import rules
from services.campaign.watching.rules import BLOCK, BLOCKS, COUNTED_MIN, Block, Burst


def block(failed: int = 0, delivered: int = 0, open_: int = 0, reason: str = "call_barred") -> Block:
    return Block(
        counted=failed + delivered + open_, ended=failed + delivered, errors={reason: failed} if failed else {}
    )


blocks = st.builds(
    block, st.integers(0, BLOCK), st.integers(0, BLOCK), st.integers(0, BLOCK), st.sampled_from(["", "a", "b"])
)


def runs(of: Sequence[Block]) -> list[Sequence[Block]]:
    return [of[max(0, last - BLOCKS) : last] for last in range(1, len(of) + 1)]


@given(st.lists(blocks, max_size=30))
def test_a_burst_is_a_run_that_is_long_enough_and_half_of_which_failed(looked_at: list[Block]) -> None:
    bad = [
        (failed, counted)
        for run in runs(looked_at)
        if (counted := sum(each.counted for each in run)) >= COUNTED_MIN
        and (failed := sum(each.failed for each in run)) >= counted / 2
    ]

    found = rules.burst(looked_at)

    assert (found and (found.failed, found.counted)) == (bad[-1] if bad else None)


@given(st.lists(st.integers(0, BLOCK // 2 - 1), max_size=200))
def test_refusals_that_come_before_the_deliveries_pause_nothing_however_many_are_open(refused: list[int]) -> None:
    assert rules.burst([block(failed=each, open_=BLOCK - each) for each in refused]) is None


@given(st.integers(0, 400), st.integers(1, 40))
def test_a_carrier_that_refuses_everything_is_noticed_within_a_run(good: int, bad: int) -> None:
    healthy = [block(delivered=BLOCK) for _ in range(good)]

    found = rules.burst([*healthy, *(block(failed=BLOCK) for _ in range(bad))])

    run = min(good + bad, BLOCKS)
    certain = run * BLOCK >= COUNTED_MIN and min(bad, BLOCKS) * 2 >= run
    assert (found is not None) is certain


@given(st.lists(blocks, max_size=10), st.lists(blocks, max_size=10))
def test_what_ends_later_never_calls_a_burst_off_but_by_new_recipients(before: list[Block], after: list[Block]) -> None:
    """Errors only grow: a run that failed has failed."""
    if rules.burst(before) is not None:
        assert rules.burst([*before, *after]) is not None


def test_too_few_recipients_say_nothing() -> None:
    assert rules.burst([]) is None
    assert rules.burst([block(failed=BLOCK), block(failed=BLOCK - 1)]) is None


def test_the_reason_is_that_of_most() -> None:
    found = rules.burst(
        [block(failed=80, reason="a"), block(failed=90, reason="b"), block(failed=60, reason="a", delivered=20)]
    )

    assert found == Burst(230, 250, "a")
    assert found.why() == "paused by itself: 230 of the last 250 failed, most with a"
    assert Burst(3, 4, "").why() == "paused by itself: 3 of the last 4 failed, most without a reason"


def test_nothing_is_paused_that_has_nothing_left_to_send() -> None:
    over = [block(failed=BLOCK)] * 3

    assert not rules.something_to_hold(0, over)
    assert rules.something_to_hold(1, over)
    assert rules.something_to_hold(0, [*over, block(open_=1)])
