"""What a user does with a campaign: create it, link it with lists, launch it, look at it. Its course is course.py's.

Owns the steps a user may take; freezing and handing over start by themselves (recipients/, schedules/). Never sends anything.
Another company's campaign, list or folder answers exactly as an unknown one. What a test key made stays a test; a live campaign obeys no test key.
"""

from __future__ import annotations

import asyncio

from libs.common import clock, phone
from libs.common.bus import Asked, Asker, Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CAMPAIGNS_PAGE_MAX,
    CampaignId,
    CampaignInfo,
    CampaignPage,
    CampaignState,
    CreateCampaign,
    LaunchCampaign,
    Launched,
    LinkList,
    ListCampaigns,
    ShowCampaign,
    UnlinkList,
)
from libs.common.contracts.phonelist import PinList
from libs.common.db import Tx
from libs.common.grants import Caller
from services.campaign.campaigns import rules, store
from services.campaign.freezing.lists import require_complete

NO_CAMPAIGN = "the company has no such campaign"
PIN_LIMIT_S = 3.0  # look-ups by key at phonelist; the client waits for them


async def create(tx: Tx, ask: Asked[CreateCampaign]) -> CampaignId:
    command, company_id = ask.body, ask.caller.company_id
    rules.require_storable(command.title, command.body, command.brand, command.sender)
    known = await store.known(
        tx, company_id, phone.sender_key(command.sender), rules.key_of(command.brand), command.folder_id
    )

    draft = rules.draft(command, known, clock.now())

    return CampaignId(id=await store.insert(tx, company_id, draft, test=ask.caller.test))


async def link_list(tx: Tx, ask: Asked[LinkList]) -> CampaignId:
    """The list is asked for before this handler's first statement: no lock and no snapshot is held while phonelist thinks."""
    command = ask.body
    await _version(tx.app.asker, ask.caller.company_id, command.list_id)

    campaign = await locked(tx, ask.caller, command.campaign_id)
    rules.require_editable(campaign.state)
    if await store.linked(tx, campaign.id) >= rules.LISTS_MAX:
        raise Refusal(Code.TOO_MANY, f"a campaign may be linked with {rules.LISTS_MAX} lists")
    if not await store.link(tx, campaign.id, command.list_id, command.exclude):
        raise Refusal(Code.ALREADY_LINKED)
    return CampaignId(id=campaign.id)


async def _version(asker: Asker, company_id: int, list_id: int) -> int:
    """Of the list as it is now. Refused with not_found where the company has no such list."""
    try:
        return (await asker.ask(PinList(company_id=company_id, list_id=list_id), deadline_s=PIN_LIMIT_S)).until
    except Unanswered:
        raise Refusal(Code.UNAVAILABLE, "the lists cannot be asked now") from None


async def unlink_list(tx: Tx, ask: Asked[UnlinkList]) -> CampaignId:
    campaign = await locked(tx, ask.caller, ask.body.campaign_id)
    rules.require_editable(campaign.state)
    if not await store.unlink(tx, campaign.id, ask.body.list_id):
        raise Refusal(Code.NOT_FOUND, "the campaign is not linked with this list")
    return CampaignId(id=campaign.id)


async def launch(tx: Tx, ask: Asked[LaunchCampaign]) -> Launched:
    """From launch_at on, or at once, the begin loop takes it further. What its lists hold is pinned now: none is locked while phonelist is asked."""
    lists = await store.to_pin(tx, ask.caller.company_id, ask.body.campaign_id)
    pins = await versions(tx.app.asker, ask.caller.company_id, list(lists))
    if not ask.body.leave_out_incomplete:
        await require_complete(tx, ask.caller.company_id, ask.body.campaign_id, pins)
    campaign = await locked(tx, ask.caller, ask.body.campaign_id)
    known = await store.known(tx, ask.caller.company_id, phone.sender_key(campaign.sender), "", 0)
    if campaign.state in rules.RUNNING:
        return Launched(
            id=campaign.id, warnings=rules.warnings(campaign.body, campaign.sender, known.opt_out_check, launched=True)
        )
    rules.require_may_become(campaign.state, CampaignState.LAUNCHED)
    # The header may have been taken from the company since the campaign was made.
    if known.header is None:
        raise Refusal(Code.INVALID_SENDER, "its sender is no longer an active header of the company")
    warnings = rules.warnings(campaign.body, campaign.sender, known.opt_out_check)
    now = clock.now()
    starts_at = campaign.launch_at or now
    expires_at = rules.expiry(starts_at, campaign.lease_hours, now)
    rules.require_time_to_send(campaign.windows, max(starts_at, now), expires_at, campaign.spread_until)
    if await store.pin(tx, campaign.id, pins) != await store.linked(tx, campaign.id):
        raise Refusal(Code.UNAVAILABLE, "its lists were changed at the same moment: ask again")
    if all(lists.values()):
        raise Refusal(Code.NO_RECIPIENTS, "the campaign is linked with no list, but for those that it leaves out")

    launched = await store.launch_if_draft(
        tx, campaign.id, starts_at, expires_at, leave_out_incomplete=ask.body.leave_out_incomplete
    )
    assert launched, "it is locked and a draft"
    tx.wake("begin")
    return Launched(id=campaign.id, warnings=warnings)


async def versions(asker: Asker, company_id: int, list_ids: list[int]) -> dict[int, int]:
    """Of each list. Refused with not_found where one is gone."""
    found = await asyncio.gather(*(_version(asker, company_id, id_) for id_ in list_ids))
    return dict(zip(list_ids, found, strict=True))


async def show(tx: Tx, ask: Asked[ShowCampaign]) -> CampaignInfo:
    info = await store.show(tx, ask.caller.company_id, ask.body.campaign_id)
    if info is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    return info


async def list_(tx: Tx, ask: Asked[ListCampaigns]) -> CampaignPage:
    query, company_id = ask.body, ask.caller.company_id
    if query.folder_id and not (await store.known(tx, company_id, "", "", query.folder_id)).folder:
        raise Refusal(Code.NOT_FOUND, rules.NO_FOLDER)
    limit = min(query.limit, CAMPAIGNS_PAGE_MAX)
    return await store.page(tx, company_id, query.folder_id, query.state, query.after, limit)


async def locked(tx: Tx, caller: Caller, campaign_id: int) -> store.Campaign:
    """The company's campaign, which nobody else moves until the transaction ends. Refused with not_found, or where it is live and the key is for tests."""
    campaign = await store.lock(tx, caller.company_id, campaign_id)
    if campaign is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    if caller.test and not campaign.test:
        raise Refusal(Code.PERMISSION_DENIED, "this is a live campaign, and the key is for tests")
    return campaign
