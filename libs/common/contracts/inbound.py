"""The language of `inbound`: texts received, opt-outs (STOP), reinstatements (START), text-ins."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from libs.common.contracts.base import ITEMS_MAX, PAGE_MAX, Command, Contract, Done, Event, Lane, Limit, Query
from libs.common.contracts.textins import TextInActions

TEXT_INS_MAX = 1_000  # of a company
TEXTS_PAGE_MAX = 1_000  # of the longest texts some 5 MB, far under what the broker takes


class InboundText(Contract):
    """`text_in_id`: the text-in whose keyword it began with, if any. `campaign_id`: the campaign that this text-in answers for.

    `incomplete`: parts of it never came."""

    id: UUID
    number: str
    to: str
    body: str
    at: datetime
    text_in_id: int | None = None
    campaign_id: int | None = None
    incomplete: bool = False


class InboxText(InboundText):
    """`read` and `handled` are people's marks: seen, and done with."""

    read: bool
    handled: bool


class InboundPage(Contract):
    items: list[InboxText]
    more: bool


class ReadInbound(Query[InboundPage]):
    """Texts the caller's company received from `since` to before `until`, oldest first; `after` is the last id of the page before.

    Each filter that is given narrows it. `text_in_id`: only those with its keyword, refused with not_found where the company has no such
    text-in; `text_ins_only`: those with any. A page has at most TEXTS_PAGE_MAX, whatever the limit.
    """

    owner: ClassVar[str] = "inbound"

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    number: str | None = None
    to: str | None = None
    text_in_id: int | None = Field(None, ge=-(2**63), lt=2**63)
    text_ins_only: bool = False
    read: bool | None = None
    handled: bool | None = None
    after: UUID | None = None
    limit: Limit = TEXTS_PAGE_MAX


class ShowInbound(Query[InboxText]):
    owner: ClassVar[str] = "inbound"

    id: UUID


class MarkTexts(Command[Done]):
    """Marks texts of the caller's company; None leaves a mark as it is. Refused with not_found, and nothing marked, where one is not there."""

    owner: ClassVar[str] = "inbound"

    ids: list[UUID] = Field(min_length=1, max_length=ITEMS_MAX)
    read: bool | None = None
    handled: bool | None = None


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
    limit: Limit = PAGE_MAX


class ReadReinstates(Query[ContactPage]):
    """Numbers that texted START to the caller's company since `since` and have not texted STOP after it."""

    owner: ClassVar[str] = "inbound"

    since: AwareDatetime | None = None
    after: int = Field(0, ge=0, lt=2**63)
    limit: Limit = PAGE_MAX


class TextIn(Contract):
    """`keyword` '*': what no other keyword on the header claims."""

    id: int
    company_id: int
    header: str
    keyword: str
    active: bool = True
    actions: TextInActions = TextInActions()


class TextIns(Contract):
    items: list[TextIn]


class ListTextIns(Query[TextIns]):
    """The text-ins of the caller's company, by id; the command line names the company. A company has at most TEXT_INS_MAX."""

    owner: ClassVar[str] = "inbound"

    company_id: int | None = Field(None, ge=1, lt=2**31)


class SetTextInActive(Command[Done]):
    """One that is not active claims no text; its keyword stays the company's. For operators."""

    owner: ClassVar[str] = "inbound"

    id: int = Field(ge=1, lt=2**31)
    active: bool


class CreateTextIn(Command[TextIn]):
    """`keyword` on `header`, its own or a shared one, is the company's: an inbound text whose first word it is goes to it. For operators.

    '*' claims what no other keyword claims: on a shared header the text of whoever was not texted by another company of late.
    """

    owner: ClassVar[str] = "inbound"

    company_id: int = Field(ge=1, lt=2**31)
    header: str
    keyword: str = Field(min_length=1, max_length=40)


class InboundBooks(Contract):
    faults: list[str]
    received: int
    unclaimed: (
        int  # texts that are nobody's: to a header that nobody has, or to a shared number without a keyword of it
    )
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
    """`sequence` rises with each STOP and START of this number to this company in this scope: a receiver applies only a higher one.

    `scope`: what is stopped or reinstated: '' all texts of the company, 'header:<sender key>' those of one header, 'brand:<casefolded brand>' those
    of a brand's headers. An event whose company_id is 0 speaks of every company. `soft`: a text that only looks like a wish to stop: marketing waits
    until a person has read it.
    """

    number: str
    header: str
    sequence: int
    at: datetime
    scope: str = ""
    soft: bool = False


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


class Reply(Contract):
    """A text that answers a text. `exempt`: sent to a number that is opted out, too: the one confirmation of a STOP, and HELP."""

    id: UUID
    to: str
    sender: str
    body: str
    exempt: bool = False


class RepliesWanted(Event):
    """inbound decided that these texts are answered: messaging sends each once, under its id."""

    type: ClassVar[str] = "inbound.replies.wanted"
    lane: ClassVar[Lane] = Lane.URGENT

    items: list[Reply]


class Membership(Contract):
    """`joins`: the number is put on the list, else taken off it. `at`: when the person texted; an older wish never undoes a newer one."""

    list_id: int
    number: str
    joins: bool
    at: datetime


class MembershipsWanted(Event):
    """A text-in puts numbers on lists of the company, and takes them off."""

    type: ClassVar[str] = "inbound.memberships.wanted"

    items: list[Membership]
