"""Received texts: whose each is, and what is told of it.

A keyword of a text-in on its header comes first, then the header's owner; else it is nobody's and waits. Plain functions and values; no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common import phone
from libs.common.batches import in_events
from libs.common.contracts.inbound import InboundText, TextsReceived
from libs.common.contracts.messaging import ArrivedText
from services.inbound.optouts import rules as optouts
from services.inbound.optouts.rules import Wished
from services.inbound.words import words


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is kept: `number` in E.164 where it is a number."""

    id: UUID
    number: str
    header: str
    header_key: str
    body: str
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


def as_kept(arrived: Iterable[ArrivedText]) -> list[Text]:
    """The texts, each id once. PostgreSQL keeps no U+0000: it becomes U+FFFD, the sign for a character that could not be kept."""
    keys: dict[str, str] = {}
    kept = {}
    for text in arrived:
        key = keys.get(text.to) or keys.setdefault(text.to, phone.sender_key(text.to))
        number = text.number if phone.E164.fullmatch(text.number) else phone.e164(text.number) or text.number
        body = text.body.replace("\0", "\ufffd")
        kept[text.id] = Text(text.id, number, text.to, key, body, text.at, text.carrier, text.carrier_id)
    return list(kept.values())


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
                InboundText(id=text.id, number=text.number, to=owner.header, body=text.body, at=text.at)
            )
    return [
        TextsReceived(company_id=company_id, items=list(some))
        for company_id, received in items.items()
        for some in in_events(received, lambda item: len(item.body))
    ]


def wishes_in(texts: Sequence[Text], owners: Mapping[UUID, Owner]) -> list[Wished]:
    return [
        Wished(owner.company_id, text.number, owner.header, wish, text.at, text.id)
        for text in texts
        if (owner := owners.get(text.id)) and (wish := optouts.read(text.body))
    ]
