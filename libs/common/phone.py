"""Numbers as people write them, kept as E.164 (ITU-T E.164: + and up to 15 digits).

A writing is digits of any script with a plus or without, and between them only what people put there; anything else (a letter, an extension, a
second number) makes it none. 07700 900000-900999, Ofcom's numbers for drama, are valid here though number libraries call them invalid: they
reach only the simulator.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from libs.common.contracts.base import Code, Refusal

REGION = "GB"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
WRITTEN_CHARACTERS_MAX = 40

# A UK mobile, the bulk of any list: 07 and nine digits (Ofcom, National Telephone Numbering Plan, A4), with the country before it, with the 0 after the
# country that "+44 (0)7700" has, or without its 0, which spreadsheets take off. The library reads all of them so, and takes a hundred times as long.
_UK_MOBILE = re.compile(r"(?:(?:\+44|0044|44)?0?)(7[1-57-9][0-9]{8})")
_SEPARATORS = re.compile(r"[\s().\-/]+")
_DIGITS = re.compile(r"\+?[0-9]+")
# What else stands between digits or around them: brackets, dots and slashes of other scripts, and the apostrophe with which a spreadsheet keeps a 0.
_ORNAMENTS = frozenset("[]'\u2019\u00b7\u2022\u2044\uff08\uff09\uff0e\uff0f\uff3b\uff3d")
# And, by category: spaces, dashes, and the invisible marks that come along when a number is copied from a page or a phone's contacts.
_ORNAMENTAL = frozenset({"Zs", "Pd", "Cf"})


def e164(text: str) -> str | None:
    """`text` as E.164, or None where it is no possible number. Read as British where it has no country code."""
    plain = _SEPARATORS.sub("", text)
    if fast := _UK_MOBILE.fullmatch(plain):
        return f"+44{fast[1]}"
    if len(text.strip()) > WRITTEN_CHARACTERS_MAX:
        return None
    plain = "".join(map(_plain, plain)).strip(",;")  # of the list it was copied from
    if fast := _UK_MOBILE.fullmatch(plain):
        return f"+44{fast[1]}"
    return _by_library(plain) if _DIGITS.fullmatch(plain) else None


def _plain(character: str) -> str:
    """A digit or a plus as ASCII has it; nothing for an ornament; anything else as it is."""
    digit = unicodedata.decimal(character, None)  # not of superscripts and digits in circles: those are footnotes
    if digit is not None:
        return str(digit)
    if character in _ORNAMENTS or unicodedata.category(character) in _ORNAMENTAL or character == "\u2212":
        return ""
    return "+" if character == "\uff0b" else character


def _by_library(plain: str) -> str | None:
    try:
        number = phonenumbers.parse(plain, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if written.startswith("+440"):
        return None  # 07700 9001: too short to take its 0 off, which no British number has after the 44
    if written.startswith("+447") and len(written) != len("+447700900123"):
        return None  # the library allows nine digits, as of old landlines; what begins with 7 has ten (Ofcom, A4)
    return written if E164.fullmatch(written) else None


def required(text: str) -> str:
    """`text` as E.164; refused with invalid_number where it is none."""
    number = e164(text)
    if number is None:
        raise Refusal(
            Code.INVALID_NUMBER, "this is not a phone number" if text.strip() else "a phone number is required"
        )
    return number


def sender_key(sender: str) -> str:
    """What two writings of one sender id share: E.164 where it is a number, small letters where it is a name, digits as they are for a short code."""
    stripped = sender.strip()
    if re.fullmatch(r"[0-9]{3,8}", stripped):
        return stripped
    return e164(stripped) or stripped.casefold()
