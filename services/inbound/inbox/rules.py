"""The inbox: what is looked for, in the form texts are kept in. Plain functions and values; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from libs.common import phone
from libs.common.contracts.inbound import TEXTS_PAGE_MAX, ReadInbound
from services.inbound.texts.rules import kept, kept_number

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
Place = tuple[datetime, UUID]  # where in the order of time a text stands; of one moment, as they arrived


@dataclass(frozen=True, slots=True)
class Wanted:
    """A company's texts behind `after` and before `until` that are so; None is any."""

    company_id: int
    after: Place
    until: datetime
    number: str | None
    header_key: str | None
    text_in_id: int | None
    text_ins_only: bool
    read: bool | None
    handled: bool | None
    limit: int


def wanted(company_id: int, ask: ReadInbound, after: Place | None) -> Wanted:
    """`after`: where the page before ended. No text is of a time outside BEGINNING and END."""
    first = max(ask.since or BEGINNING, BEGINNING), UUID(int=0)
    return Wanted(
        company_id=company_id,
        after=max(first, after) if after else first,
        until=min(ask.until or END, END),
        number=None if ask.number is None else kept_number(ask.number),
        header_key=None if ask.to is None else phone.sender_key(kept(ask.to)),
        text_in_id=ask.text_in_id,
        text_ins_only=ask.text_ins_only,
        read=ask.read,
        handled=ask.handled,
        limit=min(ask.limit, TEXTS_PAGE_MAX),
    )
