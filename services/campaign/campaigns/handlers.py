"""What a user does with a campaign: create it, link it with lists, launch it, stop it, look at it.

Owns the steps a user may take; freezing and handing over start by themselves (recipients/, schedules/). Never sends anything.
Another company's campaign, list or folder answers exactly as an unknown one. What a test key made stays a test; a live campaign obeys no test key.
"""

from __future__ import annotations

from libs.common import clock, phone
from libs.common.bus import Asked, Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CAMPAIGNS_PAGE_MAX,
    CampaignId,
    CampaignInfo,
    CampaignPage,
    CampaignState,
    CampaignStopped,
    CreateCampaign,
    LaunchCampaign,
    Launched,
    LinkList,
    ListCampaigns,
    ShowCampaign,
    StopCampaign,
    Stopped,
    UnlinkList,
)
from libs.common.contracts.phonelist import ListExists
from libs.common.db import Tx
from libs.common.grants import Caller
from services.campaign.campaigns import rules, store

NO_CAMPAIGN = "the company has no such campaign"
LIST_EXISTS_LIMIT_S = 3.0  # one look-up by key at phonelist; the client waits for it


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
    exists = ListExists(company_id=ask.caller.company_id, list_id=command.list_id)
    try:
        await tx.app.asker.ask(exists, deadline_s=LIST_EXISTS_LIMIT_S)
    except Unanswered:
        raise Refusal(Code.UNAVAILABLE, "the lists cannot be asked now") from None

    campaign = await _locked(tx, ask.caller, command.campaign_id)
    rules.require_editable(campaign.state)
    if await store.linked(tx, campaign.id) >= rules.LISTS_MAX:
        raise Refusal(Code.TOO_MANY, f"a campaign may be linked with {rules.LISTS_MAX} lists")
    if not await store.link(tx, campaign.id, command.list_id):
        raise Refusal(Code.ALREADY_LINKED)
    return CampaignId(id=campaign.id)


async def unlink_list(tx: Tx, ask: Asked[UnlinkList]) -> CampaignId:
    campaign = await _locked(tx, ask.caller, ask.body.campaign_id)
    rules.require_editable(campaign.state)
    if not await store.unlink(tx, campaign.id, ask.body.list_id):
        raise Refusal(Code.NOT_FOUND, "the campaign is not linked with this list")
    return CampaignId(id=campaign.id)


async def launch(tx: Tx, ask: Asked[LaunchCampaign]) -> Launched:
    """From launch_at on, or at once, the begin loop takes it further."""
    campaign = await _locked(tx, ask.caller, ask.body.campaign_id)
    rules.require_may_become(campaign.state, CampaignState.LAUNCHED)
    if await store.linked(tx, campaign.id) == 0:
        raise Refusal(Code.NO_RECIPIENTS, "the campaign is linked with no list")
    # The header may have been taken from the company since the campaign was made.
    known = await store.known(tx, ask.caller.company_id, phone.sender_key(campaign.sender), "", 0)
    if known.header is None:
        raise Refusal(Code.INVALID_SENDER, "its sender is no longer an active header of the company")
    warnings = rules.warnings(campaign.body, campaign.sender, known.opt_out_check)
    now = clock.now()
    starts_at = campaign.launch_at or now
    expires_at = rules.expiry(starts_at, campaign.lease_hours, now)

    launched = await store.launch_if_draft(tx, campaign.id, starts_at, expires_at)
    assert launched, "it is locked and a draft"
    tx.wake("begin")
    return Launched(id=campaign.id, warnings=warnings)


async def stop(tx: Tx, ask: Asked[StopCampaign]) -> Stopped:
    """Once this is committed nothing further is handed over: the begin loop and the hand-over take the same lock and look at the state.

    Of one that has not begun messaging is told nothing: it would cancel all that a later launch sends.
    """
    campaign = await _locked(tx, ask.caller, ask.body.campaign_id)
    if campaign.state is CampaignState.LAUNCHED:
        unlaunched = await store.draft_again_if_launched(tx, campaign.id)
        assert unlaunched, "it is locked and launched"
    if campaign.state in (CampaignState.DRAFT, CampaignState.LAUNCHED):
        return Stopped(targeted=0, handed_over=0)
    rules.require_may_become(campaign.state, CampaignState.STOPPED)

    stopped = await store.stop_if_freezing_or_sending(tx, campaign.id)
    assert stopped, "it is locked and has not ended"
    tx.emit(CampaignStopped(company_id=ask.caller.company_id, campaign_id=campaign.id))
    return Stopped(targeted=campaign.targeted, handed_over=campaign.checkpoint)


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


async def _locked(tx: Tx, caller: Caller, campaign_id: int) -> store.Campaign:
    campaign = await store.lock(tx, caller.company_id, campaign_id)
    if campaign is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    if caller.test and not campaign.test:
        raise Refusal(Code.PERMISSION_DENIED, "this is a live campaign, and the key is for tests")
    return campaign
