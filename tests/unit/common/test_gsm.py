"""What a text takes on the air and where it is cut: by the standard's own tables, by two independent implementations, and by what a person sees."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import gsmcodecs  # type: ignore[import-untyped]  # registers the codec
import pytest
import regex  # type: ignore[import-untyped]
import smsutil  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from libs.common import gsm
from libs.common.gsm import Alphabet

THEIRS = gsmcodecs.GSMCHARMAPS[0]
BASIC = "".join(chr(code) for code in THEIRS["locking"]["encode"] if code != 0x1B)
EXTENSION = "^{}\\[~]|€\f"
FAMILY, FLAG, HINDI, ZALGO = "👨‍👩‍👧‍👦", "🇬🇧", "क्षि", "a" + "\u0301" * 80

gsm_texts = st.text(st.sampled_from(BASIC + EXTENSION * 3), max_size=500)
characters = st.one_of(
    st.sampled_from(
        [FAMILY, FLAG, HINDI, "e\u0301", "\r\n", "\u0600", "👍🏽", "한국", "ก็", " ", "Ж", ZALGO, "é", "👩‍❤️‍👩"]
    ),
    st.text(max_size=3),
)
texts = st.lists(characters, max_size=160).map("".join)


def seen(text: str) -> list[str]:
    """As a person counts them, read from the beginning."""
    found: list[str] = regex.findall(r"\X", text)
    return found


def ends(parts: list[str]) -> set[int]:
    return {sum(map(len, parts[:number])) for number in range(1, len(parts))}


def test_each_character_has_the_septets_of_the_standard() -> None:
    """TS 23.038 has 127 characters beside the escape, and ten after one: all of Unicode is asked."""
    inside = {}
    for code in (*range(0xD800), *range(0xE000, 0x30000)):
        if gsm.septets(chr(code)) is not None:
            inside[chr(code)] = gsm.encode(chr(code))

    assert inside == {character: character.encode("gsm23.038") for character in BASIC + EXTENSION}
    assert [len(inside[character]) for character in EXTENSION] == [2] * 10
    assert {len(inside[character]) for character in BASIC} == {1}
    assert (len(BASIC), len(inside)) == (127, 137)


@pytest.mark.parametrize("outside", ["ç", "`", "\t", "\0", "\x1b", "’", "Α", "\x7f", "\xa0", "😀", "\ud83d", "\ufffe"])
def test_what_is_often_thought_to_be_in_the_alphabet_is_not(outside: str) -> None:
    assert gsm.alphabet(f"abc{outside}") is Alphabet.UCS2
    with pytest.raises(ValueError, match="outside"):
        gsm.encode(outside)


@given(gsm_texts)
def test_septets_are_those_of_both_others_and_come_back(text: str) -> None:
    octets = gsm.encode(text)

    assert octets == text.encode("gsm23.038") == text.encode("gsm0338")
    assert gsm.decode(octets) == text == octets.decode("gsm23.038")
    assert gsm.septets(text) == len(octets) == gsm.units(text, Alphabet.GSM)


@given(st.binary(max_size=200))
@example(b"\x1b\x1bA")
def test_any_octets_are_read_and_what_no_table_has_is_shown_as_the_standard_says(octets: bytes) -> None:
    text = gsm.decode(octets)

    assert "\x1b" not in text
    assert ("\ufffd" in text) == any(octet > 0x7F for octet in octets)


def test_an_escape_before_what_its_table_lacks_is_passed_over_and_one_before_another_or_nothing_is_a_space() -> None:
    """TS 23.038, 6.2.1.1: the character of the main table; the escape itself, reserved for another table: a space; 6.2.1, note 1: a space."""
    assert gsm.decode(b"\x1bA") == "A"
    assert gsm.decode(b"\x1b\x1b\x65") == " e"
    assert gsm.decode(b"A\x1b") == "A "
    assert gsm.decode(b"\x1b\x0d\x1b\x0a") == "\r\f"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # 306 septets, but the escape cannot end a part
        ("Ж" * 70, 1),
        ("Ж" * 71, 2),
        ("Ж" * 134, 2),
        ("Ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 66, 2),
        ("😀" * 67, 3),  # 134 units, but 67 is odd
        ("Ж" * 66 + "e\u0301" + "Ж" * 66, 3),  # 134 units, but letter and accent stay together
    ],
)
def test_the_parts_of_known_texts(text: str, parts: int) -> None:
    assert gsm.segments(text) == parts == len(gsm.cut(text, gsm.alphabet(text)))


@given(gsm_texts)
@example("a" * 152 + "\r\n" + "a" * 20)
@example("a" * 152 + "€" + "a" * 20)
def test_a_gsm_text_is_cut_into_full_parts_that_never_end_in_an_escape(text: str) -> None:
    parts = gsm.cut(text, Alphabet.GSM)
    octets = [gsm.encode(part) for part in parts]

    assert "".join(parts) == text
    assert b"".join(octets) == gsm.encode(text)
    assert gsm.segments(text) == len(parts)
    if len(parts) > 1:
        assert all(len(part) <= 153 and part[-1] != 0x1B for part in octets)
        assert all(len(part) >= 152 for part in octets[:-1])
    assert not ends(parts) & {found.start() + 1 for found in regex.finditer("\r\n", text)}


@given(gsm_texts.filter(lambda text: text and "\r\n" not in text))
def test_gsm_parts_are_those_of_smsutil(text: str) -> None:
    assert gsm.cut(text, Alphabet.GSM) == [part.content for part in smsutil.split(text).parts]


@given(texts)
@example(("Ж" * 66 + FAMILY) * 3)
@example("x" * 60 + ZALGO + FLAG * 40)
def test_a_unicode_text_is_cut_only_between_what_people_see_as_characters(text: str) -> None:
    """But one that is longer than a part is cut where the part is full; never a surrogate pair, for parts are texts."""
    parts = gsm.cut(text, Alphabet.UCS2)

    assert "".join(parts) == text
    if len(parts) == 1:
        assert gsm.units(text, Alphabet.UCS2) <= 70
        return
    assert all(0 < gsm.units(part, Alphabet.UCS2) <= 67 for part in parts)
    inside, at = set(), 0
    for character in seen(text):
        if gsm.units(character, Alphabet.UCS2) <= 67:
            inside |= set(range(at + 1, at + len(character)))
        at += len(character)
    assert not ends(parts) & inside


@given(texts)
def test_no_part_has_room_for_the_first_character_of_the_next(text: str) -> None:
    parts = gsm.cut(text, Alphabet.UCS2)

    for part, following in pairwise(parts):
        first = seen(following)[0]
        if gsm.units(first, Alphabet.UCS2) > 67 or len(seen(part + following)) != len(seen(part)) + len(
            seen(following)
        ):
            first = first[0]  # of one that had to be cut
        assert gsm.units(part + first, Alphabet.UCS2) > 67


@given(st.one_of(gsm_texts, texts, st.text(max_size=400)))
def test_segments_are_what_cut_gives(text: str) -> None:
    assert gsm.segments(text) == len(gsm.cut(text, gsm.alphabet(text)))


@given(
    st.lists(st.one_of(st.characters(exclude_categories=["M", "Cf", "Cs", "Lo"], max_codepoint=0x2FFF), st.just("😀")))
)
def test_unicode_parts_are_those_of_smsutil_where_nothing_joins(each: list[str]) -> None:
    text = "Ж" + "".join(each)
    if len(seen(text)) == len(text):
        assert gsm.cut(text, Alphabet.UCS2) == [part.content for part in smsutil.split(text).parts]


@given(st.one_of(gsm_texts, texts))
def test_a_longer_header_leaves_a_septet_or_a_unit_less(text: str) -> None:
    alphabet = gsm.alphabet(text)
    parts = gsm.cut(text, alphabet, header_octets=7)

    assert "".join(parts) == text
    if len(parts) > 1:
        assert max(gsm.units(part, alphabet) for part in parts) <= {Alphabet.GSM: 152, Alphabet.UCS2: 66}[alphabet]


@given(texts)
def test_a_gsm_text_can_go_out_in_unicode_too(text: str) -> None:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

    assert "".join(gsm.cut(plain, Alphabet.UCS2)) == plain
