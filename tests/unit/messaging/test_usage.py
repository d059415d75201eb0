"""Prices, bounds, shares: rules alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.usage import SetAccount
from services.messaging.carriers.carrier import Refusal, Refused, Taken, Unknown
from services.messaging.submitting.shares import shares
from services.messaging.usage import rules
from services.messaging.usage.rules import Bound, PriceTable, Terms

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
PREFIXES = st.from_regex(r"\+[0-9]{0,6}", fullmatch=True)
REFUSED = Refused(Refusal.BUSY)
WEIGHTS = st.dictionaries(st.integers(1, 10_000), st.integers(1, 100), min_size=1, max_size=300)


@given(st.dictionaries(PREFIXES, st.integers(0, 10**6)), NUMBERS)
def test_the_longest_prefix_counts(prices: dict[str, int], number: str) -> None:
    fitting = [prefix for prefix in prices if number.startswith(prefix)]

    assert PriceTable("GBP", prices).of(number) == (prices[max(fitting, key=len)] if fitting else 0)


def test_what_was_not_refused_may_have_been_taken() -> None:
    assert rules.not_taken(3, [REFUSED, Taken("r"), Unknown("lost")]) == 1
    assert rules.not_taken(3, [REFUSED]) == 3, "a long text, taken whole: one answer for all its parts"
    assert rules.not_taken(3, [Taken("r")]) == 0
    assert rules.not_taken(3, []) == 3, "it was not even asked"


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["82830", "Shop"]), st.integers(0, 2), st.integers(1, 9))))
def test_a_claims_uses_are_summed_without_loss(texts: list[tuple[int, str, int, int]]) -> None:
    sums = rules.summed(
        ((company, sender, campaign), 1, parts, 7 * parts) for company, sender, campaign, parts in texts
    )

    assert {use: sum_.texts for use, sum_ in sums.items()} == Counter(text[:3] for text in texts)
    assert sum(sum_.parts for sum_ in sums.values()) == sum(text[3] for text in texts)
    assert sum(sum_.micros for sum_ in sums.values()) == 7 * sum(text[3] for text in texts)


def test_a_bound_is_kept_up_to_its_last_part_and_none_bounds_nothing() -> None:
    assert Bound(10, 1).after(10, 1).kept
    assert not Bound(10, 1).after(11, 1).kept
    assert not Bound(10, 1).after(0, 2).kept
    assert Bound(None, None).after(10**12, 10**9).kept


@given(st.none() | st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_credit_is_what_was_granted_less_what_was_spent(granted: int | None, spent: int, more: int) -> None:
    terms = Terms(granted, spent)

    assert rules.changed(terms, SetAccount(company_id=1, credit_micros=more)).granted_micros == spent + more
    topped = rules.changed(terms, SetAccount(company_id=1, top_up_micros=more)).granted_micros
    assert topped == (spent if granted is None else granted) + more
    assert rules.changed(terms, SetAccount(company_id=1, unlimited=True)).granted_micros is None
    assert rules.changed(terms, SetAccount(company_id=1)) == terms


@given(WEIGHTS, st.integers(1, 300), st.floats(0, 1, exclude_max=True))
def test_shares_are_all_there_is_and_each_ones_part_to_the_nearest_text(
    weights: dict[int, int], texts: int, turn: float
) -> None:
    given_ = shares(weights, texts, turn)

    assert given_.keys() == weights.keys()
    assert sum(given_.values()) == texts
    for company_id, share in given_.items():
        assert abs(share - texts * weights[company_id] / sum(weights.values())) < 1.000001
        assert share >= 0


def test_over_many_claims_each_has_its_part_also_of_what_does_not_divide() -> None:
    weights = {company_id: 1 + company_id % 3 for company_id in range(400)}  # more companies than texts
    got: Counter[int] = Counter()
    for n in range(2_000):
        got += Counter(shares(weights, 250, (n * 0.6180339887) % 1))

    for company_id, weight in weights.items():
        assert abs(got[company_id] - 2_000 * 250 * weight / sum(weights.values())) < 12


def test_a_month_is_its_first_day() -> None:
    assert rules.month_of(datetime(2026, 2, 28, 23, 59, tzinfo=UTC)).isoformat() == "2026-02-01"
