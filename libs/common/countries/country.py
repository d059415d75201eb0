"""What is known of a country's numbers and senders, as data: the forms that the tables beside this file fill in.

Owns the words: classes of numbers, rules for sender ids. Plain values; no I/O, no rule. A country is one module here and one line in `__init__.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class NumberClass(StrEnum):
    MOBILE = "mobile"
    CROWN_DEPENDENCY = (
        "crown_dependency"  # a mobile of Jersey, Guernsey or the Isle of Man: +44, and international in price and route
    )
    PERSONAL = "personal"  # follow-me numbers: they ring elsewhere
    PAGER = "pager"
    FIXED = "fixed"
    CORPORATE = "corporate"  # of no place: companies' and internet telephony's
    FREE = "free"  # free to call
    SERVICE = "service"  # called at a charge of the one who answers
    PREMIUM = "premium"
    DRAMA = "drama"  # for films and examples: nobody's, now and for ever


@dataclass(frozen=True, slots=True)
class Senders:
    """What may stand as a sender. `generic`: names that say what a text is and not whose, refused by the networks. `protected`: those of banks, authorities and
    others that frauds pretend to be."""

    short_code: re.Pattern[str]
    short_code_form: str  # as a sentence says it
    name_length_max: int
    name_characters: re.Pattern[str]
    name_characters_form: str
    generic: frozenset[str]
    protected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Country:
    """`ranges`: the class and the region (ISO 3166) of numbers by their longest known prefix in E.164. `unreachable`: why those of a class get no text."""

    code: str  # ISO 3166
    calling_code: str
    time_zone: str
    ranges: Mapping[str, tuple[NumberClass, str]]
    unreachable: Mapping[NumberClass, str]
    senders: Senders
