"""Whom a text may not go to: by cause, scope and lane; and for how long a number that failed gets no marketing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.carriers.carrier import Failure
from services.messaging.sending.rules import Lane
from services.messaging.suppressions.rules import (
    FAILED,
    OPTED_OUT,
    PERMANENT_FOR,
    REASONS,
    SOFT,
    STOP,
    TEMPORARY_FOR,
    TEMPORARY_MAX,
    suppressed_for,
    why_not,
)

causes = st.sampled_from([STOP, SOFT, FAILED])
scopes = st.sampled_from(["", "header:82830", "header:acme", "brand:acme ltd", "brand:other"])
stops = st.lists(st.tuples(causes, scopes).map(" ".join), max_size=6)


@pytest.mark.parametrize(
    ("stop", "urgent", "ordinary", "bulk"),
    [
        ("stop ", "", OPTED_OUT, OPTED_OUT),
        ("soft ", "", "", REASONS[SOFT]),
        ("failed ", "", "", REASONS[FAILED]),
        ("stop header:82830", "", OPTED_OUT, OPTED_OUT),
        ("stop header:acme", "", "", ""),
        ("stop brand:acme ltd", "", OPTED_OUT, OPTED_OUT),
        ("stop brand:other", "", "", ""),
        ("soft brand:acme ltd", "", "", REASONS[SOFT]),
    ],
)
def test_what_each_cause_and_scope_keeps_back_in_each_lane(stop: str, urgent: str, ordinary: str, bulk: str) -> None:
    assert [why_not([stop], "82830", "acme ltd", lane) for lane in Lane] == [urgent, ordinary, bulk]


@given(stops, st.sampled_from(["82830", "acme"]), st.sampled_from(["", "acme ltd"]))
def test_a_code_goes_to_everyone_and_marketing_to_nobody_to_whom_an_order_does_not(
    some: list[str], key: str, brand: str
) -> None:
    urgent, ordinary, bulk = (why_not(some, key, brand, lane) for lane in Lane)
    assert urgent == ""
    assert ordinary in ("", OPTED_OUT)
    assert not ordinary or bulk == OPTED_OUT, "a wish is the reason that is told, whatever else stands there"


@given(stops, st.sampled_from(list(Lane)))
def test_one_more_reason_never_lets_a_text_out(some: list[str], lane: Lane) -> None:
    if why_not(some, "82830", "", lane):
        assert why_not([*some, "failed "], "82830", "", lane)


def test_no_brand_is_not_the_brand_of_those_without_one() -> None:
    assert why_not(["stop brand:"], "82830", "", Lane.BULK) == ""


@given(st.sampled_from(list(Failure)), st.integers(0, 10))
def test_a_number_gets_no_marketing_after_one_permanent_failure_or_some_campaigns(
    failure: Failure, campaigns: int
) -> None:
    expected = TEMPORARY_FOR if campaigns >= TEMPORARY_MAX else None
    assert suppressed_for(failure, campaigns) == (PERMANENT_FOR if failure is Failure.PERMANENT else expected)
