"""Verification codes: derived, never stored. A code is the HMAC-SHA-256 of an id under the installation's key, written in the rule's alphabet: of its
verification's id, or, where nothing will be checked here (SendTwoFactorToken), of its text's. And what a check makes of a verification.

The grammar of a rule, words in any order, separated by spaces or commas: a length (4 to 12), an alphabet (`digits`, `letters` or `mixed`), and
`clear` to leave out look-alikes (0 O, 1 I L, 2 Z, 5 S, 8 B). The default is `6 digits`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.verification import CheckResult, VerificationState

LENGTH_MIN, LENGTH_MAX, LENGTH = 4, 12, 6
ALPHABETS = {
    "digits": string.digits,
    "letters": string.ascii_uppercase,
    "mixed": string.digits + string.ascii_uppercase,
}
LOOK_ALIKES = "0O1IL2Z5S8B"
COUNTRIES = frozenset({"GB"})  # of a company that has said nothing else
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


def code(key: bytes, id_: UUID, rule: Rule) -> str:
    """The code of this id: the same each time it is asked for. Uniform but for less than 2**-180."""
    number = int.from_bytes(hmac.digest(key, id_.bytes, hashlib.sha256))
    characters = []
    for _ in range(rule.length):
        number, index = divmod(number, len(rule.alphabet))
        characters.append(rule.alphabet[index])
    return "".join(characters)


def with_code(key: bytes, id_: UUID, rule: str, place: str, body: str) -> str:
    """The text as it goes out: the code where `place` stands, or at its end."""
    written = code(key, id_, parsed(rule))
    return body.replace(place, written) if place and place in body else f"{body} {written}"


@dataclass(slots=True)
class Verification:
    """One row, in hand while it is locked."""

    id: UUID
    company_id: int
    test: bool
    number: str
    purpose: str
    rule: str
    state: VerificationState
    attempts_max: int
    checks: int
    texts: list[UUID]
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    @property
    def attempts_left(self) -> int:
        return max(0, self.attempts_max - self.checks) if self.state is VerificationState.PENDING else 0

    def end(self, state: VerificationState, at: datetime) -> None:
        self.state, self.ended_at = state, at

    def age(self, at: datetime) -> None:
        """Ends it where its life is over at `at`, whether or not the loop that sweeps them has come by."""
        if self.state is VerificationState.PENDING and self.expires_at <= at:
            self.end(VerificationState.EXPIRED, self.expires_at)


ENDED: Mapping[VerificationState, CheckResult] = {
    VerificationState.APPROVED: CheckResult.USED,
    VerificationState.EXPIRED: CheckResult.EXPIRED,
    VerificationState.CANCELLED: CheckResult.CANCELLED,
    VerificationState.TOO_MANY_ATTEMPTS: CheckResult.TOO_MANY_ATTEMPTS,
}


def check(verification: Verification, key: bytes, typed: str, at: datetime) -> CheckResult:
    """Counts one check. Only while it is pending is anything compared, so at most `attempts_max` times; the right code ends it."""
    verification.age(at)
    verification.checks += 1
    if verification.state is not VerificationState.PENDING:
        return ENDED[verification.state]
    right = code(key, verification.id, parsed(verification.rule))
    if hmac.compare_digest(plain(typed), right):
        verification.end(VerificationState.APPROVED, at)
        return CheckResult.APPROVED
    if verification.checks >= verification.attempts_max:
        verification.end(VerificationState.TOO_MANY_ATTEMPTS, at)
    return CheckResult.WRONG_CODE


def plain(typed: str) -> str:
    """As codes are written: people put spaces and dashes in, type small letters, and keyboards of the East wide digits."""
    return "".join(c for c in unicodedata.normalize("NFKC", typed).upper() if c.isascii() and c.isalnum())
