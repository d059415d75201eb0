"""The language of `messaging`: texts out (MT), what carriers brought in (MO, DLR), verification codes, conversations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Done, Event, Lane, Query


class State(StrEnum):
    """Of one text in the ledger; what may follow which is in services/messaging/sending/states.py."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    IN_DOUBT = "in_doubt"  # a carrier may or may not have it
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"  # the number is opted out
    CANCELLED = "cancelled"
    REJECTED = "rejected"  # no carrier would take it


class TextId(Contract):
    id: UUID


class SendText(Command[TextId]):
    """One text to one number. The ask's id becomes the text's. Refused with opted_out where the number has stopped the sender."""

    owner: ClassVar[str] = "messaging"

    to: str
    sender: str
    body: str


class Verification(Contract):
    id: UUID
    code: str


class SendVerification(Command[Verification]):
    """A text with a code in it, in the lane of its own. Goes out to opted-out numbers too: the person asked for it just now.

    `rule` says how the code is made and `placeholder` where in `body` it stands: see docs/reference/documented-api.md.
    """

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    to: str
    sender: str
    body: str
    rule: str = ""
    placeholder: str = ""


class ConversationText(Contract):
    id: UUID
    sender: str
    to: str
    at: datetime
    body: str
    sent: bool  # True: MT, False: MO


class ConversationPage(Contract):
    items: list[ConversationText]
    more: bool


class ReadConversation(Query[ConversationPage]):
    """What the caller's company and `number` have texted each other, oldest first; `after` is the last id of the page before."""

    owner: ClassVar[str] = "messaging"

    number: str
    after: UUID | None = None


class TextLife(Contract):
    """The whole life of a text, for operators: never its body. `steps` in order of time."""

    id: UUID
    company_id: int
    campaign_id: int | None
    sender: str
    to: str
    state: State
    reason: str
    carrier: str
    reference: str
    attempts: int
    steps: list[dict[str, Any]]


class ShowText(Query[TextLife]):
    owner: ClassVar[str] = "messaging"

    id: UUID


class CampaignTally(Contract):
    """What the ledger holds of one campaign, by state."""

    campaign_id: int
    states: dict[State, int]


class MessagingBooks(Contract):
    """`faults`: sentences, each an imbalance; none when the books balance."""

    faults: list[str]
    open: dict[State, int]
    campaigns: list[CampaignTally]
    outbox: int


class ReadMessagingBooks(Query[MessagingBooks]):
    """`campaigns`: which to tally; at most 100."""

    owner: ClassVar[str] = "messaging"

    campaigns: list[int] = Field(default_factory=list, max_length=100)


class SettleInDoubt(Command[Done]):
    """An operator's word on a text in doubt: what became of it."""

    owner: ClassVar[str] = "messaging"

    id: UUID
    state: State


# Events


class SettledText(Contract):
    """`campaign_id` and `position` where a campaign handed it over; `version` rises with each change of the text: apply only a higher one."""

    id: UUID
    to: str
    state: State
    reason: str = ""
    at: datetime
    version: int
    campaign_id: int | None = None
    position: int | None = None


class TextsSettled(Event):
    """Single texts that reached an end state or became doubtful; an in_doubt one may be settled better later, with a higher version."""

    type: ClassVar[str] = "messaging.texts.settled"
    lane: ClassVar[Lane] = Lane.BULK
    public: ClassVar[bool] = True

    items: list[SettledText]


class RecipientsSettled(Event):
    """The same of texts that campaigns handed over: an event of its own, so that campaign is not told of each single text."""

    type: ClassVar[str] = "messaging.recipients.settled"
    lane: ClassVar[Lane] = Lane.BULK
    public: ClassVar[bool] = True

    items: list[SettledText]


class ArrivedText(Contract):
    """A text as a carrier brought it. `id` is ours; `carrier_id` the carrier's, if it gives one."""

    id: UUID
    carrier: str
    carrier_id: str
    number: str
    to: str
    body: str
    at: datetime


class TextsArrived(Event):
    """Stored by messaging before the carrier was answered; what they mean is inbound's. `company_id` 0: whose they are is not known yet."""

    type: ClassVar[str] = "messaging.texts.arrived"
    lane: ClassVar[Lane] = Lane.URGENT

    items: list[ArrivedText]
