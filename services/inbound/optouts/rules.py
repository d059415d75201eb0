"""Opt-outs: what a text wishes. Exact words first, then a leading STOP, then the soft match, which a person must read.

Owns the order of these three, not the words (packs.py) and not what follows (contacts.py). Plain functions; no I/O, no clock. A text that
merely contains such a word ("Stop knowing me so well!") is no wish.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.inbound.optouts.packs import PACKS
from services.inbound.words import words


class Wish(StrEnum):
    STOP = "stop"  # no more texts, in the scope of the company's policy
    STOP_ALL = "stop all"  # none of the company; on a shared number of no company that has it
    START = "start"  # texts again
    SOFT = "soft"  # perhaps a STOP: no marketing until a person has read it
    HELP = "help"  # who are you, and how do I stop this; nothing changes


class How(StrEnum):
    EXACT = "exact"
    LEADING = "leading"
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Reading:
    """`name`: the sender's or service's name that was said, in normal form; on a shared number it says whose texts are meant."""

    wish: Wish
    how: How
    name: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a text's meaning depends on. `claimed`: it begins with the keyword of an active text-in. `names`: of senders and services that a STOP
    may name. `stop_words`, `start_words`: the company's own, each to be alone in the text. All in normal form."""

    claimed: bool = False
    names: Collection[str] = ()
    stop_words: Collection[str] = ()
    start_words: Collection[str] = ()


NOTHING_KNOWN = Heard()


def _of_packs(name: str) -> frozenset[str]:
    return frozenset[str]().union(*(getattr(pack, name) for pack in PACKS))


STOP, STOP_ALL, YIELDING, START, HELP = map(_of_packs, ("stop", "stop_all", "yielding", "start", "help"))
_COURTESY, _ALL, _MESSAGES, _GLUE = map(_of_packs, ("courtesy", "all", "messages", "glue"))
_INSTRUCTIONS, _MISSPELT, _ORDINARY, _CONTACT = map(_of_packs, ("instructions", "misspelt", "ordinary", "contact"))
RESERVED = STOP | STOP_ALL | START  # never a keyword: nothing may stand before a STOP
EXACT = {
    **dict.fromkeys(HELP, Wish.HELP),
    **dict.fromkeys(YIELDING, Wish.STOP),
    **dict.fromkeys(START, Wish.START),
    **dict.fromkeys(STOP, Wish.STOP),
    **dict.fromkeys(STOP_ALL, Wish.STOP_ALL),
}

NAME_WORDS_MAX = 6
_LONG_STOP = re.compile(r"st+o(?:o{2,})?p+")  # STOPPPP, STOOOOP; not "stoop", which is a word
_NOT_STOP = (
    r"(?<!don t )(?<!dont )(?<!do not )(?<!can t )(?<!cant )(?<!cannot )"  # "don't stop texting me" is the contrary
)
_PHRASES = re.compile(
    rf"(?<!\S)(?:{_NOT_STOP}(?=stop )|(?!stop ))(?:{'|'.join(sorted(map(re.escape, _of_packs('phrases')), reverse=True))})(?!\S)"
)


def reserved(text: str) -> bool:
    """Whether it always means STOP or START, so that nothing else can be called so."""
    return " ".join(_plain(text)) in RESERVED


def read(body: str, heard: Heard = NOTHING_KNOWN) -> Reading | None:
    """What `body` wishes, if anything."""
    found = _plain(body)
    if not found:
        return None
    return _exact(" ".join(found), heard) or _leading(found, heard) or _soft(found, heard)


def names_something(body: str) -> bool:
    """Whether it begins with a STOP that more follows: perhaps a name."""
    found = _plain(body)
    return bool(found) and bool(_after_stop(found[1:] if found[0] in _INSTRUCTIONS else found))


def _plain(body: str) -> list[str]:
    """The words; S.T.O.P. is one, and STOPPPP is STOP."""
    found = words(body)
    if len(found) > 3 and max(map(len, found)) == 1 and "".join(found) in RESERVED:
        found = ["".join(found)]
    return ["stop" if _LONG_STOP.fullmatch(word) else word for word in found]


def _exact(text: str, heard: Heard) -> Reading | None:
    wish = EXACT.get(text)
    if text in RESERVED or (wish and not heard.claimed):
        return Reading(EXACT[text], How.EXACT)
    if heard.claimed:
        return None
    if text in heard.stop_words:
        return Reading(Wish.STOP, How.EXACT, text)
    if text in heard.start_words:
        return Reading(Wish.START, How.EXACT, text)
    return None


def _leading(found: Sequence[str], heard: Heard) -> Reading | None:
    """STOP, followed by nothing but courtesy, "all", words for messages and names; "text STOP to 82830", copied, is the same."""
    rest = _after_stop(found[1:] if found[0] in _INSTRUCTIONS else found)
    if heard.claimed or rest is None:
        return None
    kinds, name = set(), ""
    for kind, said in _kinds(rest, heard.names):
        kinds.add(kind)
        name = name or (said if kind == "name" else "")
    if "other" in kinds or kinds == {"glue"} or kinds == {"glue", "courtesy"}:
        return None
    return Reading(Wish.STOP_ALL if "all" in kinds else Wish.STOP, How.LEADING, name)


def _after_stop(found: Sequence[str]) -> Sequence[str] | None:
    """What follows the STOP that a text begins with; None where it begins with none."""
    if found and found[0] in STOP:
        return found[1:]
    return found[2:] if " ".join(found[:2]) in STOP else None


def _kinds(rest: Sequence[str], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each word or name that follows a STOP, and what kind it is of; the longest first."""
    sets = (("name", names), ("all", _ALL), ("courtesy", _COURTESY), ("messages", _MESSAGES), ("glue", _GLUE))
    while rest:
        for length in range(min(NAME_WORDS_MAX, len(rest)), 0, -1):
            said = " ".join(rest[:length])
            if kind := next((kind for kind, members in sets if said in members), ""):
                break
        yield kind or "other", said
        rest = rest[length:]


def _soft(found: Sequence[str], heard: Heard) -> Reading | None:
    """What a person must read: a phrase of the packs, or any other text that begins with STOP, unless what follows is plain talk."""
    text = " ".join(found)
    rest = _after_stop(found)
    begins = (
        rest is not None
        and not heard.claimed
        and not (rest[:1] and rest[0] in _ORDINARY and _CONTACT.isdisjoint(found))
    )
    polite_end = found[0] in YIELDING and len(found) > 1 and _COURTESY.issuperset(found[1:])
    if begins or text in _MISSPELT or (polite_end and not heard.claimed) or _PHRASES.search(text):
        return Reading(Wish.SOFT, How.SOFT)
    return None
