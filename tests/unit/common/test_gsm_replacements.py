"""What stands in for characters that make a text Unicode: only where a reader loses nothing, and only where it helps."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm, near_gsm
from libs.common.gsm import Alphabet

near = "".join(chr(code) for code in near_gsm.EQUALS)
texts = st.text(st.one_of(st.sampled_from(near + "aeiou\u0301\u0308\u0327@€ "), st.characters()), max_size=200)


def test_the_table_has_nothing_that_the_alphabet_has_and_gives_nothing_that_it_lacks() -> None:
    assert all(gsm.septets(chr(code)) is None for code in near_gsm.EQUALS)
    assert all(gsm.septets(equal) is not None for equal in near_gsm.EQUALS.values())
    assert len(near_gsm.EQUALS) == sum(len(group.equals) for group in near_gsm.GROUPS)


def test_no_letter_becomes_another_and_none_goes() -> None:
    for group in near_gsm.GROUPS:
        for character, equal in group.equals.items():
            if unicodedata.category(character) in ("Lu", "Ll", "Lo"):
                same = unicodedata.normalize("NFKC", character) == equal or "Greek" in group.reason
                assert same, unicodedata.name(character)


def test_what_goes_without_a_trace_has_no_width() -> None:
    for code, equal in near_gsm.EQUALS.items():
        assert bool(equal) == (unicodedata.category(chr(code)) not in ("Cf", "Mn")), hex(code)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("It’s “on its way” – don’t wait…", "It's \"on its way\" - don't wait..."),
        ("10\u202f€\u00a0only\t!", "10 € only !"),
        ("cafe\u0301 A\u030angstro\u0308m 10\u2126", "café Ångström 10Ω"),
        ("ＳＡＬＥ　５０％", "SALE 50%"),
        ("ΚΑΛΗΜΕΡΑ", "KAΛHMEPA"),
        ("\ufeffHello\u200b \u2066+447700900123\u2069", "Hello +447700900123"),
        ("of\ufb01ce", "office"),
    ],
)
def test_what_a_reader_cannot_tell_apart_is_replaced(written: str, sent: str) -> None:
    assert near_gsm.replaced(written) == sent


@pytest.mark.parametrize(
    "body",
    [
        "“Hello” 😀",  # stays Unicode, so nothing is gained
        "façade – open",  # ç is a letter of its own
        "ça va",
        "Ж",
        "“Καλημέρα”",
        "abc\u202edef",  # turned around: it would read otherwise
        "…" * 60,  # one part of Unicode, two of dots
        'plain "text" - with a € and a ~',
        "",
    ],
)
def test_what_would_stay_unicode_or_grow_is_left_as_it_was_written(body: str) -> None:
    assert near_gsm.replaced(body) == body


@given(texts)
def test_a_replaced_text_is_gsm_takes_no_more_and_is_not_changed_again(body: str) -> None:
    sent = near_gsm.replaced(body)

    if sent != body:
        assert gsm.alphabet(body) is Alphabet.UCS2
        assert gsm.alphabet(sent) is Alphabet.GSM
        assert gsm.segments(sent) <= gsm.segments(body)
    assert near_gsm.replaced(sent) == sent


@given(texts)
def test_what_is_told_of_each_foreign_character_is_what_replacing_does(body: str) -> None:
    foreign = near_gsm.foreign(body)
    places = sorted((at, each) for each in foreign for at in each.at)

    assert bool(foreign) == (gsm.alphabet(body) is Alphabet.UCS2)
    assert all(body[at : at + len(each.text)] == each.text for at, each in places)
    sent, end = "", 0
    for at, each in places:
        assert gsm.septets(body[end:at]) is not None
        sent, end = f"{sent}{body[end:at]}{each.equal}", at + len(each.text)
    sent += body[end:]
    if all(each.equal is not None for each in foreign) and gsm.segments(sent) <= gsm.segments(body):
        assert near_gsm.replaced(body) == sent
    else:
        assert near_gsm.replaced(body) == body


def test_a_foreign_character_is_named_by_what_in_it_is_foreign() -> None:
    accent, family, tab = near_gsm.foreign("cafe\u0301 👨‍👩‍👧 \tcafe\u0301")

    assert (accent.text, accent.name, accent.at, accent.equal) == ("e\u0301", "COMBINING ACUTE ACCENT", [3, 16], "é")
    assert (family.name, family.equal) == ("MAN, ZERO WIDTH JOINER, WOMAN, GIRL", None)
    assert (tab.name, tab.equal) == ("U+0009", " ")
