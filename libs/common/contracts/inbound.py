"""The language of `inbound`: texts received, opt-outs (STOP), reinstatements (START), text-ins."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from libs.common.contracts.base import Command, Contract, Event, Lane, Query


class InboundText(Contract):
    id: UUID
    number: str
    to: str
    body: str
    at: datetime


class InboundPage(Contract):
    items: list[InboundText]
    more: bool


class ReadInbound(Query[InboundPage]):
    """Texts the caller's company received since `since`, oldest first; `after` is the last id of the page before."""

    owner: ClassVar[str] = "inbound"

    since: AwareDatetime | None = None
    after: UUID | None = None


class ContactChange(Contract):
    """`key` orders the changes: `after` of the next page."""

    key: int
    number: str
    at: datetime


class ContactPage(Contract):
    items: list[ContactChange]
    more: bool


class ReadStops(Query[ContactPage]):
    """Numbers that texted STOP to the caller's company since `since` and have not texted START after it."""

    owner: ClassVar[str] = "inbound"

    since: AwareDatetime | None = None
    after: int = Field(0, ge=0, lt=2**63)


class ReadReinstates(Query[ContactPage]):
    """Numbers that texted START to the caller's company since `since` and have not texted STOP after it."""

    owner: ClassVar[str] = "inbound"

    since: AwareDatetime | None = None
    after: int = Field(0, ge=0, lt=2**63)


class TextIn(Contract):
    id: int
    company_id: int
    header: str
    keyword: str


class CreateTextIn(Command[TextIn]):
    """`keyword` on `header` is the company's: an inbound text whose first word it is goes to it."""

    owner: ClassVar[str] = "inbound"

    company_id: int = Field(ge=1, lt=2**31)
    header: str
    keyword: str = Field(min_length=1, max_length=40)


class InboundBooks(Contract):
    faults: list[str]
    received: int
    unclaimed: int  # texts to a header that is nobody's
    stopped: int
    outbox: int


class ReadInboundBooks(Query[InboundBooks]):
    owner: ClassVar[str] = "inbound"


# Events


class TextsReceived(Event):
    """Texts a company received, whole. What a webhook or any other outside subscriber listens for."""

    type: ClassVar[str] = "inbound.texts.received"
    public: ClassVar[bool] = True

    items: list[InboundText]


class ContactState(Contract):
    """`sequence` rises with each STOP and START of this number to this company: a receiver applies only a higher one."""

    number: str
    header: str
    sequence: int
    at: datetime


class ContactsStopped(Event):
    type: ClassVar[str] = "inbound.contacts.stopped"
    lane: ClassVar[Lane] = Lane.URGENT
    public: ClassVar[bool] = True

    items: list[ContactState]


class ContactsReinstated(Event):
    type: ClassVar[str] = "inbound.contacts.reinstated"
    lane: ClassVar[Lane] = Lane.URGENT
    public: ClassVar[bool] = True

    items: list[ContactState]
