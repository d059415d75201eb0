"""The language of `messaging`: texts out (MT), what carriers brought in (MO, DLR), verification codes, conversations."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from libs.common.contracts.base import (
    ITEMS_MAX,
    PAGE_MAX,
    Broadcast,
    Command,
    Contract,
    Done,
    Event,
    Lane,
    Limit,
    Query,
)

Id = Annotated[int, Field(ge=0, lt=2**63)]
REFERENCE_CHARACTERS_MAX = 100
SCHEDULE_DAYS_MAX = 90  # how far ahead a single text can be scheduled
TEXTS_PAGE_MAX = 1_000  # texts are long
TEMPLATES_MAX = 1_000  # of a company


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
    """One text to one number. The ask's id becomes the text's. Refused with opted_out where the number has stopped the sender.

    Its words are `body`, or those of the company's template `template_id` with `values` in it: one of the two; each field needs a value, and a value a
    field. `reference` is the client's own name for it, found again by FindTexts; it need not be unique. It is sent at `send_at`, at most
    SCHEDULE_DAYS_MAX ahead; none, or one that has passed: now.
    """

    owner: ClassVar[str] = "messaging"

    to: str
    sender: str
    body: str = ""
    template_id: Id | None = None
    values: dict[str, str] = Field(default_factory=dict, max_length=100)
    reference: str = Field("", max_length=REFERENCE_CHARACTERS_MAX)
    send_at: AwareDatetime | None = None


class CancelText(Command[Done]):
    """Cancels a text that is still queued, scheduled or not. Refused with wrong_state where it is on its way or has ended, or is a campaign's: those
    are stopped with it. A test key cancels only tests: permission_denied."""

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    id: UUID


class Text(Contract):
    """A text as its company sees it. `parts`: segments on the wire. `body` None: a verification's, which is not kept. `send_at` None: it was to be sent at
    once. `test`: it never left the platform."""

    id: UUID
    sender: str
    to: str
    body: str | None
    parts: int
    state: State
    reason: str
    reference: str
    send_at: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    settled_at: datetime | None
    test: bool


class ReadText(Query[Text]):
    """One text of the caller's company, a campaign's too."""

    owner: ClassVar[str] = "messaging"

    id: UUID


class TextPage(Contract):
    items: list[Text]
    more: bool


class FindTexts(Query[TextPage]):
    """Single texts of the caller's company, a verification's too, oldest first; `after` is the last id of the page before. Each filter narrows it.

    `since` and `until` (not included) are of the moment a text was made. A page has at most TEXTS_PAGE_MAX, whatever the limit.
    """

    owner: ClassVar[str] = "messaging"

    reference: str | None = None
    number: str | None = None
    state: State | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: UUID | None = None
    limit: Limit = TEXTS_PAGE_MAX


# Templates: words to send again, with {{names}} in them.


class TemplateId(Contract):
    id: int


class Template(Contract):
    """`fields`: the names that need a value, in the order they appear."""

    id: int
    name: str
    body: str
    fields: list[str]


class Templates(Contract):
    items: list[Template]


class CreateTemplate(Command[TemplateId]):
    """`{{name}}` in `body` is replaced by the value of that name when it is sent. The same name twice, in whatever case, is a duplicate."""

    owner: ClassVar[str] = "messaging"

    name: str = Field(min_length=1, max_length=100)
    body: str


class ReplaceTemplate(Command[Done]):
    """What was sent with it before stays as it was sent."""

    owner: ClassVar[str] = "messaging"

    id: Id
    name: str = Field(min_length=1, max_length=100)
    body: str


class RemoveTemplate(Command[Done]):
    owner: ClassVar[str] = "messaging"

    id: Id


class ListTemplates(Query[Templates]):
    """All of the caller's company, by id. A company has at most TEMPLATES_MAX."""

    owner: ClassVar[str] = "messaging"


class ShowTemplate(Query[Template]):
    owner: ClassVar[str] = "messaging"

    id: Id


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
    limit: Limit = PAGE_MAX


class FailedNumber(Contract):
    """A number that gets no marketing until `until`, since texts to it failed, last at `at`."""

    number: str
    at: datetime
    until: datetime
    reason: str


class FailedNumbers(Contract):
    items: list[FailedNumber]
    more: bool


class ReadFailed(Query[FailedNumbers]):
    """Numbers that get no marketing of the caller's company for their failures: permanent ones at once, temporary ones after three campaigns within 90 days.

    In order of the number; `after` is the last one of the page before. `since`: those whose last failure was then or later.
    """

    owner: ClassVar[str] = "messaging"

    since: AwareDatetime | None = None
    after: str = ""
    limit: Limit = PAGE_MAX


class LiftFailed(Command[Done]):
    """Texts go to the number again, and what failed before counts no more."""

    owner: ClassVar[str] = "messaging"

    number: str


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


class LedgerMonth(Contract):
    """A month's part of the ledger. `texts`: as the database estimates them. `goes_on`: when retention lets it go."""

    month: date
    texts: int
    bytes: int
    goes_on: date


