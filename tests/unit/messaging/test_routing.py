"""Routing's rules: who takes a text, how the weights are kept, and how shares move."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.routing import CarrierState
from libs.common.ids import uuid7
from services.messaging.connections.rules import DOWN_AFTER_S, held, strands
from services.messaging.routing.rules import (
    ENOUGH,
    NO_WAY_OUT,
    SHARE_MIN,
    Condition,
    Doing,
    Routable,
    Route,
    Table,
    shifted,
)
from services.messaging.sending.rules import Lane

BEACON, CABLE, LANTERN = 2, 3, 4
UP = {BEACON: Condition("beacon"), CABLE: Condition("cable"), LANTERN: Condition("lantern")}
TEXT = Routable(UUID(int=0), 17, Lane.ORDINARY, "+447700900123", "82830")

ids = st.integers(0, 2**128 - 1).map(lambda n: UUID(int=n))
held_sets = st.sets(st.sampled_from(sorted(UP)))
routes = st.lists(
    st.builds(Route, position=st.integers(0, 3), carrier=st.sampled_from(sorted(UP)), weight=st.integers(1, 1000)),
    min_size=1,
    max_size=8,
)


def conditions(out: set[int]) -> dict[int, Condition]:
    return {id_: replace(c, held="is paused", strands=True) if id_ in out else c for id_, c in UP.items()}


def carrier_of(table: Table, text: Routable) -> int | None:
    decision = table.decide(text)
    return decision.carrier if decision else None


@given(routes, held_sets, ids)
def test_the_lowest_position_with_a_carrier_that_is_up_takes_the_text_and_one_that_is_held_never_does(
    some: list[Route], out: set[int], id_: UUID
) -> None:
    decision = Table(some, conditions(out)).decide(TEXT._replace(id=id_))
    up = [route for route in some if route.carrier not in out]
    assert decision is not None, "a route matched"
    lowest = min(route.position for route in up or some)
    assert decision.carrier in {route.carrier for route in up or some if route.position == lowest}
    assert ("none is up" in decision.why) is (not up)


@given(routes, held_sets, ids)
def test_a_decision_can_be_repeated(some: list[Route], out: set[int], id_: UUID) -> None:
    text = TEXT._replace(id=id_)
    assert Table(some, conditions(out)).decide(text) == Table(list(some), conditions(out)).decide(text)


@pytest.mark.parametrize("share", [1.0, 0.25, SHARE_MIN])
def test_weights_and_shares_are_kept_over_many_texts(share: float) -> None:
    weights = {BEACON: 100, CABLE: 300, LANTERN: 50}
    table = Table(
        [Route(10, carrier, weight) for carrier, weight in weights.items()],
        UP | {CABLE: Condition("cable", share=share)},
    )
    texts = 20_000
    taken = Counter(carrier_of(table, TEXT._replace(id=uuid7())) for _ in range(texts))

    real = weights | {CABLE: 300 * share}
    for carrier, weight in real.items():
        expected = texts * weight / sum(real.values())
        # Six standard deviations of a binomial draw: one run in some hundred million is wrong by luck.
        assert abs(taken[carrier] - expected) < 6 * expected**0.5, (carrier, taken)


def test_what_a_carrier_loses_another_gets_and_the_others_texts_stay_where_they_were_decided() -> None:
    both = [Route(10, BEACON, 1), Route(10, CABLE, 1)]
    texts = [TEXT._replace(id=uuid7()) for _ in range(200)]
    without = Table(both, conditions({CABLE}))
    assert {carrier_of(without, text) for text in texts} == {BEACON}
    assert "left out: cable is paused" in without.decide(TEXT).why  # type: ignore[union-attr]


def test_a_decision_says_what_was_passed_over() -> None:
    table = Table([Route(10, BEACON, 1), Route(20, CABLE, 1), Route(30, LANTERN, 1)], conditions({BEACON, CABLE}))
    decision = table.decide(TEXT)
    assert decision is not None
    assert decision.why == "routes at 30: lantern 1; before it, beacon is paused; before it, cable is paused"


@pytest.mark.parametrize(
    ("route", "other"),
    [
        (Route(1, CABLE, 1, prefix="+44770090012"), TEXT._replace(number="+447700900133")),
        (Route(1, CABLE, 1, country="GB"), TEXT._replace(number="+33612345678")),
        (Route(1, CABLE, 1, sender="82830"), TEXT._replace(sender="Heliograph")),
        (Route(1, CABLE, 1, company_id=17), TEXT._replace(company_id=18)),
        (Route(1, CABLE, 1, lane=Lane.ORDINARY), TEXT._replace(lane=Lane.BULK)),
    ],
)
def test_each_condition_of_a_route_counts_and_all_of_them_must_hold(route: Route, other: Routable) -> None:
    table = Table([route, Route(9, BEACON, 1)], UP)
    assert (carrier_of(table, TEXT), carrier_of(table, other)) == (CABLE, BEACON)
    narrow = Table([replace(route, company_id=18), Route(9, BEACON, 1)], UP)
    assert carrier_of(narrow, TEXT) == BEACON


def test_without_a_route_there_is_none_and_a_test_text_needs_none() -> None:
    table = Table([Route(1, CABLE, 1, prefix="+33")], UP)
    assert table.decide(TEXT) is None
    assert carrier_of(table, TEXT._replace(test=True)) == NO_WAY_OUT


doings = st.builds(Doing, *[st.integers(0, 10_000)] * 4)


@given(st.floats(SHARE_MIN, 1), doings)
def test_a_share_stays_within_its_bounds(share: float, doing: Doing) -> None:
    assert SHARE_MIN <= shifted(share, doing) <= 1


def test_a_share_goes_down_while_errors_or_delivery_times_are_high_and_comes_back_when_they_are_not() -> None:
    share, seen = 1.0, []
    for _ in range(8):
        share = shifted(share, Doing(answered=80, errors=20))
        seen.append(share)
    assert seen[:2] == [0.5, 0.25]
    assert share == SHARE_MIN
    for _ in range(4):
        share = shifted(share, Doing(answered=100))
    assert share == 1.0
    assert shifted(1.0, Doing(delivered=100, slow=15)) == 0.5
    assert shifted(1.0, Doing(delivered=100, slow=14)) == 1.0


def test_a_few_errors_say_nothing() -> None:
    assert shifted(1.0, Doing(errors=ENOUGH - 1)) == 1.0
    assert shifted(1.0, Doing(answered=91, errors=9)) == 1.0


def test_a_carrier_that_drains_gets_nothing_new_but_sends_what_it_has() -> None:
    assert held(CarrierState.DRAINING, 0) == "is draining"
    assert not strands(CarrierState.DRAINING, 0)
    assert strands(CarrierState.DRAINING, DOWN_AFTER_S + 1)
    assert strands(CarrierState.PAUSED, 0)
    assert held(CarrierState.ACTIVE, DOWN_AFTER_S) == ""
    assert held(CarrierState.ACTIVE, DOWN_AFTER_S + 1) == "is not connected"
