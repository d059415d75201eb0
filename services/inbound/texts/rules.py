"""Received texts: whose each is, and what is told of it.

A keyword of a text-in on its header comes first, then the header's owner; else it is nobody's and waits. A shared number has no owner: there a
text is a company's by keyword only, but a wish is one to every company that has the number. Plain functions and values; no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common import phone
from libs.common.batches import in_messages
from libs.common.contracts.inbound import InboundText, TextsReceived
from libs.common.contracts.messaging import ArrivedText
from services.inbound.optouts import rules as optouts
from services.inbound.optouts.rules import Wish, Wished
from services.inbound.words import words


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is kept: `number` in E.164 where it is a number, and what it wishes, if it does."""

    id: UUID
    number: str
    header: str
    header_key: str
    body: str
    wish: Wish | None
    at: datetime
    carrier: str
    carrier_id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a text is. `header`: as its company writes it. `text_in_id`: whose keyword it began with, if any."""

    company_id: int
    header: str
    text_in_id: int | None = None


Keyword = tuple[str, str]  # header_key and the word in normal form


def kept(text: str) -> str:
    """PostgreSQL keeps no U+0000: it becomes U+FFFD, the sign for a character that could not be kept."""
    return text.replace("\0", "\ufffd")


def kept_number(number: str) -> str:
    """E.164 where it is a number, as it came where it is none: a sender may be a name."""
    return number if phone.E164.fullmatch(number) else phone.e164(number) or kept(number)


def as_kept(arrived: Iterable[ArrivedText]) -> list[Text]:
    """The texts, each id once."""
    keys: dict[str, str] = {}
    texts = {}
    for text in arrived:
        key = keys.get(text.to) or keys.setdefault(text.to, phone.sender_key(kept(text.to)))
        body = kept(text.body)
        texts[text.id] = Text(
            id=text.id,
            number=kept_number(text.number),
            header=kept(text.to),
            header_key=key,
            body=body,
            wish=optouts.read(body),
            at=text.at,
            carrier=text.carrier,
            carrier_id=text.carrier_id,
        )
    return list(texts.values())


def keywords_of(texts: Iterable[Text]) -> dict[UUID, Keyword]:
    """What could claim each text: its header and first word."""
    return {text.id: (text.header_key, first[0]) for text in texts if (first := words(text.body)[:1])}


def owners_of(
    texts: Iterable[Text],
    keywords: Mapping[UUID, Keyword],
    text_ins: Mapping[Keyword, Owner],
    headers: Mapping[str, Owner],
) -> dict[UUID, Owner]:
    """Whose each text is; those that are nobody's are left out."""
    owners = {}
    for text in texts:
        keyword = keywords.get(text.id)
        owner = (text_ins.get(keyword) if keyword else None) or headers.get(text.header_key)
        if owner is not None:
            owners[text.id] = owner
    return owners


def announcements(texts: Sequence[Text], owners: Mapping[UUID, Owner]) -> list[TextsReceived]:
    """An event a company, or several where the texts are long, for the texts that are somebody's."""
    items: dict[int, list[InboundText]] = defaultdict(list)
    for text in texts:
        if owner := owners.get(text.id):
            items[owner.company_id].append(
                InboundText(
                    id=text.id,
                    number=text.number,
                    to=owner.header,
                    body=text.body,
                    at=text.at,
                    text_in_id=owner.text_in_id,
                )
            )
    return [
        TextsReceived(company_id=company_id, items=list(some))
        for company_id, received in items.items()
        for some in in_messages(received, lambda item: len(item.body))
    ]


def unheard(texts: Iterable[Text], owners: Mapping[UUID, Owner]) -> list[Text]:
    """The wishes in texts that are nobody's: to a shared number, or to a header that nobody is known to have."""
    return [text for text in texts if text.wish and text.id not in owners]


def wishes_in(
    texts: Iterable[Text], owners: Mapping[UUID, Owner], sharers: Mapping[str, Sequence[Owner]]
) -> list[Wished]:
    """Each wish, to whom it is: the company whose the text is, else every company that shares its header (by key). Too wide is safer than unheard."""
    wished = []
    for text in texts:
        if text.wish:
            owner = owners.get(text.id)
            heard_by = [owner] if owner else sharers.get(text.header_key, ())
            wished += [Wished(one.company_id, text.number, one.header, text.wish, text.at, text.id) for one in heard_by]
    return wished
