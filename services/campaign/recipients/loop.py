"""Recipients on their way to messaging: hand_over passes them on by windows, finish notices the last end.

Owns the step sending -> finished and `checkpoint`. A checkpoint and the windows before it are one transaction: a kill at any point hands nothing
over twice and leaves nobody out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from libs.common import crash
from libs.common.bus import Unanswered
from libs.common.contracts.base import Refusal
from libs.common.contracts.messaging import CountQueued
from libs.common.db import Tx
from libs.common.loop import Loop
from services.campaign.recipients import rules, store

if TYPE_CHECKING:
    from services.campaign.app import Campaign

log = structlog.get_logger()

ASK_LIMIT_S = 1.0  # less than what messaging tells is good for (claims.py)
NO_ROOM_PAUSE_S = 0.1  # between two looks; a twentieth of what OPEN_MAX lasts


async def hand_over(app: Campaign) -> int:
    """One round: each campaign that sends gets its turn, at most HAND_OVER_MAX recipients of it."""
    async with app.db.reading() as tx:
        campaigns = await store.sending(tx)
    handed_over = 0
    for campaign_id, _ in campaigns:
        handed_over += await _hand_over_of(app, campaign_id)
    if campaigns and not handed_over:
        await asyncio.sleep(NO_ROOM_PAUSE_S)  # every event of ends wakes this loop: they are counted together
        await _ask_what_waits(app, campaigns)
    return handed_over


async def _hand_over_of(app: Campaign, campaign_id: int) -> int:
    async with app.db.transaction() as tx:
        campaign = await store.lock_if_sending(tx, campaign_id)
        if campaign is None:
            return 0
        allowed = rules.paced(campaign)
        count = rules.next_count(allowed, await _waiting(app, tx, campaign)) if allowed else 0
        if count == 0:
            return 0
        recipients = await store.next_recipients(tx, campaign, count)
        paced_to = campaign.pace.after(count, campaign.targeted - campaign.checkpoint, campaign.at)
        moved = await store.move_checkpoint_if_sending(tx, campaign.id, campaign.checkpoint + count, paced_to)
        assert moved, "it is locked"
        assert len(recipients) == count, "positions are dense"
        for window in rules.windows(campaign, recipients):
            tx.emit_json(window)
    app.claims.handed_over(campaign_id, count)
    crash.point("hand_over.committed")
    return count


async def _waiting(app: Campaign, tx: Tx, campaign: rules.Outgoing) -> int:
    """How many of those handed over have not been claimed; where messaging tells nothing, how many have not ended."""
    told = app.claims.waiting(campaign.id, campaign.checkpoint)
    return await store.open_among_the_last(tx, campaign) if told is None else told


async def _ask_what_waits(app: Campaign, campaigns: Sequence[tuple[int, int]]) -> None:
    """Of those of which messaging tells nothing: receipts may take hours, and must not hold up the others. No lock is held meanwhile."""
    silent = [campaign for campaign in campaigns if app.claims.waiting(campaign[0], 0) is None]
    await asyncio.gather(*(_ask_what_waits_of(app, *campaign) for campaign in silent))


async def _ask_what_waits_of(app: Campaign, campaign_id: int, company_id: int) -> None:
    ask = CountQueued(company_id=company_id, campaign_id=campaign_id, most=rules.OPEN_MAX)
    try:
        queued = await app.asker.ask(ask, deadline_s=ASK_LIMIT_S)
    except (Unanswered, Refusal) as error:
        log.debug("queued_not_told", campaign_id=campaign_id, error=repr(error))
    else:
        app.claims.answered(campaign_id, queued.texts)


async def finish(app: Campaign) -> int:
    async with app.db.transaction() as tx:
        more = await store.move_ended_to(tx)
        finished = await store.finish_if_all_ended(tx)
    for campaign_id in finished:
        log.info("campaign_finished", campaign_id=campaign_id)
    return more


LOOPS = [
    Loop("hand_over", hand_over, every_s=1.0, woken_by=frozenset({"hand_over"})),
    Loop("finish", finish, every_s=1.0),
]
