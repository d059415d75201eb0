"""Characters that make a text Unicode, and so halve what fits into it, though the GSM alphabet can say the same: what stands for each, and why.

Owns the table. A character is in it only where a reader loses nothing: no letter loses its accent, no sign becomes a word, nothing is left out that is
seen. Never touches what the alphabet has, nor a text that would stay Unicode or grow by it. Whether a company wants this at all is not known here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

from libs.common import gsm


@dataclass(frozen=True, slots=True)
class Group:
    reason: str
    equals: dict[str, str]


GROUPS = (
    Group(
        "Quotes and apostrophes that word processors and phones put in place of the typed ones.",
        dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bb\u02bc\u02bd\u00b4`", "'")
        | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba", '"'),
    ),
    Group(
        "Hyphens, dashes and the minus sign: the alphabet has one stroke for all.",
        dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63", "-"),
    ),
    Group(
        "Spaces of other widths, or that do not break, and the tab: on a handset a space.",
        dict.fromkeys("\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    ),
    Group("Other ends of a line or a paragraph.", dict.fromkeys("\v\u0085\u2028\u2029", "\n")),
    Group(
        "Characters without width: they join, part or give a direction, which means nothing between characters of this alphabet. "
        "Those that turn what follows around (U+202B, U+202D, U+202E, U+2067) are seen, and stay.",
        dict.fromkeys(
            "\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\u2061\u2062\u2063\u2064\u2066\u2068\u2069\ufe0e\ufe0f\ufeff",
            "",
        ),
    ),
    Group("Dots set as one character.", {"\u2024": ".", "\u2025": "..", "\u2026": "..."}),
    Group("Marks of a list.", dict.fromkeys("\u2022\u2023\u25e6\u2219", "*")),
    Group("Strokes of mathematics and phonetics.", {"\u2044": "/", "\u2215": "/", "\u2217": "*", "\u2223": "|", "\u02c6": "^", "\u02dc": "~"}),
    Group("Letters that type sets as one.", {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}),
    Group(
        "Full-width forms, as East Asian keyboards write them.",
        {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if chr(code) != "`"}
        | {"\uff40": "'", "\uffe1": "£", "\uffe5": "¥"},
    ),
    Group(
        "Greek capitals that look like Latin ones: the alphabet leaves them out for that, and counts on it (TS 23.038, 6.2.1, has the other ten).",
        dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    ),
)  # fmt: skip
EQUALS = str.maketrans({character: equal for group in GROUPS for character, equal in group.equals.items()})

_characters = regex.compile(r"\X").finditer  # as people see them


def replaced(body: str) -> str:
    """`body` in the GSM alphabet, where the table makes that possible and it takes no part more; else as it is."""
    if gsm.alphabet(body) is gsm.Alphabet.GSM:
        return body
    near = _equal(body)
    return near if gsm.alphabet(near) is gsm.Alphabet.GSM and gsm.segments(near) <= gsm.segments(body) else body


def _equal(text: str) -> str:
    """Accents on their own are first set on their letter (normal form C): some systems write é as e and an accent, which is the same text."""
    return unicodedata.normalize("NFC", text).translate(EQUALS)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A character, as people see it, that is outside the GSM alphabet. `equal`: what stands for it there, '' where it can go; None where nothing does."""

    text: str
    name: str  # by Unicode, of what in it is outside
    at: list[int]  # where it stands, in code points from 0
    equal: str | None


def foreign(body: str) -> list[Foreign]:
    """What makes `body` Unicode, in the order it appears, each once."""
    if gsm.alphabet(body) is gsm.Alphabet.GSM:
        return []
    places: dict[str, list[int]] = {}
    for character in _characters(body):
        if gsm.alphabet(character[0]) is gsm.Alphabet.UCS2:
            places.setdefault(character[0], []).append(character.start())
    return [_foreign(text, at) for text, at in places.items()]


def _foreign(text: str, at: list[int]) -> Foreign:
    outside = dict.fromkeys(character for character in text if gsm.alphabet(character) is gsm.Alphabet.UCS2)
    name = ", ".join(unicodedata.name(character, f"U+{ord(character):04X}") for character in outside)
    equal = _equal(text)
    return Foreign(text, name, at, equal if gsm.alphabet(equal) is gsm.Alphabet.GSM else None)
