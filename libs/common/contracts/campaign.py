"""The language of `campaign`: one text to many, exactly once each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Event, Lane, Limit, Query
from libs.common.contracts.messaging import State
from libs.common.contracts.phonelist import Key


class CampaignState(StrEnum):
    """What may follow which is in services/campaign/campaigns/rules.py."""

    DRAFT = "draft"
    LAUNCHED = "launched"  # to be frozen when LaunchAt comes
    FREEZING = "freezing"  # recipients are being copied from the lists
    SENDING = "sending"
    STOPPED = "stopped"  # after its freezing had begun: nothing more is handed over
    FINISHED = "finished"  # every recipient has an end state
    EXPIRED = "expired"  # its Lease ran out


class CampaignId(Contract):
    id: int


class CreateCampaign(Command[CampaignId]):
    """`lease_hours`: for how long after `launch_at` it may send; 0 = no end. Refused with invalid_date where that is over already.

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


class LinkList(Command[CampaignId]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    list_id: Key


class UnlinkList(Command[CampaignId]):
    owner: ClassVar[str] = "campaign"

    campaign_id: Key
    list_id: Key


class Launched(CampaignId):
    """`warnings`: what is amiss with it, as sentences; it is launched all the same."""

    warnings: list[str] = Field(default_factory=list)


class LaunchCampaign(Command[Launched]):
    """Where its text does not say how to stop, the company's policy has it refused with invalid_request, warned of, or neither."""

    owner: ClassVar[str] = "campaign"

    campaign_id: Key


class Stopped(Contract):
    """`handed_over`: of `targeted`, how many messaging already had; those not yet claimed are cancelled there.

    Both are 0 where no recipient was frozen yet.
    """

    targeted: int
    handed_over: int


class StopCampaign(Command[Stopped]):
    """Sets it to not launch: before its freezing begins it is a draft again, that may be launched anew; later it is stopped for good.

    A draft stays one. Refused with wrong_state where it has ended.
    """

    owner: ClassVar[str] = "campaign"
    lane: ClassVar[Lane] = Lane.URGENT

    campaign_id: Key


class Progress(Contract):
    """`targeted` = `waiting` + `handed_over` + the sum of `ended` at any moment."""

    id: int
    title: str
    state: CampaignState
    targeted: int
    waiting: int
    handed_over: int
    ended: dict[State, int]
    left_out: dict[str, int]  # frozen out and why: duplicate
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
    list_ids: list[int]
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


class CampaignBooks(Contract):
    """`campaigns`: progress of the newest 100."""

    faults: list[str]
    campaigns: list[Progress]
    outbox: int


class ReadCampaignBooks(Query[CampaignBooks]):
    owner: ClassVar[str] = "campaign"


# Events


class Recipient(Contract):
    """`id` becomes the text's; made when the campaign was frozen."""

    id: UUID
    position: int
    number: str


class RecipientsHandedOver(Event):
    """A window of a campaign, for messaging to send. The body is the same for all."""

    type: ClassVar[str] = "campaign.recipients.handed-over"
    lane: ClassVar[Lane] = Lane.BULK

    campaign_id: int
    sender: str
    body: str
    expires_at: datetime | None = None
    test: bool = False  # made with a test key: nothing of it may leave the platform
    items: list[Recipient]


class CampaignStopped(Event):
    """Messaging cancels what is still queued of it."""

    type: ClassVar[str] = "campaign.campaigns.stopped"
    lane: ClassVar[Lane] = Lane.URGENT

    campaign_id: int
