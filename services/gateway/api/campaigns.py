"""/v2/campaigns: one text to many, as it is made, found and linked with lists. Its course is in campaign_steps.py, what it tells in campaign_reports.py."""

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
    Day,
    LinkList,
    ListCampaigns,
    ReadProgress,
    SendingWindow,
    ShowCampaign,
    UnlinkList,
)
from libs.common.contracts.messaging import State
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Key, Moment
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES
from services.gateway.api.pages import LIMIT_DEFAULT, AfterKey, Limit, Page, page
from services.gateway.api.policies import Hour
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)

WINDOWS_MAX = 21  # three a day


class Window(Body):
    """On `days`, from `opens` to before `closes`, by the clock in the United Kingdom. It does not go over midnight."""

    days: list[Day] = Field(min_length=1, max_length=7)
    opens: Hour
    closes: Hour


class NewCampaign(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Summer sale",
                "text": "Hello {{first_name:title|friend}}, ten per cent off today. Stop: text STOP to 82830",
                "from": "82830",
                "personal": True,
                "per_minute": 6000,
                "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "opens": "09:00", "closes": "17:30"}],
            }
        }
    )

    title: str
    text: str
    sender: str = Field(alias="from", description="One of the company's active headers.")
    folder_id: Id = Field(0, description="0: the root.")
    brand: str = Field("", description="One of the company's active brands, or none.")
    launch_at: Moment | None = Field(None, description="Not before this; none: as soon as it is launched.")
    lease_hours: Id = Field(0, description="For how long after launch_at it may send; 0: no end.")
    personal: bool = Field(False, description="`text` has merge fields, such as {{first_name:title|friend}}.")
    per_minute: int | None = Field(
        None, ge=1, le=1_000_000, description="At most so many recipients a minute; none: as fast as it goes."
    )
    spread_until: Moment | None = Field(None, description="Instead of per_minute: evenly until then.")
    windows: list[Window] = Field(
        default_factory=list, max_length=WINDOWS_MAX, description="It sends within these only; none: at any time."
    )


class ListLink(Body):
    list_id: Id
    exclude: bool = Field(False, description="Its numbers get nothing, whichever other list holds them.")


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
    personal: bool
    per_minute: int | None
    spread_until: datetime | None
    windows: list[SendingWindow]
    list_ids: list[int]
    excluded_list_ids: list[int]
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None


class CampaignProgress(Campaign):
    """`targeted` = `waiting` + `handed_over` + the sum of `ended`, at any moment. `left_out`: frozen out, and why. `why`: of a state that nobody ordered."""

    why: str
    targeted: int
    waiting: int
    handed_over: int
    ended: dict[State, int]
    left_out: dict[str, int]
    starts_at: datetime | None
    expires_at: datetime | None


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
        personal=new.personal,
        per_minute=new.per_minute,
        spread_until=new.spread_until,
        windows=[SendingWindow(**window.model_dump()) for window in new.windows],
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
    """Adds a list's numbers to those who will get the text, or to those who will not."""
    return await call.ask(LinkList(campaign_id=campaign_id, list_id=link.list_id, exclude=link.exclude))


@router.delete("/{campaign_id}/lists/{list_id}", status_code=204, responses=refuses(*CHANGING))
async def unlink_list(call: Reading, campaign_id: Key, list_id: Key) -> None:
    """Takes a list out again, before the launch."""
    await call.ask(UnlinkList(campaign_id=campaign_id, list_id=list_id))
