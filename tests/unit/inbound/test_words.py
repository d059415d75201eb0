"""Words in their normal form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbound.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop, all!", ["stop", "all"]),
        ("“STOP”", ["stop"]),
        ("ＳＴＯＰ", ["stop"]),  # full width
        ("st\u200bop\ufeff", ["stop"]),  # zero-width space, byte order mark
        ("STOP ❤️ 👍🏽 1️⃣", ["stop", "1"]),
        ("opt-out", ["opt", "out"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("cafe\u0301", ["café"]),
        ("\u0301 \ufe0f ...", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_of_words_are_the_same_words(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)) == once


@given(st.text())
def test_case_and_composition_make_no_difference(text: str) -> None:
    assert words(unicodedata.normalize("NFKC", text)) == words(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_texts_go_a_shorter_way_to_the_same_words(text: str) -> None:
    assert words(text) == words(text + " \u2764") == words(text.upper())
