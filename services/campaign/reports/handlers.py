"""How far campaigns are, what became of their recipients, and whether the books balance. Derived from the recipients' rows at each ask.

Another company's campaign answers exactly as an unknown one.
"""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CampaignBooks,
    CampaignReport,
    Progress,
    ReadCampaignBooks,
    ReadProgress,
    ReadReport,
    ReadReportRows,
    ReportPage,
)
from libs.common.db import Tx
from services.campaign.reports import rules, store

BOOKS_CAMPAIGNS_MAX = 100  # the newest; the contract's promise
NO_CAMPAIGN = "the company has no such campaign"


async def read_progress(tx: Tx, ask: Asked[ReadProgress]) -> Progress:
    campaign = await store.progress(tx, ask.caller.company_id, ask.body.campaign_id)
    if campaign is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    return rules.progress(campaign)


async def read_report(tx: Tx, ask: Asked[ReadReport]) -> CampaignReport:
    campaign = await store.progress(tx, ask.caller.company_id, ask.body.campaign_id)
    if campaign is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    outcomes, parts = await store.outcomes(tx, campaign.id)
    replies, opt_outs = await store.replies(tx, campaign.id)
    return CampaignReport(
        progress=rules.progress(campaign),
        outcomes=rules.outcomes(outcomes),
        parts=parts,
        replies=replies,
        opt_outs=opt_outs,
        delivery=rules.delivery(await store.took_ms(tx, campaign.id)),
    )


async def read_report_rows(tx: Tx, ask: Asked[ReadReportRows]) -> ReportPage:
    order = ask.body
    if not await store.exists(tx, ask.caller.company_id, order.campaign_id):
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    rows = await store.rows(tx, order.campaign_id, order.after, order.limit + 1)
    return ReportPage.model_construct(rows=rows[: order.limit], more=len(rows) > order.limit)


async def read_books(tx: Tx, _: Asked[ReadCampaignBooks]) -> CampaignBooks:
    counted = [await store.count(tx, campaign_id) for campaign_id in await store.newest(tx, BOOKS_CAMPAIGNS_MAX)]
    return CampaignBooks(
        faults=[fault for campaign, count in counted for fault in rules.faults(campaign, count)],
        campaigns=[rules.progress(campaign) for campaign, _ in counted],
        outbox=await store.outbox(tx),
    )
