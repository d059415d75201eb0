"""api/Campaigns: one text to many."""

from __future__ import annotations

from datetime import date

from libs.common.clock import from_client
from libs.common.contracts.campaign import CreateCampaign, LaunchCampaign, LinkList, StopCampaign, UnlinkList
from services.gateway.documented.call import Call


async def create_campaign(call: Call) -> object:
    """Lease is how many hours after LaunchAt it may still send; 0, or none given: no end."""
    launch_at = call.date("LaunchAt")
    if launch_at is not None and launch_at.date() == date.min:  # how .NET writes a DateTime that was never set
        launch_at = None
    ask = CreateCampaign(
        title=call.text("Title"),
        body=call.text("Text"),
        folder_id=call.number("Folder"),
        brand=call.text("Brand"),
        sender=call.text("FromNumber"),
        launch_at=from_client(launch_at) if launch_at else None,
        lease_hours=call.number("Lease"),
    )
    return (await call.ask(ask)).id


async def link_campaign_and_phonelist(call: Call) -> object:
    await call.ask(LinkList(campaign_id=call.number("CampaignID"), list_id=call.number("ListID")))
    return ""


async def unlink_campaign_and_phonelist(call: Call) -> object:
    await call.ask(UnlinkList(campaign_id=call.number("CampaignID"), list_id=call.number("ListID")))
    return ""


async def launch_campaign(call: Call) -> object:
    await call.ask(LaunchCampaign(campaign_id=call.number("CampaignID")))
    return ""


async def stop_campaign(call: Call) -> object:
    stopped = await call.ask(StopCampaign(campaign_id=call.number("CampaignID")))
    if stopped.targeted == 0:
        return "nothing was handed over"
    return f"{stopped.handed_over} of {stopped.targeted} were handed over"
