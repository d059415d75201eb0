"""What is read in a text: the annotated hard cases, the guide's examples, and what no writing changes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbound.optouts.packs import PACKS, Pack
from services.inbound.optouts.rules import EXACT, RESERVED, YIELDING, Heard, How, Wish, names_something, read, reserved
from services.inbound.words import words
from tests.unit.inbound.cases import Case, guide_cases, hard_cases, said

CASES = hard_cases()
AROUND = st.text("!?.,;:'\"“”‘’«»()-_*/# \t\n\u200b\ufeff🙏🛑", max_size=6)
ORDINARY = words("we you are at home then later see dinner time good love going tomorrow")


@pytest.mark.parametrize("case", CASES, ids=[f"{case.text!r} {case.surroundings}" for case in CASES])
def test_each_hard_case_is_read_as_it_must_be(case: Case) -> None:
    assert said(read(case.text, case.heard)) == case.must, case.reason


def test_there_are_more_than_a_hundred_hard_cases_each_with_its_reason() -> None:
    assert len({(case.text, case.surroundings) for case in CASES}) == len(CASES) > 100
    assert all(case.reason for case in CASES)


@pytest.mark.parametrize("case", guide_cases(), ids=lambda case: f"{case.text!r} {case.surroundings}")
def test_each_example_of_the_guide_is_read_as_it_says(case: Case) -> None:
    assert said(read(case.text, case.heard)) == case.must, case.reason


def test_the_guide_has_examples_of_every_wish() -> None:
    assert {case.must for case in guide_cases()} == {*(wish.value for wish in Wish), "-"}


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_in_normal_form_and_says_its_sources(pack: Pack) -> None:
    entries = [
        entry
        for name in ("stop", "stop_all", "yielding", "start", "help", "courtesy", "all", "messages", "glue", "phrases")
        for entry in getattr(pack, name)
    ]
    assert all(" ".join(words(entry)) == entry for entry in entries)
    assert pack.sources
    assert not pack.stop & (pack.start | pack.help | pack.yielding)


@given(
    st.sampled_from(sorted(EXACT)),
    AROUND,
    AROUND,
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    st.booleans(),
)
def test_no_writing_hides_an_exact_word(word: str, before: str, after: str, cased: type[str], full_width: bool) -> None:
    text = cased(word)
    if full_width:
        text = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)
    text = f"{before}{text.replace(' ', f' {before} ')}{after}"
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        reading = read(unicodedata.normalize(form, text))
        assert reading
        assert (reading.wish, reading.how) == (EXACT[word], How.EXACT)


@given(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=5), st.sampled_from(sorted(EXACT)))
def test_words_before_an_exact_word_make_it_no_sure_wish(before: list[str], word: str) -> None:
    reading = read(f"{' '.join(before)} {word}")
    assert reading is None or reading.how is How.SOFT


@given(st.text())
def test_nothing_that_lacks_the_letters_of_a_sure_word_is_one(body: str) -> None:
    reading = read(body)
    if reading and reading.how is not How.SOFT:
        assert any(
            word in " ".join(words(body)).replace(" ", "") for word in ("st", "opt", "unsub", *YIELDING, "info", "help")
        )


@given(st.text(), st.booleans())
def test_a_keyword_never_beats_a_stop_and_takes_all_else_that_is_exact_or_leading(body: str, stop: bool) -> None:
    text = f"stop {body}" if stop else body
    reading = read(text, Heard(claimed=True))
    if reading and reading.how is not How.SOFT:
        assert reserved(text)


@given(st.sampled_from(sorted(RESERVED)))
def test_what_is_reserved_is_read_whatever_claims_it(word: str) -> None:
    reading = read(word, Heard(claimed=True))
    assert reading
    assert reading.wish is EXACT[word]


def test_a_name_is_looked_for_only_where_a_stop_is_followed_by_something() -> None:
    assert [names_something(body) for body in ("STOP WIN", "text stop to win", "STOP", "hello", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_the_name_that_was_said_is_told() -> None:
    reading = read("stop Bright Shoes please", Heard(names={"bright shoes", "bright"}))
    assert reading
    assert (reading.wish, reading.name) == (Wish.STOP, "bright shoes")
