"""What may stand as a sender, and which names are those of banks and authorities, or look like them.

Owns the comparison of names as an eye compares them: V3RIFY is VERIFY, HMRC-Refund is HMRC's. Plain functions of a name and a country's table; no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from libs.common.countries.country import NumberClass, Senders
from libs.common.countries.gb import SENDERS as GB

DIGITS_OF_SHORT_CODES = re.compile(r"[0-9]{3,8}")

# What an eye takes for another: folded into one on both sides of a comparison.
_LOOK_ALIKES = str.maketrans("0134578lu", "oieastbiv", " .&_-")
_DIGITS = re.compile(r"[0-9]+")
_SEPARATORS = re.compile(r"[ .&_-]+")
_CAPITALS = re.compile(r"[A-Z]{2,}")  # NHS in NHSresults
_WORDS = re.compile(r"[A-Z]?[a-z]+")
_PREFIX_LENGTH_MIN = 4  # a protected name this long is one at the beginning of another: HMRCRefund
_INSIDE_LENGTH_MIN = 6  # this long, anywhere in it: MyBarclays
_CHANGED_LENGTH_MIN = 7  # this long, one with a letter changed, too: Barclaya


def skeleton(name: str) -> str:
    """What two names share that look alike: small letters, without separators, look-alikes as one."""
    return name.casefold().translate(_LOOK_ALIKES)


def fault(sender: str, class_: NumberClass | None, country: Senders = GB) -> str | None:
    """Why a sender cannot be one, or None. `sender`: a number in E.164, whose class is `class_`; a short code; or a name."""
    if sender.startswith("+"):
        if class_ is None:
            return "the networks refuse senders with numbers of other countries"
        if class_ is NumberClass.PREMIUM:
            return "a premium rate number cannot be a sender"
        return None
    if DIGITS_OF_SHORT_CODES.fullmatch(sender):
        return None if country.short_code.fullmatch(sender) else f"a short code has {country.short_code_form}"
    return _fault_of_name(sender, country)


def _fault_of_name(name: str, country: Senders) -> str | None:
    if len(name) > country.name_length_max:
        return f"a name has at most {country.name_length_max} characters"
    if not country.name_characters.fullmatch(name):
        return f"a name has only {country.name_characters_form}"
    if not any(character.isalpha() for character in name):
        return "a name has a letter in it"
    generic = _skeletons(country.generic)
    if skeleton(name) in generic or (len(bare := _DIGITS.sub("", name)) > 2 and skeleton(bare) in generic):
        return "the networks refuse a name that says what a text is and not whose: use the company's own"
    return None


def protected(name: str, country: Senders = GB, more: Iterable[str] = ()) -> str | None:
    """The protected name that `name` is or looks like, or None. `more`: an operator's own, beside the country's."""
    whole = skeleton(name)
    parts = (*_SEPARATORS.split(name), *_CAPITALS.findall(name), *_WORDS.findall(name))
    words = set(map(skeleton, parts))
    for each in (*sorted(country.protected), *more):
        theirs = skeleton(each)
        if (
            whole == theirs
            or theirs in words
            or (len(theirs) >= _PREFIX_LENGTH_MIN and whole.startswith(theirs))
            or (len(theirs) >= _INSIDE_LENGTH_MIN and theirs in whole)
            or (len(theirs) >= _CHANGED_LENGTH_MIN and _one_apart(theirs, whole))
        ):
            return each
    return None


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter changed, added or left out makes the one of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    return any(one[start + a :] == other[start + b :] for a, b in ((1, 1), (1, 0), (0, 1)))


@lru_cache(maxsize=8)
def _skeletons(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(skeleton, names))