class Retention(Contract):
    """Texts are kept for `kept_months` whole months beside the current one, what carriers sent as they sent it for `raw_kept_days`."""

    kept_months: int
    raw_kept_days: int
    months: list[LedgerMonth]


class ReadRetention(Query[Retention]):
    owner: ClassVar[str] = "messaging"


class SettleInDoubt(Command[Done]):
    """An operator's word on a text in doubt: what became of it."""

    owner: ClassVar[str] = "messaging"

    id: UUID
    state: State


# Events


class SettledText(Contract):
    """`campaign_id` and `position` where a campaign handed it over; `version` rises with each change of the text: apply only a higher one.

    `parts`: segments that a carrier took. `took_ms`: from the carrier's taking it to its receipt; None where none came.
    """

    id: UUID
    to: str
    state: State
    reason: str = ""
    at: datetime
    version: int
    campaign_id: int | None = None
    position: int | None = None
    parts: int = 0
    took_ms: int | None = None


class SettledSingle(SettledText):
    """`reference`: the client's own."""

    reference: str = ""


class Steered(Contract):
    """`can_still_arrive`: texts of the campaign that are claimed or with a carrier, without an end state. What is queued is held, or cancelled."""

    can_still_arrive: int


class SteerCampaign(Command[Steered]):
    """For the campaign service only. `hold`: nothing of the campaign is claimed from now on, until `go`; `stop`: for good, and what is queued is cancelled.

    `expires_at` replaces that of all that is not claimed. A lower `revision` than what is known changes nothing; the answer is as things are.
    """

    owner: ClassVar[str] = "messaging"
    lane: ClassVar[Lane] = Lane.URGENT

    company_id: int
    campaign_id: int
    course: Literal["go", "hold", "stop"]
    expires_at: AwareDatetime | None = None
    revision: int


class ForecastItem(Contract):
    number: str
    body: str | None = None


class Forecast(Contract):
    """What would become of texts, were they claimed now, sums only. `would_get`, and `left_out` by reason; of those who would get it: `texts` by alphabet
    ('gsm', 'ucs2'), `by_parts`, and `micros`, the cost in millionths of `currency`'s unit ("": no price table)."""

    would_get: int
    left_out: dict[str, int]
    texts: dict[str, int]
    by_parts: dict[int, int]
    micros: int
    currency: str


class ForecastTexts(Query[Forecast]):
    """For the campaign service only: of a campaign's recipients, decided by the code that sends. `body` is that of items that have none."""

    owner: ClassVar[str] = "messaging"

    company_id: int
    sender: str
    body: str
    test: bool = False
    items: list[ForecastItem] = Field(max_length=ITEMS_MAX)


class Queued(Contract):
    texts: int


class CountQueued(Query[Queued]):
    """For the campaign service only: how many of the campaign's texts have not been claimed; no more than `most` are counted."""

    owner: ClassVar[str] = "messaging"

    company_id: int
    campaign_id: int
    most: int


class ClaimedTo(Contract):
    """The highest position of the campaign that was claimed for the carrier (its id) since the last telling."""

    campaign_id: int
    carrier: int
    position: int


class CampaignsClaimed(Broadcast):
    """How far campaigns' texts have left the queue, so that campaign hands over what can go and no more. A hint: campaign asks where none comes."""

    type: ClassVar[str] = "messaging.campaigns.claimed"

    items: list[ClaimedTo]


class TextsSettled(Event):
    """Single texts that reached an end state or became doubtful; an in_doubt one may be settled better later, with a higher version.

    `test`: all of them were sent with a test key, and never left the platform.
    """

    type: ClassVar[str] = "messaging.texts.settled"
    lane: ClassVar[Lane] = Lane.BULK
    public: ClassVar[bool] = True

    test: bool = False
    items: list[SettledSingle]


class RecipientsSettled(Event):
    """The same of texts that campaigns handed over: an event of its own, so that campaign is not told of each single text."""

    type: ClassVar[str] = "messaging.recipients.settled"
    lane: ClassVar[Lane] = Lane.BULK
    public: ClassVar[bool] = True

    test: bool = False
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
    incomplete: bool = False  # parts of it never came


class TextsArrived(Event):
    """Stored by messaging before the carrier was answered; what they mean is inbound's. `company_id` 0: whose they are is not known yet."""

    type: ClassVar[str] = "messaging.texts.arrived"
    lane: ClassVar[Lane] = Lane.URGENT

    items: list[ArrivedText]


class HeaderUse(Contract):
    """A text to `number` from `header`, which several companies share, was about to be handed to a carrier at `at`. `text_id` orders the uses of a number."""

    text_id: UUID
    header: str
    number: str
    at: datetime


class HeadersUsed(Event):
    """Who texted a number last from a shared header: committed before the text leaves, so known before anybody can answer it."""

    type: ClassVar[str] = "messaging.headers.used"
    lane: ClassVar[Lane] = Lane.URGENT

    items: list[HeaderUse]
