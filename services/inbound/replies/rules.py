"""Replies: which texts of ours may answer a text. Plain functions and values; no I/O, no clock.

Owns the loop guard: two machines that answer each other must come to rest. Whoever is told nothing by us can tell us nothing in return.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common import phone

HOUR_MAX = 3  # answers to one number from one header
DAY_MAX = 10
SAME_MAX = 2  # of the same words from one number to one header within SAME_WITHIN: a third is a machine's
SAME_WITHIN = timedelta(minutes=5)
REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` to answer what `number` texted to `header`, whose words are `heard`. `exempt`: also to a number that is opted out."""

    company_id: int
    number: str
    header: str
    body: str
    heard: str
    exempt: bool = False


Pair = tuple[str, str]  # the header's key and the number


@dataclass(frozen=True, slots=True)
class Past:
    """What was between a header and a number: when it was answered, and when it texted what (a digest) that would have been."""

    answered: tuple[datetime, ...] = ()
    heard: tuple[tuple[datetime, bytes], ...] = ()


def pair(answer: Answer) -> Pair:
    return phone.sender_key(answer.header), answer.number


def to_people(answers: Iterable[Answer]) -> list[Answer]:
    """Those to phone numbers: behind a short code or a name there is nobody."""
    return [answer for answer in answers if phone.E164.fullmatch(answer.number)]


def guarded(
    answers: Iterable[Answer], pasts: Mapping[Pair, Past], now: datetime
) -> tuple[list[Answer], dict[Pair, Past]]:
    """Those that may go out, in order, and what is then past."""
    allowed: list[Answer] = []
    after = {key: _remembered(past, now) for key, past in pasts.items()}
    for answer in answers:
        past, digest = after.get(pair(answer), Past()), _digest(answer.heard)
        may = _may(past, digest, now)
        if may:
            allowed.append(answer)
        after[pair(answer)] = Past(
            answered=(*past.answered, now) if may else past.answered,
            heard=(*past.heard, (now, digest))[-DAY_MAX:],
        )
    return allowed, after


def _may(past: Past, digest: bytes, now: datetime) -> bool:
    same = sum(1 for at, heard in past.heard if heard == digest and now - at < SAME_WITHIN)
    last_hour = sum(1 for at in past.answered if now - at < timedelta(hours=1))
    return same < SAME_MAX and last_hour < HOUR_MAX and len(past.answered) < DAY_MAX


def _remembered(past: Past, now: datetime) -> Past:
    return Past(
        answered=tuple(at for at in past.answered if now - at < REMEMBERED),
        heard=tuple((at, digest) for at, digest in past.heard if now - at < SAME_WITHIN),
    )


def _digest(words: str) -> bytes:
    return hashlib.sha256(words.encode()).digest()[:8]
