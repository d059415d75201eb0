"""Consents: what is written down, and what a withdrawn one that comes from elsewhere does. Plain functions and values; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common import phone
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.consents import How, Kind, NewConsent
from services.inbound.optouts.addressing import COMPANY
from services.inbound.optouts.contacts import Act, Change, Wished

CLOCKS_APART_MAX = timedelta(minutes=5)
IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Recorded:
    """As in the contract. Either a `user_id` (0: an operator) recorded it, or it stood in a text."""

    company_id: int
    id: UUID
    number: str
    kind: Kind
    how: How
    at: datetime
    wording: str = ""
    reference: str = ""
    user_id: int | None = None
    text_id: UUID | None = None


def checked(company_id: int, user_id: int, items: Sequence[NewConsent], now: datetime) -> list[Recorded]:
    """The consents as they are kept, each id once. Refused with invalid_number, invalid_date or invalid_request, saying which."""
    found = {}
    for place, item in enumerate(items, 1):
        number = phone.e164(item.number)
        if number is None:
            raise Refusal(Code.INVALID_NUMBER, f"consent {place} has no phone number: nothing is recorded")
        if item.at > now + CLOCKS_APART_MAX:
            raise Refusal(Code.INVALID_DATE, f"consent {place} is of the future: nothing is recorded")
        if "\0" in item.wording + item.reference:
            raise Refusal(Code.INVALID_REQUEST, f"consent {place} holds a null character: nothing is recorded")
        found[item.id] = Recorded(
            company_id, item.id, number, item.kind, item.how, item.at, item.wording, item.reference, user_id
        )
    return list(found.values())


def stops(recorded: Iterable[Recorded]) -> list[Wished]:
    """What those that are withdrawn wish: a STOP of the moment when the person did it, whenever it was told to us."""
    return [
        Wished(
            company_id=one.company_id,
            number=one.number,
            scope=COMPANY,
            header="",
            act=Act.STOP,
            at=one.at,
            id=id_at(one.at, one.id),
            user_id=one.user_id,
            reason=f"{IMPORTED}: {one.reference}" if one.reference else IMPORTED,
        )
        for one in recorded
        if one.kind is Kind.WITHDRAWN
    ]


def id_at(at: datetime, id_: UUID) -> UUID:
    """A UUIDv7 of that moment, the same for the same `id_`: its place in the order of wishes, which is that of their ids."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    random = id_.int & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (id_.int >> 64 & 0xFFF) << 64 | 0b10 << 62 | random)


def of_changes(changes: Iterable[Change]) -> list[Recorded]:
    """What STOP and START, by text or by a person's hand, say of consent. What only looks like a STOP says nothing; what came in as a consent is written."""
    kinds = {Act.STOP: Kind.WITHDRAWN, Act.START: Kind.GIVEN}
    found = {}
    for wished in (change.wished for change in changes):
        kind = kinds.get(wished.act)
        if kind is None or (wished.text_id is None and wished.reason.startswith(IMPORTED)):
            continue
        how = How.TEXT if wished.text_id else How.PERSON
        found[wished.company_id, wished.id, wished.number] = Recorded(
            company_id=wished.company_id,
            id=wished.id,
            number=wished.number,
            kind=kind,
            how=how,
            at=wished.at,
            reference=wished.reason,
            user_id=wished.user_id,
            text_id=wished.text_id,
        )
    return list(found.values())
