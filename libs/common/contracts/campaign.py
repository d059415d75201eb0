"""The language of `campaign`: one text to many, exactly once each."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import PAGE_MAX, Command, Contract, Event, Lane, Limit, Query
from libs.common.contracts.messaging import State
from libs.common.contracts.phonelist import Key


class CampaignState(StrEnum):
    """What may follow which is in services/campaign/campaigns/rules.py."""

    DRAFT = "draft"
    LAUNCHED = "launched"  # to be frozen when LaunchAt comes
    FREEZING = "freezing"  # recipients are being copied from the lists
    SENDING = "sending"
    PAUSED = "paused"  # after its freezing had begun: nothing is handed over or claimed until it is resumed
    STOPPED = "stopped"  # after its freezing had begun: nothing more is handed over
    FINISHED = "finished"  # every recipient has an end state
    EXPIRED = "expired"  # its Lease ran out


class CampaignId(Contract):
    id: int


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class SendingWindow(Contract):
    """When a campaign may send, by the clock in the United Kingdom: on `days`, from `opens` to before `closes`, in hours and minutes, not over midnight."""

    days: list[Day] = Field(min_length=1, max_length=7)
    opens: time
    closes: time


class CreateCampaign(Command[CampaignId]):
    """`lease_hours`: for how long after `launch_at` it may send; 0 = no end. Refused with invalid_date where that is over already.

    `personal`: `body` has merge fields, `{{first_name:title|friend}}` (libs/common/merge.py); otherwise it is sent as it is written. Pace: at most
    `per_minute` recipients a minute, or spread evenly until `spread_until`, or (neither) as fast as it goes; only within `windows`, where there are any.
    Titles may repeat.
    """

    owner: ClassVar[str] = "campaign"

    title: str
    body: str
    folder_id: Key = 0
    brand: str = ""
    sender: str
    launch_at: datetime | None = None
    lease_hours: int = 0
    personal: bool = False
    per_minute: int | None = Field(None, ge=1, le=1_000_000)
    spread_until: datetime | None = None
    windows: list[SendingWindow] = Field(default_factory=list, max_length=21)


class LinkList(Command[CampaignId]):
    """`exclude`: the numbers of this list get nothing, whichever other list holds them."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    list_id: Key
    exclude: bool = False


