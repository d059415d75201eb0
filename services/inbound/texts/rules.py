"""Received texts: whose each is, what it wishes, and what is told of it.

A keyword of a text-in on its header comes first, then the header's owner, or on a shared number the last sender; else it is nobody's and waits. Whose
a wish is on a shared number is another question (optouts/addressing.py). Plain functions and values; no I/O.
"""

from __future__ import annotations

import re
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
from services.inbound.optouts.addressing import Said, Use, heard_by
from services.inbound.optouts.handlers import NOBODYS, Header
from services.inbound.optouts.rules import Reading
from services.inbound.textins.rules import ANY_KEYWORD, LAST_SENDER_WITHIN, Claimed, owner_without_keyword
from services.inbound.words import words


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is kept: `number` in E.164 where it is a number. `incomplete`: parts of it never came."""

    id: UUID
    number: str
    header: str
    header_key: str
    body: str
    at: datetime
    carrier: str
    carrier_id: str
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a text is. `header`: as its company writes it. `text_in_id`: of the text-in that claims it, `by_keyword` or because it takes what no
    keyword claims."""

    company_id: int
    header: str
    text_in_id: int | None = None
    campaign_id: int | None = None
    by_keyword: bool = False


_SHORT_CODE = re.compile(r"[0-9]{3,8}")

Keyword = tuple[str, str]  # header_key and the word in normal form


def kept(text: str) -> str:
    """PostgreSQL keeps no U+0000: it becomes U+FFFD, the sign for a character that could not be kept."""
    return text.replace("\0", "\ufffd")


def kept_number(number: str) -> str:
    """E.164 where it is a number, as it came where it is none: a sender may be a name, or a short code."""
    if phone.E164.fullmatch(number) or _SHORT_CODE.fullmatch(number):
        return number
    return phone.e164(number) or kept(number)


def as_kept(arrived: Iterable[ArrivedText]) -> list[Text]:
    """The texts, each id once."""
    keys: dict[str, str] = {}
    texts = {}
    for text in arrived:
        key = keys.get(text.to) or keys.setdefault(text.to, phone.sender_key(kept(text.to)))
        texts[text.id] = Text(
            id=text.id,
            number=kept_number(text.number),
            header=kept(text.to),
            header_key=key,
            body=kept(text.body),
            at=text.at,
            carrier=text.carrier,
            carrier_id=text.carrier_id,
            incomplete=text.incomplete,
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
    last: Mapping[UUID, Owner],
) -> dict[UUID, Owner]:
    """Whose each text is; those that are nobody's are left out. `last`: who texted its number last from the shared header it came to."""
    owners = {}
    for text in texts:
        keyword = keywords.get(text.id)
        owner = (text_ins.get(keyword) if keyword else None) or owner_without_keyword(
            headers.get(text.header_key), last.get(text.id), text_ins.get((text.header_key, ANY_KEYWORD))
        )
        if owner is not None:
            owners[text.id] = owner
    return owners


def last_senders(
    texts: Iterable[Text], headers: Mapping[str, Header], uses: Mapping[tuple[str, str], Sequence[Use]]
) -> dict[UUID, Owner]:
    """Who texted each number last, of late, from the shared header that it texts to now."""
    found = {}
    for text in texts:
        sharers = {party.company_id: party for party in headers.get(text.header_key, NOBODYS).parties if party.shared}
        recent = [
            use
            for use in uses.get((text.header_key, text.number), ())
            if use.company_id in sharers and use.at > text.at - LAST_SENDER_WITHIN
        ]
        if recent:
            party = sharers[max(recent, key=lambda use: use.text_id).company_id]
            found[text.id] = Owner(party.company_id, party.header)
    return found


def readings(texts: Iterable[Text], owners: Mapping[UUID, Owner], headers: Mapping[str, Header]) -> dict[UUID, Reading]:
    """What each text wishes, if anything, in the words of those whose it may be."""
    found = {}
    for text in texts:
        owner, header = owners.get(text.id), headers.get(text.header_key, NOBODYS)
        own = [party for party in header.parties if owner and party.company_id == owner.company_id]
        by_keyword = owner is not None and owner.by_keyword
        parties = own if own and (by_keyword or not own[0].shared) else header.parties
        if reading := optouts.read(text.body, heard_by(parties, header.names, by_keyword)):
            found[text.id] = reading
    return found


def said(texts: Iterable[Text], owners: Mapping[UUID, Owner], readings: Mapping[UUID, Reading]) -> list[Said]:
    """The texts that wish something."""
    found = []
    for text in texts:
        if reading := readings.get(text.id):
            owner = owners.get(text.id)
            found.append(
                Said(
                    text.id,
                    text.number,
                    text.header_key,
                    text.at,
                    reading,
                    owner.company_id if owner else None,
                    owner is not None and owner.by_keyword,
                )
            )
    return found


def claimed(texts: Iterable[Text], owners: Mapping[UUID, Owner], readings: Mapping[UUID, Reading]) -> list[Claimed]:
    """The texts from which what their text-in says shall follow: not those that wish something of us."""
    return [
        Claimed(
            text.id,
            owner.company_id,
            owner.text_in_id,
            text.number,
            owner.header,
            text.body,
            text.at,
            owner.campaign_id,
            text.incomplete,
        )
        for text in texts
        if (owner := owners.get(text.id)) and owner.text_in_id is not None and text.id not in readings
    ]


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
                    campaign_id=owner.campaign_id,
                    incomplete=text.incomplete,
                )
            )
    return [
        TextsReceived(company_id=company_id, items=list(some))
        for company_id, received in items.items()
        for some in in_messages(received, lambda item: len(item.body))
    ]
