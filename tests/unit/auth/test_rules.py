"""auth's rules: names, headers, tokens, guesses."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.base import Code, Refusal
from services.auth.company.rules import canonical_header
from services.auth.names import name_key
from services.auth.sessions import rules
from services.auth.sessions.rules import FAILURES_MAX, Guess

ID = UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("82830", "82830"),
        (" 82830 ", "82830"),
        ("07700 900123", "+447700900123"),
        ("+1 202 555 0101", "+12025550101"),
        ("Heliograph", "Heliograph"),
        ("Café 24", "Café 24"),
        ("24Hours", "24Hours"),
        ("123", "123"),
    ],
)
def test_a_header_is_kept_as_e164_as_digits_or_as_a_name(written: str, kept: str) -> None:
    assert kept == canonical_header(written)


@pytest.mark.parametrize(
    "written", ["", "12", "Heliographer", "Tom & Co", "Привет", "_name", "+44", "     ", "name\n2", "[x]", "a€"]
)
def test_what_no_handset_would_show_is_no_header(written: str) -> None:
    with pytest.raises(Refusal) as refusal:
        canonical_header(written)

    assert refusal.value.code == Code.INVALID_SENDER


@pytest.mark.parametrize("written", ["Demo", "DEMO", " demo ", "Ｄｅｍｏ"])
def test_one_name_has_one_key_however_it_is_written(written: str) -> None:
    assert name_key(written) == "demo"


@given(st.text(max_size=30))
def test_the_key_of_a_key_is_itself(name: str) -> None:
    assert name_key(name) == name_key(name_key(name))


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.integers(1, 2**62), st.integers(1, 2**62))
def test_a_repeat_of_a_login_gets_the_same_token_and_another_user_never(
    key: bytes, ask_id: UUID, user_id: int, other_id: int
) -> None:
    token = rules.token(key, ask_id, user_id)

    assert token == rules.token(key, ask_id, user_id)
    assert len(token) == 43
    assert (user_id == other_id) == (token == rules.token(key, ask_id, other_id))


def test_a_token_cannot_be_made_without_the_key() -> None:
    assert rules.token(b"a" * 32, ID, 1) != rules.token(b"b" * 32, ID, 1)


guesses = st.lists(st.builds(Guess, st.sampled_from(["ann", "bob"]), st.text(max_size=3)), max_size=60)


@given(guesses, st.dictionaries(st.sampled_from(["ann", "bob"]), st.integers(0, 20)))
def test_no_name_is_guessed_at_more_often_than_it_has_failures_left(
    guesses: list[Guess], failures: dict[str, int]
) -> None:
    admitted = rules.admitted(guesses, failures)

    for name in ("ann", "bob"):
        tried = {one for one in admitted if one.username_key == name}
        left = max(0, FAILURES_MAX - failures.get(name, 0))
        assert len(tried) == min(left, len({one for one in guesses if one.username_key == name}))


def test_many_who_log_in_at_once_with_one_right_password_are_one_guess() -> None:
    assert len(rules.admitted([Guess("demo", "demo-password")] * 500, {"demo": FAILURES_MAX - 1})) == 1


@pytest.mark.parametrize(("username", "password"), [("a" * 101, "p"), ("ann", "p" * 201), ("a\x00b", "p")])
def test_a_name_or_password_that_nobody_can_have_is_not_even_checked(username: str, password: str) -> None:
    assert rules.guess(username, password) is None


def test_a_guess_never_shows_its_password() -> None:
    assert "secret" not in repr(rules.guess("ann", "secret"))