class UnlinkList(Command[CampaignId]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    list_id: Key


class Launched(CampaignId):
    """`warnings`: what is amiss with it, as sentences; it is launched all the same."""

    warnings: list[str] = Field(default_factory=list)


class LaunchCampaign(Command[Launched]):
    """Pins text, sender and lists: who is put on a list after this gets nothing; who is taken off before the recipients are frozen gets nothing either.

    Where its text does not say how to stop, the company's policy has it refused with invalid_request, warned of, or neither. Where an entry lacks a field
    that has no default, refused with missing_fields, telling the first rows; with `leave_out_incomplete` those are left out. Launching again what is
    launched and has not ended changes nothing.
    """

    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    leave_out_incomplete: bool = False


class Halted(Contract):
    """`handed_over`: of `targeted`, how many messaging was given. `can_still_arrive`: those of them that a carrier has, or may be being given at this
    moment, and that have no end state: nothing else of the campaign can arrive any more, until it is resumed. All are 0 where no recipient was frozen yet.
    """

    targeted: int
    handed_over: int
    can_still_arrive: int = 0


class StopCampaign(Command[Halted]):
    """Sets it to not launch: before its freezing begins it is a draft again, that may be launched anew; later it is stopped for good.

    Once answered no further recipient is claimed. A draft stays one; of a stopped one the same is told again. Refused with wrong_state where it has ended
    otherwise; with unavailable where it is stopped and messaging does not answer yet: ask again.
    """

    owner: ClassVar[str] = "campaign"
    lane: ClassVar[Lane] = Lane.URGENT

    campaign_id: Key


class PauseCampaign(Command[Halted]):
    """Once answered no further recipient is claimed until it is resumed. Pausing a paused one tells the same again. Refused with wrong_state unless it
    is being frozen or sent; with unavailable as StopCampaign."""

    owner: ClassVar[str] = "campaign"
    lane: ClassVar[Lane] = Lane.URGENT

    campaign_id: Key


class ResumeCampaign(Command[CampaignId]):
    """Sends to exactly those who remain. Of one that is being frozen or sent: changes nothing. Refused with wrong_state otherwise."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class Extended(CampaignId):
    expires_at: datetime | None


class ExtendCampaign(Command[Extended]):
    """Sets the lease anew, counted from the campaign's start: `lease_hours` 0 = no end. Holds for all that has not been claimed. Refused with
    invalid_date where that would be over already, with wrong_state for one that is a draft or has ended."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    lease_hours: int


class PreviewedText(Contract):
    """`number` whose entry the values are from; `missing`: fields it lacks that have no default, in which case `body` is empty."""

    number: str
    body: str
    missing: list[str] = Field(default_factory=list)


class CampaignPreview(Contract):
    sender: str
    items: list[PreviewedText]


class PreviewCampaign(Query[CampaignPreview]):
    """The text as the first `limit` entries of its lists would get it; as `number` would, where one is given. Refused with not_found where no list holds it."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    number: str = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 5


# Dry runs


class DryRunId(Contract):
    id: int


class BeginDryRun(Command[DryRunId]):
    """Freezes a draft's recipients aside, as a launch would, and asks messaging of each what would become of it. Sends and changes nothing."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class IncompleteRow(Contract):
    """An entry that lacks fields. `row`: its place in the list, from 1."""

    list_id: int
    row: int
    number: str
    missing: list[str]


class DryRun(Contract):
    """`numbers` read from the lists = `recipients` + `left_out` by duplicate, excluded and incomplete; `recipients` = `would_get` + the other reasons
    of `left_out`, once it is done. `texts`: by 'gsm' and 'ucs2'; `by_parts`: texts by how many parts they take. `micros`: cost in millionths of
    `currency`'s unit, by the price table; currency "": there is none. `incomplete`: the first 100 rows. `trouble`: why it failed."""

    id: int
    campaign_id: int
    state: Literal["freezing", "forecasting", "done", "failed"]
    begun_at: datetime
    ended_at: datetime | None
    numbers: int
    recipients: int
    forecast: int
    would_get: int
    left_out: dict[str, int]
    texts: dict[str, int]
    by_parts: dict[int, int]
    parts: int
    micros: int
    currency: str
    incomplete: list[IncompleteRow]
    trouble: str = ""


class ReadDryRun(Query[DryRun]):
    """The campaign's newest. Refused with not_found where it has none."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key


# How it goes


class Progress(Contract):
    """`targeted` = `waiting` + `handed_over` + the sum of `ended` at any moment. `why`: of a state that nobody ordered: why it was paused, or rests."""

    id: int
    title: str
    state: CampaignState
    why: str = ""
    targeted: int
    waiting: int
    handed_over: int
    ended: dict[State, int]
    left_out: dict[str, int]  # frozen out and why: duplicate, excluded, incomplete
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    launched_at: datetime | None
    finished_at: datetime | None


class CampaignInfo(Contract):
    """A campaign as it was made. `test`: made with a test key, so nothing of it leaves the platform."""

    id: int
    title: str
    body: str
    sender: str
    brand: str
    folder_id: int
    launch_at: datetime | None
    lease_hours: int
    state: CampaignState
    test: bool
    personal: bool = False
    per_minute: int | None = None
    spread_until: datetime | None = None
    windows: list[SendingWindow] = Field(default_factory=list)
    list_ids: list[int]
    excluded_list_ids: list[int] = Field(default_factory=list)
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None


class CampaignPage(Contract):
    items: list[CampaignInfo]
    more: bool


CAMPAIGNS_PAGE_MAX = 500


class ListCampaigns(Query[CampaignPage]):
    """Campaigns of the caller's company by id, of one folder and in one state where they are given; `after` is the last id of the page before.

    Refused with not_found where the company has no such folder. A page has at most CAMPAIGNS_PAGE_MAX, whatever the limit.
    """

    owner: ClassVar[str] = "campaign"

    folder_id: Key | None = None
    state: CampaignState | None = None
    after: Key = 0
    limit: Limit = CAMPAIGNS_PAGE_MAX


class ShowCampaign(Query[CampaignInfo]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class ReadProgress(Query[Progress]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class Outcome(Contract):
    """How many recipients ended so. `reason` "": none was told."""

    state: State
    reason: str
    recipients: int


class Delivery(Contract):
    """From when a carrier took a text to its final receipt, over the delivered ones, in seconds."""

    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


class CampaignReport(Contract):
    """`parts`: segments that carriers took, of texts that have ended. `replies`: texts that recipients sent to its sender within REPLY_DAYS of theirs;
    `opt_outs`: how many recipients stopped the sender or the company so."""

    progress: Progress
    outcomes: list[Outcome]
    parts: int
    replies: int
    opt_outs: int
    delivery: Delivery | None


REPLY_DAYS = 7


class ReadReport(Query[CampaignReport]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class ReportRow(Contract):
    """`state` None: it has no end yet. `took_ms`: from the carrier's taking it to its final receipt."""

    position: int
    number: str
    state: State | None
    reason: str
    parts: int
    settled_at: datetime | None
    took_ms: int | None
    replied: bool
    opted_out: bool


class ReportPage(Contract):
    rows: list[ReportRow]
    more: bool


class ReadReportRows(Query[ReportPage]):
    """The recipients by position; `after` is the last position of the page before."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    after: Key = 0
    limit: Limit = PAGE_MAX


class CampaignBooks(Contract):
    """`campaigns`: progress of the newest 100."""

    faults: list[str]
    campaigns: list[Progress]
    outbox: int


class ReadCampaignBooks(Query[CampaignBooks]):
    owner: ClassVar[str] = "campaign"


# Events


class Recipient(Contract):
    """`id` becomes the text's; made when the campaign was frozen. `body`: of a personal campaign, whose texts differ."""

    id: UUID
    position: int
    number: str
    body: str | None = None


class RecipientsHandedOver(Event):
    """A window of a campaign, for messaging to send. The body is the same for all, but for recipients that have one of their own."""

    type: ClassVar[str] = "campaign.recipients.handed-over"
    lane: ClassVar[Lane] = Lane.BULK

    campaign_id: int
    sender: str
    body: str
    expires_at: datetime | None = None
    test: bool = False  # made with a test key: nothing of it may leave the platform
    items: list[Recipient]


class CampaignSteered(Event):
    """The campaign's course changed: see messaging's SteerCampaign, which is asked the same for an answer; this is what cannot be lost."""

    type: ClassVar[str] = "campaign.campaigns.steered"
    lane: ClassVar[Lane] = Lane.URGENT

    campaign_id: int
    course: Literal["go", "hold", "stop"]
    expires_at: datetime | None = None
    revision: int
