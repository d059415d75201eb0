"""How much a claim takes: what a kill leaves in doubt is bounded by it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.messaging.carriers.carrier import Capabilities
from services.messaging.connections.rules import CLAIM_MAX, CLAIM_SMALL, SIDE_BY_SIDE, claim_max
from services.messaging.sending.rules import Lane


def carrier(window: int, parts_per_s: float | None = None) -> Any:
    return SimpleNamespace(window=window, capabilities=Capabilities(parts_per_s=parts_per_s))


@given(st.sampled_from(Lane), st.integers(1, 5_000), st.none() | st.floats(0.01, 20_000))
def test_the_claims_of_a_lane_are_together_no_more_than_a_window_or_a_hundred(
    lane: Lane, window: int, cap: float | None
) -> None:
    most = claim_max(lane, carrier(window), cap)

    assert 1 <= most <= CLAIM_MAX[lane]
    assert SIDE_BY_SIDE * most <= max(window, 2 * CLAIM_SMALL)
    assert cap is None or most <= max(1, cap)


def test_a_window_of_200_gives_claims_of_100_and_a_small_one_is_filled_twice() -> None:
    assert claim_max(Lane.BULK, carrier(200), None) == 100
    assert claim_max(Lane.BULK, carrier(10), None) == 20
    assert claim_max(Lane.BULK, carrier(2_000), None) == CLAIM_MAX[Lane.BULK]
    assert claim_max(Lane.BULK, carrier(2_000, parts_per_s=30), None) == 30
