"""What campaign and messaging must agree on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.campaign import CampaignState, Progress
from libs.common.contracts.messaging import State
from services.console.balance import OPEN, imbalances

states = st.dictionaries(st.sampled_from(State), st.integers(1, 50))


def progress(handed_over: int, ended: dict[State, int]) -> Progress:
    return Progress(
        id=7,
        title="",
        state=CampaignState.SENDING,
        targeted=handed_over + sum(ended.values()),
        waiting=0,
        handed_over=handed_over,
        ended=ended,
        left_out={},
        launched_at=None,
        finished_at=None,
    )


@given(states)
def test_a_ledger_and_a_campaign_that_say_the_same_balance(texts: dict[State, int]) -> None:
    open_texts = sum(number for state, number in texts.items() if state in OPEN)
    ended = {state: number for state, number in texts.items() if state not in OPEN}

    assert imbalances(progress(open_texts, ended), texts) == []


@given(states, st.sampled_from(State), st.integers(1, 5))
def test_a_text_too_many_in_any_state_is_named(texts: dict[State, int], state: State, extra: int) -> None:
    open_texts = sum(number for state, number in texts.items() if state in OPEN)
    ended = {state: number for state, number in texts.items() if state not in OPEN}

    said = imbalances(progress(open_texts, ended), texts | {state: texts.get(state, 0) + extra})

    assert len(said) == 1
    assert "campaign 7" in said[0]


def test_a_recipient_whose_text_was_lost_is_an_imbalance() -> None:
    assert imbalances(progress(1, {}), {}) == ["campaign 7: 1 are handed over and not ended, messaging has 0"]
