"""What checks, limits and alarms make of a verification, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import Refusal
from libs.common.contracts.verification import CheckResult, Scope, VerificationState
from libs.common.ids import uuid7
from services.messaging.verification import limits
from services.messaging.verification.limits import DEFAULTS, Key, Window
from services.messaging.verification.rules import Verification, check, code, parsed, plain

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = b"k" * 32
NUMBER: Key = (17, False, Scope.NUMBER, "+447700900123")


def pending(attempts: int = 5, rule: str = "") -> Verification:
    id_ = uuid7()
    ends = AT + timedelta(minutes=10)
    return Verification(
        id_, 17, False, NUMBER[3], "", rule, VerificationState.PENDING, attempts, 0, [id_], AT, ends, None
    )


def right(verification: Verification) -> str:
    return code(KEY, verification.id, parsed(verification.rule))


@given(st.integers(1, 10), st.lists(st.booleans(), max_size=30))
def test_at_most_so_many_are_compared_and_one_is_approved(attempts: int, guesses: list[bool]) -> None:
    verification = pending(attempts, "12 mixed")
    results = [check(verification, KEY, right(verification) if good else "WRONG", AT) for good in guesses]

    compared = [r for r in results if r in {CheckResult.APPROVED, CheckResult.WRONG_CODE}]
    assert verification.checks == len(guesses)
    assert len(compared) <= attempts
    assert results[: len(compared)] == compared
    assert results.count(CheckResult.APPROVED) == (True in guesses[:attempts])
    assert (verification.state is VerificationState.PENDING) == (verification.attempts_left > 0)


def test_each_end_is_told_even_to_the_right_code() -> None:
    for state, told in {
        VerificationState.APPROVED: CheckResult.USED,
        VerificationState.CANCELLED: CheckResult.CANCELLED,
        VerificationState.TOO_MANY_ATTEMPTS: CheckResult.TOO_MANY_ATTEMPTS,
    }.items():
        verification = pending()
        verification.end(state, AT)
        assert told is check(verification, KEY, right(verification), AT)


def test_the_right_code_is_too_late_at_the_very_moment_its_life_ends() -> None:
    verification = pending()

    assert CheckResult.EXPIRED is check(verification, KEY, right(verification), verification.expires_at)
    assert (verification.state, verification.ended_at) == (VerificationState.EXPIRED, verification.expires_at)


@pytest.mark.parametrize("typed", ["12ab 34", "12AB-34", " 12ab34\n", "12AB34", "１２ａｂ34"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert plain(typed) == "12AB34"


@given(st.text(max_size=40))
def test_no_typing_breaks_a_check(typed: str) -> None:
    assert check(pending(rule="12 mixed"), KEY, typed, AT) is CheckResult.WRONG_CODE


@given(st.integers(1, 50), st.integers(1, 7200), st.lists(st.integers(0, 600), max_size=80))
def test_no_window_lets_more_through_than_its_burst_and_its_rate(sends: int, window_s: int, steps: list[int]) -> None:
    full_at: dict[Key, datetime] = {}
    windows = {(17, Scope.NUMBER): Window(sends, window_s)}
    at, taken = AT, []
    for step in steps:
        at += timedelta(seconds=step)
        try:
            limits.take(full_at, [NUMBER], windows, at)
            taken.append(at)
        except Refusal as refusal:
            later = at + timedelta(seconds=refusal.retry_after_s)
            limits.take(dict(full_at), [NUMBER], windows, later)  # when it says, it goes
    for n, first in enumerate(taken):
        for m, last in enumerate(taken[n:], 1):
            assert m <= sends + (last - first).total_seconds() * sends / window_s + 1e-3


def test_a_refused_send_counts_nowhere() -> None:
    full_at: dict[Key, datetime] = {}
    keys = limits.keys(17, False, NUMBER[3], "192.0.2.7")
    for _ in range(DEFAULTS[Scope.NUMBER].sends):
        limits.take(full_at, keys, {}, AT)
    before = dict(full_at)

    with pytest.raises(Refusal):
        limits.take(full_at, keys, {}, AT)
    assert before == full_at


@pytest.mark.parametrize(
    ("number", "prefix"),
    [
        ("+447700900123", "+447700"),
        ("+12125550123", "+12125"),
        ("+79161234567", "+79161"),
        ("+998901234567", "+9989012"),
    ],
)
def test_a_prefix_is_the_country_and_the_digits_its_ranges_share(number: str, prefix: str) -> None:
    assert prefix == limits.prefix(number)


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_every_number_has_a_prefix_of_its_own(number: str) -> None:
    assert number.startswith(limits.prefix(number))
    assert 6 <= len(limits.prefix(number)) <= 8


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+447700900123", "GB"),
        ("+447000000000", "GB"),
        ("+447797712345", "JE"),
        ("+33612345678", "FR"),
        ("+99900000", "ZZ"),
    ],
)
def test_a_country_is_told_by_the_ranges_and_for_new_ones_by_the_code(number: str, country: str) -> None:
    assert limits.country(number) == country


def test_an_ipv6_address_counts_as_its_network_and_a_mapped_one_as_itself() -> None:
    assert limits.network("2001:db8::1") == limits.network("2001:db8::ffff:1") == "2001:db8::/64"
    assert limits.network("::ffff:192.0.2.7") == "192.0.2.7"
    with pytest.raises(Refusal):
        limits.network("192.0.2.7:8080")


def test_few_codes_or_honest_use_raise_no_alarm_and_a_refusal_needs_more_than_an_alarm() -> None:
    assert not limits.is_alarming(19, 0)
    assert limits.is_alarming(20, 1)
    assert not limits.is_alarming(20, 2)
    assert not limits.is_refusable(49, 0)
    assert limits.is_refusable(50, 2)
    assert all(limits.is_alarming(n, u) for n in range(200) for u in range(n) if limits.is_refusable(n, u))
