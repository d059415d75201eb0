"""How a merge field's value is written: names and words, and dates as they are written in the United Kingdom. Plain functions on values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Within a name, in small letters: Ludwig van Beethoven, Charles de Gaulle.
PARTICLES = {
    "af", "al", "and", "av", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la", "las", "le", "los", "of",
    "te", "ten", "ter", "the", "van", "von", "y", "zu",
}  # fmt: skip

_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\S+")
_APOSTROPHES = ("'", "\u2019")
_NAMES = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")  # within a word: Smith-Jones are two, O'Brien is one
_ROMAN = re.compile(r"i{1,3}|iv|vi{1,3}")  # after a name: Henry VIII; not v, which is an initial


def title(value: str) -> str:
    """A name as it is written. What somebody took care of stays: McDonald, DeVito; so does what has digits in it.

    mcdonald -> McDonald, O'BRIEN -> O'Brien, smith-jones -> Smith-Jones, LUDWIG VAN BEETHOVEN -> Ludwig van Beethoven.
    """
    if value.isascii() and value.isalpha():  # one plain word, as most first names are
        return _name(value)
    value = value if value.isascii() else unicodedata.normalize("NFC", value)
    return _WORDS.sub(lambda word: _titled(word[0], first=not value[: word.start()].strip()), value)


def _titled(word: str, *, first: bool) -> str:
    if _DIGIT.search(word):
        return word
    if not first and word.casefold() in PARTICLES:
        return word.lower()
    if not first and _ROMAN.fullmatch(word.lower()):
        return word.upper()
    return _NAMES.sub(lambda name: _name(name[0]), word)


def _name(name: str) -> str:
    small = name.lower()
    if name[1:] != small[1:] and name != name.upper():
        return name
    if small[1:2] in _APOSTROPHES and len(small) > 2:  # O'Brien, D'Arcy; but John's
        return f"{small[0].upper()}{small[1]}{_name(small[2:])}"
    if small.startswith("mc") and len(small) > 3:
        return f"Mc{small[2:].capitalize()}"
    return small.capitalize()


def first(value: str) -> str:
    """The first word: of Mary Ann, Mary; of Jean-Luc Picard, Jean-Luc."""
    return value.split(maxsplit=1)[0]


def date_(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short(day: date) -> str:
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


def day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def weekday(day: date) -> str:
    return WEEKDAYS[day.weekday()]


TEXT_FORMATS: Mapping[str, Callable[[str], str]] = {
    "title": title,
    "upper": str.upper,
    "lower": str.lower,
    "first": first,
}
DATE_FORMATS: Mapping[str, Callable[[date], str]] = {"date": date_, "short": short, "day": day, "weekday": weekday}
DATE_WITHOUT_FORMAT = "date"
