"""/v2/campaigns: one text to many, from the draft to the end of the last recipient's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from libs.common.contracts.auth import Id
from libs.common.contracts.campaign import (
    CampaignId,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    Progress,
    ReadProgress,
    StopCampaign,
    Stopped,
)
from services.gateway.api.call import Body, Moment, Reading, Writing
from services.gateway.api.limits import SmallBody

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)

CampaignKey = Annotated[Id, Path()]


class NewCampaign(Body):
    title: str
    text: str
    sender: str = Field(alias="from", description="One of the company's active headers.")
    folder_id: Id = 0
    brand: str = ""
    launch_at: Moment | None = Field(None, description="Not before this; none: as soon as it is launched.")
    lease_hours: Id = Field(0, description="For how long after launch_at it may send; 0: no end.")


class Link(Body):
    list_id: Id


@router.post("", status_code=201)
async def create_campaign(call: Writing, new: NewCampaign) -> CampaignId:
    """Makes a draft: it sends nothing until it is launched."""
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


@router.post("/{campaign_id}/lists", status_code=201)
async def link_list(call: Writing, campaign_id: CampaignKey, link: Link) -> CampaignId:
    """Adds a list's numbers to those who will get the text."""
    return await call.ask(LinkList(campaign_id=campaign_id, list_id=link.list_id))


@router.post("/{campaign_id}/launch", status_code=202)
async def launch_campaign(call: Writing, campaign_id: CampaignKey) -> CampaignId:
    """Freezes who gets the text, each number once, and begins to send."""
    return await call.ask(LaunchCampaign(campaign_id=campaign_id))


@router.post("/{campaign_id}/stop")
async def stop_campaign(call: Writing, campaign_id: CampaignKey) -> Stopped:
    """Hands nothing more over and cancels what is queued. What a carrier has goes on."""
    return await call.ask(StopCampaign(campaign_id=campaign_id))


@router.get("/{campaign_id}")
async def show_campaign(call: Reading, campaign_id: CampaignKey) -> Progress:
    """How far it is: targeted = waiting + handed_over + the sum of ended, at any moment."""
    return await call.ask(ReadProgress(campaign_id=campaign_id))
