"""/v2/campaigns: one text to many, from the draft to the end of the last recipient's."""

from __future__ import annotations

import asyncio
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.auth import Id
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CampaignId,
    CampaignInfo,
    CampaignState,
    CreateCampaign,
    LaunchCampaign,
    Launched,
    LinkList,
    ListCampaigns,
    ReadProgress,
    ShowCampaign,
    StopCampaign,
    Stopped,
    UnlinkList,
)
from libs.common.contracts.messaging import State
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Key, Moment
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)


class NewCampaign(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"title": "Summer sale", "text": "Ten per cent off today", "from": "82830"}}
    )

    title: str
    text: str
    sender: str = Field(alias="from", description="One of the company's active headers.")
    folder_id: Id = Field(0, description="0: the root.")
    brand: str = Field("", description="One of the company's active brands, or none.")
    launch_at: Moment | None = Field(None, description="Not before this; none: as soon as it is launched.")
    lease_hours: Id = Field(0, description="For how long after launch_at it may send; 0: no end.")


class ListLink(Body):
    list_id: Id


class Campaign(BaseModel):
    """A campaign as it was made. `test`: made with a test key, so nothing of it leaves the platform."""

    id: int
    title: str
    text: str
    sender: str = Field(serialization_alias="from")
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


class CampaignProgress(Campaign):
    """`targeted` = `waiting` + `handed_over` + the sum of `ended`, at any moment. `left_out`: frozen out, and why."""

    targeted: int
    waiting: int
    handed_over: int
    ended: dict[State, int]
    left_out: dict[str, int]


CHANGING = (Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.WRONG_STATE)


def _campaign(info: CampaignInfo) -> Campaign:
    return Campaign(text=info.body, **info.model_dump(exclude={"body"}))


@router.post("", status_code=201, responses=refuses(*TEXT_CODES, Code.PERMISSION_DENIED, Code.NOT_FOUND))
async def create_campaign(call: Writing, new: NewCampaign) -> CampaignId:
    """Makes a draft: it sends nothing until it is launched. Titles may repeat. 400 invalid_date where its lease would be over already."""
    ask = CreateCampaign(
        title=new.title,
        body=new.text,
        sender=new.sender,
        folder_id=new.folder_id,
        brand=new.brand,
        launch_at=new.launch_at,
        lease_hours=new.lease_hours,
    )
    return await call.ask(ask)


@router.get("", responses=refuses(Code.NOT_FOUND))
async def list_campaigns(
    call: Reading,
    folder_id: Key | None = None,
    state: CampaignState | None = None,
    after: AfterKey | None = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[Campaign]:
    """Campaigns by id; each filter narrows it. At most 500 a page."""
    found = await call.ask(ListCampaigns(folder_id=folder_id, state=state, after=after or 0, limit=limit))
    return page([_campaign(info) for info in found.items], found.items[-1].id if found.more else None)


@router.get("/{campaign_id}", responses=refuses(Code.NOT_FOUND))
async def show_campaign(call: Reading, campaign_id: Key) -> CampaignProgress:
    """The campaign and how far it is: targeted = waiting + handed_over + the sum of ended, at any moment."""
    info, progress = await asyncio.gather(
        call.ask(ShowCampaign(campaign_id=campaign_id)), call.ask(ReadProgress(campaign_id=campaign_id))
    )
    return CampaignProgress(**_campaign(info).model_dump() | progress.model_dump())


@router.post("/{campaign_id}/lists", status_code=201, responses=refuses(*CHANGING, Code.ALREADY_LINKED, Code.TOO_MANY))
async def link_list(call: Writing, campaign_id: Key, link: ListLink) -> CampaignId:
    """Adds a list's numbers to those who will get the text."""
    return await call.ask(LinkList(campaign_id=campaign_id, list_id=link.list_id))


@router.delete("/{campaign_id}/lists/{list_id}", status_code=204, responses=refuses(*CHANGING))
async def unlink_list(call: Reading, campaign_id: Key, list_id: Key) -> None:
    """Takes a list out again, before the launch."""
    await call.ask(UnlinkList(campaign_id=campaign_id, list_id=list_id))


@router.post(
    "/{campaign_id}/launch",
    status_code=202,
    responses=refuses(*CHANGING, Code.NO_RECIPIENTS, Code.INVALID_SENDER, Code.INVALID_DATE),
)
async def launch_campaign(call: Writing, campaign_id: Key) -> Launched:
    """Freezes who gets the text, each number once, and begins to send. Where the text does not say how to stop, the company's policy
    (`opt_out_check`) has it warned of, or refused with 400 invalid_request."""
    return await call.ask(LaunchCampaign(campaign_id=campaign_id))


@router.post("/{campaign_id}/stop", responses=refuses(*CHANGING))
async def stop_campaign(call: Writing, campaign_id: Key) -> Stopped:
    """Before it has begun: makes it a draft again, to be launched anew or not.

    Later: for good. Hands nothing more over and cancels what is queued; what a carrier has goes on.
    """
    return await call.ask(StopCampaign(campaign_id=campaign_id))
