"""Verification codes: derived, never stored. A code is the HMAC-SHA-256 of its text's id under the installation's key, written in the rule's alphabet.

The grammar of a rule, words in any order, separated by spaces or commas: a length (4 to 12), an alphabet (`digits`, `letters` or `mixed`), and
`clear` to leave out look-alikes (0 O, 1 I L, 2 Z, 5 S, 8 B). The default is `6 digits`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import Code, Refusal

LENGTH_MIN, LENGTH_MAX, LENGTH = 4, 12, 6
ALPHABETS = {
    "digits": string.digits,
    "letters": string.ascii_uppercase,
    "mixed": string.digits + string.ascii_uppercase,
}
LOOK_ALIKES = "0O1IL2Z5S8B"
PLACE = "{code}"  # where the code stands in a text whose sender names no other place


@dataclass(frozen=True, slots=True)
class Rule:
    length: int
    alphabet: str


def parsed(rule: str) -> Rule:
    """Refused with invalid_rule where a word is none of the grammar's, or comes twice."""
    length, name, clear = 0, "", False
    for word in re.split(r"[\s,]+", rule.strip().lower()):
        if word.isascii() and word.isdigit() and not length and LENGTH_MIN <= int(word[:3]) <= LENGTH_MAX:
            length = int(word)
        elif word in ALPHABETS and not name:
            name = word
        elif word == "clear" and not clear:
            clear = True
        elif word:
            raise Refusal(Code.INVALID_RULE, "a rule is a length from 4 to 12, digits, letters or mixed, and clear")
    alphabet = ALPHABETS[name or "digits"]
    return Rule(length or LENGTH, "".join(c for c in alphabet if not clear or c not in LOOK_ALIKES))


def code(key: bytes, text_id: UUID, rule: Rule) -> str:
    """The code of this text: the same each time it is asked for. Uniform but for less than 2**-180."""
    number = int.from_bytes(hmac.digest(key, text_id.bytes, hashlib.sha256))
    characters = []
    for _ in range(rule.length):
        number, index = divmod(number, len(rule.alphabet))
        characters.append(rule.alphabet[index])
    return "".join(characters)


def with_code(key: bytes, text_id: UUID, rule: str, place: str, body: str) -> str:
    """The text as it goes out: the code where `place` stands, or at its end."""
    written = code(key, text_id, parsed(rule))
    return body.replace(place, written) if place and place in body else f"{body} {written}"
