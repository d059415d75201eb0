"""Dry runs: what a launch would come to, without launching. The run is a campaign of its own that nobody sees; the draft stays as it is."""

from __future__ import annotations

from libs.common import phone
from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import BeginDryRun, CampaignState, DryRun, DryRunId, ReadDryRun
from libs.common.db import Tx
from services.campaign.campaigns import store as campaigns
from services.campaign.campaigns.handlers import locked, versions
from services.campaign.dryruns import rules, store

INCOMPLETE_SHOWN = 100  # the contract's promise


async def begin(tx: Tx, ask: Asked[BeginDryRun]) -> DryRunId:
    """Refused as a launch would be, but for entries that lack fields: those it tells. No lock is held while phonelist is asked."""
    company_id = ask.caller.company_id
    lists = await campaigns.to_pin(tx, company_id, ask.body.campaign_id)
    pins = await versions(tx.app.asker, company_id, list(lists))
    campaign = await locked(tx, ask.caller, ask.body.campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise Refusal(Code.WRONG_STATE, f"the campaign is {campaign.state}: only a draft has dry runs")
    known = await campaigns.known(tx, company_id, phone.sender_key(campaign.sender), "", 0)
    if known.header is None:
        raise Refusal(Code.INVALID_SENDER, "its sender is no longer an active header of the company")
    if all(lists.values()):
        raise Refusal(Code.NO_RECIPIENTS, "the campaign is linked with no list, but for those that it leaves out")

    await store.fail_earlier(tx, campaign.id, "a newer dry run replaced it")
    id_ = await store.begin(tx, campaign.id, pins)
    tx.wake("freeze")
    return DryRunId(id=id_)


async def read(tx: Tx, ask: Asked[ReadDryRun]) -> DryRun:
    run = await store.newest(tx, ask.caller.company_id, ask.body.campaign_id)
    if run is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such campaign, or it had no dry run within the last days")
    left_out = {
        "duplicate": run.numbers - run.recipients - run.excluded - run.incomplete,
        "excluded": run.excluded,
        "incomplete": run.incomplete,
    }
    return DryRun(
        id=run.id,
        campaign_id=run.campaign_id,
        state=run.state,
        begun_at=run.begun_at,
        ended_at=run.ended_at,
        numbers=run.numbers,
        recipients=run.recipients,
        forecast=run.forecast_to,
        would_get=run.found.would_get,
        left_out=left_out | run.found.left_out,
        texts=run.found.texts,
        by_parts=run.found.by_parts,
        parts=rules.parts(run.found.by_parts),
        micros=run.found.micros,
        currency=run.found.currency,
        incomplete=list(await store.incomplete(tx, run.id, INCOMPLETE_SHOWN)),
        trouble=run.trouble,
    )
