"""Text-ins: which words may be keywords. Plain functions; no I/O."""

from __future__ import annotations

from libs.common.contracts.base import Code, Refusal
from services.inbound.optouts import rules as optouts
from services.inbound.words import words


def keyword_key(keyword: str) -> str:
    """`keyword` in the form texts are compared with. Refused where no first word could ever be it, and where it is a wish: nothing may stand before a STOP."""
    found = words(keyword)
    if len(found) != 1:
        raise Refusal(Code.INVALID_REQUEST, "a keyword is one word of letters or digits")
    if optouts.read(keyword):
        raise Refusal(Code.INVALID_REQUEST, "this word means STOP or START")
    return found[0]
