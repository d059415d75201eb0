"""Numbers as spreadsheets and people leave them: which number was meant, and what had to be put right. Plain functions; no I/O.

What is repaired is told, and only what leaves no doubt is: digits that a spreadsheet cut off (4.477E+11) are not guessed.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from libs.common import phone


class Repair(StrEnum):
    """What was put right. Stable: clients read them."""

    SEPARATORS = "separators"  # spaces, dashes, brackets, dots, slashes, invisible marks
    TRUNK_ZERO = "trunk_zero"  # +44 (0)7700
    INTERNATIONAL_PREFIX = "international_prefix"  # 0044
    MISSING_ZERO = "missing_zero"  # 7700 900123: a spreadsheet took it for a sum
    MISSING_PLUS = "missing_plus"  # 447700 900123
    LETTER_O = "letter_o"  # O77OO 900123
    DECIMAL = "decimal"  # 447700900123.0
    EXPONENT = "exponent"  # 4.47700900123E+11, with every digit
    APOSTROPHE = "apostrophe"  # '07700 900123: so that a spreadsheet keeps the 0
    DIGITS = "digits"  # of another script


NOT_A_NUMBER = "this is not a phone number"
NO_NUMBER = "a phone number is required"
DIGITS_LOST = "a spreadsheet has cut digits off: format the column as text and enter the number anew"

_PLAIN = re.compile(r"(?:\+44|0)(7[1-57-9][0-9]{8})")  # the bulk of any list: nothing to repair
_DECIMAL = re.compile(r"(\+?[0-9]{7,15})\.0+")
_EXPONENT = re.compile(r"([1-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_WITH_O = re.compile(r"[+0-9Oo\s().\-/]*")
_APOSTROPHES = "'\u2018\u2019"


def read(text: str) -> tuple[str, tuple[Repair, ...]] | None:
    """The number in E.164 and what was repaired, nothing where it was written well; None where it is no number."""
    if plain := _PLAIN.fullmatch(text):
        return f"+44{plain[1]}", ()
    repairs: list[Repair] = []
    text = _mended(text.strip(), repairs)
    number = phone.e164(text)
    if number is None:
        return None
    return number, (*repairs, *_rewritten(text, number))


def why_not(text: str) -> str:
    """What to tell of a text that `read` finds no number in."""
    if _EXPONENT.fullmatch(text.strip()):
        return DIGITS_LOST
    return NOT_A_NUMBER if text.strip() else NO_NUMBER


def _mended(text: str, repairs: list[Repair]) -> str:
    """`text` without what a spreadsheet or a mistyped letter did to it."""
    if text[:1] and text[0] in _APOSTROPHES:
        repairs.append(Repair.APOSTROPHE)
        text = text.strip(_APOSTROPHES).strip()
    if decimal := _DECIMAL.fullmatch(text):
        repairs.append(Repair.DECIMAL)
        return decimal[1]
    if exponent := _EXPONENT.fullmatch(text):
        first, rest, power = exponent[1], exponent[2] or "", int(exponent[3])
        whole, fraction = rest[:power], rest[power:]
        if len(whole) == power and not fraction.strip("0"):
            repairs.append(Repair.EXPONENT)
            return first + whole
        return text
    if ("O" in text or "o" in text) and _WITH_O.fullmatch(text) and sum(map(str.isdigit, text)) >= len(text) / 2:
        repairs.append(Repair.LETTER_O)
        return text.replace("O", "0").replace("o", "0")
    return text


def _rewritten(text: str, number: str) -> list[Repair]:
    """In what `text`, which was read as `number`, differs from the two ways that are well written."""
    dense = "".join(_digit(character) for character in text)
    repairs = []
    if any(character.isdecimal() and not character.isascii() for character in text):
        repairs.append(Repair.DIGITS)
    if len(dense) != len(text):
        repairs.append(Repair.SEPARATORS)
    national = number.removeprefix("+44")
    if dense.startswith("00"):
        repairs.append(Repair.INTERNATIONAL_PREFIX)
    elif dense == number.removeprefix("+") or dense == f"440{national}":
        repairs.append(Repair.MISSING_PLUS)
    elif dense == national and number.startswith("+44"):
        repairs.append(Repair.MISSING_ZERO)
    if number.startswith("+44") and dense.endswith(f"440{national}"):
        repairs.append(Repair.TRUNK_ZERO)
    return repairs


def _digit(character: str) -> str:
    """A digit or a plus as ASCII has it; nothing else."""
    digit = unicodedata.decimal(character, None)
    return str(digit) if digit is not None else "+" if character in "+\uff0b" else ""
