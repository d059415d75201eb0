"""auth's rules: names, headers, tokens, guesses."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.auth import ADMINISTER, SEND
from libs.common.contracts.base import Code, Refusal
from libs.common.grants import Caller
from libs.common.phone import sender_key
from services.auth.company.rules import canonical_header, is_number
from services.auth.keys import rules as keys
from services.auth.names import name_key
from services.auth.people.rules import require_login
from services.auth.sessions import rules
from services.auth.sessions.rules import FAILURES_MAX, Guess

ID = UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("82830", "82830"),
        (" 82830 ", "82830"),
        ("07700 900123", "+447700900123"),
        ("020 7946 0123", "+442079460123"),
        ("Heliograph", "Heliograph"),
        ("Tom & Co", "Tom & Co"),
        ("_a.b-c", "_a.b-c"),
        ("24Hours", "24Hours"),
    ],
)
def test_a_header_is_kept_as_e164_as_digits_or_as_a_name(written: str, kept: str) -> None:
    assert kept == canonical_header(written)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "12",
            "123",
            "12345",
            "828300",
            "Heliographer",
            "Café 24",
            "Привет",
            "+44",
            "     ",
            "name\n2",
            "[x]",
            "a€",
            "...",
        ),
        *("+1 202 555 0101", "0909 879 0123", "INFO", "V3RIFY"),
    ],
)
def test_what_no_network_would_carry_is_no_header(written: str) -> None:
    with pytest.raises(Refusal) as refusal:
        canonical_header(written)

    assert refusal.value.code == Code.INVALID_SENDER


@pytest.mark.parametrize(
    ("written", "number"),
    [("82830", True), ("07700 900123", True), ("Heliograph", False), ("24Hours", False), ("1A", False)],
)
def test_only_what_texts_are_sent_to_is_a_number(written: str, number: bool) -> None:
    assert number == is_number(canonical_header(written))


@given(
    st.text(st.characters(codec="utf-8"), max_size=12) | st.from_regex(r"[0-9]{3,11}|[+]447[0-9]{9}", fullmatch=True)
)
def test_what_a_rule_calls_a_number_the_database_does_too(written: str) -> None:
    """As in the migration: what `headers.number` is generated from."""
    try:
        header = canonical_header(written)
    except Refusal:
        return
    assert is_number(header) == (re.fullmatch(r"[+]?[0-9]+", sender_key(header)) is not None)


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


@given(st.uuids(), st.integers(1, 2**62), st.integers(1, 2**62))
def test_a_login_by_token_and_one_by_password_never_get_the_same_token(ask_id: UUID, user_id: int, by: int) -> None:
    assert rules.token(b"k" * 32, ask_id, user_id) != rules.token(b"k" * 32, ask_id, user_id, by)


@given(st.uuids(), st.integers(1, 2**62), st.booleans())
def test_a_key_is_known_as_one_and_a_token_never_is(ask_id: UUID, user_id: int, test: bool) -> None:
    key = keys.key(b"k" * 32, ask_id, user_id, test=test)

    assert key == keys.key(b"k" * 32, ask_id, user_id, test=test)
    assert key.startswith("hg_test_" if test else "hg_live_")
    assert keys.is_key(key)
    for other in (
        key[8:],
        key[:-1],
        key + "A",
        key + "\n",
        f" {key}",
        key.upper(),
        rules.token(b"k" * 32, ask_id, user_id),
    ):
        assert not keys.is_key(other)


permissions = st.sets(st.sampled_from([SEND, ADMINISTER]))


@given(permissions, permissions)
def test_a_key_may_do_what_both_it_and_its_user_may_and_nothing_else(keys_: set[str], users: set[str]) -> None:
    may = keys.may(keys_, users)

    assert may <= keys_
    assert may <= users
    assert {permission for permission in users if permission in keys_} == may


@given(st.integers(0, 5), st.none() | st.integers(0, 5), st.booleans())
def test_only_one_who_logged_in_after_the_last_change_makes_what_outlives_the_session(
    of_grant: int, now: int | None, key: bool
) -> None:
    caller = Caller(1, 1, key=key, access_version=of_grant)
    expected = Code.PERMISSION_DENIED if key else None if now == of_grant else Code.SESSION_EXPIRED
    try:
        require_login(caller, now)
        code = None
    except Refusal as refusal:
        code = refusal.code

    assert code == expected


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
