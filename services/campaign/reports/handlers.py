"""How far campaigns are, and whether their books balance. Counted from the recipients' rows at each ask, never kept."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CampaignBooks,
    Progress,
    ReadCampaignBooks,
    ReadProgress,
)
from libs.common.db import Tx
from services.campaign.reports import rules, store

BOOKS_CAMPAIGNS_MAX = 100  # the newest; the contract's promise


async def read_progress(tx: Tx, ask: Asked[ReadProgress]) -> Progress:
    found = await store.tallies(tx, [ask.body.campaign_id], ask.caller.company_id)
    if not found:
        raise Refusal(Code.NOT_FOUND, "the company has no such campaign")
    return rules.progress(found[0])


async def read_books(tx: Tx, _: Asked[ReadCampaignBooks]) -> CampaignBooks:
    campaign_ids = await store.newest(tx, BOOKS_CAMPAIGNS_MAX)
    doubled = await store.doubled(tx, campaign_ids)
    tallies = await store.tallies(tx, campaign_ids)
    return CampaignBooks(
        faults=[fault for tally in tallies for fault in rules.faults(tally, doubled.get(tally.id, 0))],
        campaigns=[rules.progress(tally) for tally in tallies],
        outbox=await store.outbox(tx),
    )
