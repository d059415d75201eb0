"""Sessions, the rules: how a token comes to be, and how many guesses a name allows. No I/O, no clock.

A token is made from the id of the ask that logged in (HMAC-SHA256 under a key only auth has), so a repeat after a lost reply gets the same token
although nobody kept it: the inbox, which keeps other answers in clear, is left out, and the database has the token's SHA-256 alone. Who logged in, and
by which reusable token, is in it too: one who learns another's ask id, and repeats it with a password of their own, gets a token of their own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.auth.names import name_key

FAILURES_MAX = 10  # wrong guesses at one name in a window; then not even the right password is let in
FAILURES_WINDOW = timedelta(minutes=15)  # from the first wrong guess
NAME_LENGTH_MAX = 100  # as in contracts.auth.Name: no user has a longer name
PASSWORD_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Guess:
    """A name and a password that somebody says belong together. Two equal guesses are one, checked and counted once."""

    username_key: str
    password: str = field(repr=False)


def guess(username: str, password: str) -> Guess | None:
    """None where no user can have this name or password, so that there is nothing to check."""
    key = name_key(username)
    possible = len(username) <= NAME_LENGTH_MAX and len(password) <= PASSWORD_LENGTH_MAX and key.isprintable()
    return Guess(key, password) if possible else None


def admitted(guesses: Iterable[Guess], failures: Mapping[str, int]) -> set[Guess]:
    """Those of `guesses` that may be checked, first come first served: never more of one name than it has failures left.

    The count is read before the passwords are checked and no lock is held meanwhile, so copies and folds that check at the same moment may each use
    what is left: at most FAILURES_MAX times the folds in hand.
    """
    taken: Counter[str] = Counter()
    admitted: set[Guess] = set()
    for one in guesses:
        if one not in admitted and failures.get(one.username_key, 0) + taken[one.username_key] < FAILURES_MAX:
            taken[one.username_key] += 1
            admitted.add(one)
    return admitted


def token(secret: bytes, ask_id: UUID, *whose: int) -> str:
    """256 bits, opaque, URL-safe: the same for the same ask of the same `whose` under one of app.Secrets."""
    digest = hmac.digest(secret, ask_id.bytes + b"".join(id_.to_bytes(8) for id_ in whose), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_sha256(token: str) -> bytes:
    """What the database knows a token by. Unsalted is right here: a token is random, it cannot be guessed from its hash."""
    return hashlib.sha256(token.encode()).digest()
