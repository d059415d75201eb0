"""The rules of sending, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import Refusal as Refused_
from libs.common.contracts.messaging import State
from libs.common.ids import uuid7
from services.messaging.carriers.carrier import Refusal, Refused, Taken, Unknown
from services.messaging.sending.states import END, NEXT, OPEN
from services.messaging.submitting.rules import ATTEMPTS_MAX, BACKOFF_MAX, backoff, outcome
from services.messaging.verification.rules import LOOK_ALIKES, code, parsed, with_code

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = b"k" * 32


def test_end_states_are_never_left_and_every_other_state_can_be() -> None:
    assert set(State) == OPEN | END
    assert all(NEXT[state] for state in OPEN)
    settled_by_receipt = {state for state, after in NEXT.items() if State.DELIVERED in after}
    assert settled_by_receipt == {State.SUBMITTING, State.SUBMITTED, State.IN_DOUBT}


def test_no_answer_is_in_doubt_and_never_queued_again() -> None:
    assert State.IN_DOUBT is outcome([Unknown("silence")], 1, None, AT).state


def test_taken_is_submitted_with_the_carriers_reference() -> None:
    assert ((o := outcome([Taken("r1")], 1, None, AT)).state, o.reference) == (State.SUBMITTED, "r1")


@given(
    st.sampled_from(Refusal), st.none() | st.floats(0, 1e6), st.integers(1, 99), st.none() | st.integers(-10, 10_000)
)
def test_a_refusal_is_never_in_doubt_and_never_tried_after_the_texts_time(
    reason: Refusal, retry_after_s: float | None, attempts: int, life_s: int | None
) -> None:
    expires_at = None if life_s is None else AT + timedelta(seconds=life_s)
    result = outcome([Refused(reason, retry_after_s)], attempts, expires_at, AT)

    assert result.state in {State.QUEUED, State.REJECTED, State.EXPIRED}
    if result.state is State.QUEUED:
        assert result.next_attempt_at is not None
        assert expires_at is None or result.next_attempt_at < expires_at
        assert result.next_attempt_at >= AT + timedelta(seconds=retry_after_s or 0)
    if retry_after_s is None:
        assert result.state is State.REJECTED


def test_a_carrier_that_cannot_be_reached_costs_no_attempts_but_one_that_refuses_does() -> None:
    assert State.QUEUED is outcome([Refused(Refusal.NOT_CONNECTED, 1.0)], ATTEMPTS_MAX + 5, None, AT).state
    assert State.REJECTED is outcome([Refused(Refusal.THROTTLED, 1.0)], ATTEMPTS_MAX, None, AT).state


@given(st.integers(0, 10_000))
def test_the_backoff_grows_and_is_bounded(attempts: int) -> None:
    assert timedelta(0) < backoff(attempts) <= backoff(attempts + 1) <= BACKOFF_MAX


@pytest.mark.parametrize("rule", ["3", "13", "digits letters", "6 6", "clear clear", "six", "6 digits!", "٦"])
def test_a_rule_outside_the_grammar_is_refused(rule: str) -> None:
    with pytest.raises(Refused_):
        parsed(rule)


@given(
    st.integers(4, 12),
    st.sampled_from(["digits", "letters", "mixed", ""]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_code_follows_its_rule_and_is_the_same_each_time(
    length: int, alphabet: str, clear: bool, random: object
) -> None:
    words = [str(length), alphabet, "clear" if clear else ""]
    random.shuffle(words)  # type: ignore[attr-defined]
    rule, id_ = parsed(" ".join(words)), uuid7()
    made = code(KEY, id_, rule)

    assert made == code(KEY, id_, rule)
    assert length == len(made)
    assert set(made) <= set(rule.alphabet)
    assert not (clear and set(made) & set(LOOK_ALIKES))


def test_codes_of_different_texts_and_keys_differ() -> None:
    id_, rule = uuid7(), parsed("12 mixed")
    assert len({code(KEY, id_, rule), code(b"x" * 32, id_, rule), code(KEY, uuid7(), rule)}) == 3


def test_the_code_stands_in_its_place_or_at_the_end() -> None:
    id_ = uuid7()
    written = code(KEY, id_, parsed(""))

    assert f"Code {written}, again {written}" == with_code(KEY, id_, "", "{code}", "Code {code}, again {code}")
    assert f"Your code: {written}" == with_code(KEY, id_, "", "{code}", "Your code:")
