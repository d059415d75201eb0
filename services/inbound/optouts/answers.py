"""How a wish is answered: one confirmation of a STOP or START, without marketing, and HELP. Plain functions and values; no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.phone import E164
from services.inbound.optouts.addressing import Addressed, Said
from services.inbound.optouts.rules import Wish
from services.inbound.replies.rules import Answer

NOT_AGAIN_WITHIN = timedelta(hours=12)
_NUMBER = re.compile(rf"[0-9]{{3,8}}|{E164.pattern}")

Confirmed = tuple[str, str, int]  # the header's key, the number and the company


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was confirmed last, and when."""

    wish: Wish
    at: datetime


def fill(template: str, brand: str, header: str) -> str:
    return re.sub(r"\{(brand|header)\}", lambda found: {"brand": brand, "header": header}[found[1]], template)


def answer(said: Said, body: str, addressed: Addressed, last: Mapping[Confirmed, Confirmation]) -> Answer | None:
    """What the text is answered with, if it is: from the header it came to, where that is one that can be texted.

    Of a wish to several companies one answers, in the number's name. A wish that was confirmed within hours is not again, unless the other was since.
    """
    if not addressed.parties or not _NUMBER.fullmatch(said.header_key):
        return None
    first, wish = addressed.parties[0], plain(said.reading.wish)
    texts = {Wish.STOP: first.policy.stop_text, Wish.START: first.policy.start_text, Wish.HELP: first.policy.help_text}
    before = last.get((said.header_key, said.number, first.company_id))
    again = before and before.wish is wish and said.at - before.at < NOT_AGAIN_WITHIN
    if not texts.get(wish) or again:
        return None
    brand = first.brand if len(addressed.parties) == 1 and first.brand else first.header
    words = fill(texts[wish], brand, first.header)
    return Answer(first.company_id, said.number, first.header, words, body, exempt=True)


def plain(wish: Wish) -> Wish:
    return Wish.STOP if wish is Wish.STOP_ALL else wish
