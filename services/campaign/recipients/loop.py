"""Recipients, from the lists to messaging: freeze copies the numbers, hand_over passes them on by windows, finish notices the last end.

Owns the steps freezing -> sending -> finished, `targeted` and `checkpoint`. A checkpoint and the windows before it are one transaction: a kill at
any point hands nothing over twice and leaves nobody out. Never holds a transaction while phonelist is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from libs.common import crash
from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import NumbersPage, ReadRecipients
from libs.common.ids import uuid7
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.recipients import rules, store

log = structlog.get_logger()

PAGE_LIMIT_S = 5.0  # for one page of a list; half of the lease on the campaign
NO_ROOM_PAUSE_S = (
    0.1  # between two counts of the open ones, 3.5 ms of PostgreSQL's CPU each; a twentieth of what OPEN_MAX lasts
)


async def freeze(app: Kernel[Any]) -> int:
    """One page of one list of the campaign that was longest not looked at."""
    async with app.db.transaction() as tx:
        page = await store.claim_if_freezing(tx)
    if page is None:
        return 0
    numbers = await _read(app, page)
    if numbers is None:
        return 0  # claimed again when the lease is over

    distinct = list(dict.fromkeys(int(number) for number in numbers.numbers))  # int reads E.164's plus as a sign
    text_ids = [uuid7() for _ in distinct]
    async with app.db.transaction() as tx:
        targeted = await store.lock_if_page_is_next(
            tx, page, numbers.last, numbers.until, numbers.more, len(numbers.numbers)
        )
        if targeted is not None:
            targeted = await store.freeze(tx, page.campaign_id, targeted, distinct, text_ids)
            if await store.release(tx, page.campaign_id, targeted):
                tx.wake("hand_over")
    crash.point("freeze.committed")
    return 1


async def _read(app: Kernel[Any], page: store.PageToFreeze) -> NumbersPage | None:
    """The page; an empty last one where the list is gone; None where phonelist does not answer now."""
    ask = ReadRecipients(company_id=page.company_id, list_id=page.list_id, after=page.read_to, until=page.read_until)
    try:
        return await app.asker.ask(ask, deadline_s=PAGE_LIMIT_S)
    except Unanswered as unanswered:
        log.warning("list_not_read", campaign_id=page.campaign_id, list_id=page.list_id, ask_id=str(unanswered.id))
        return None
    except Refusal as refusal:
        log.warning("list_refused", campaign_id=page.campaign_id, list_id=page.list_id, code=refusal.code)
        if refusal.code is not Code.NOT_FOUND:
            return None
        return NumbersPage(numbers=[], last=page.read_to, until=page.read_to, more=False)


async def hand_over(app: Kernel[Any]) -> int:
    """One round: each campaign that sends gets its turn, at most HAND_OVER_MAX recipients of it."""
    async with app.db.reading() as tx:
        campaigns = await store.sending(tx)
    handed_over = 0
    for campaign_id in campaigns:
        handed_over += await _hand_over_of(app, campaign_id)
    if campaigns and not handed_over:
        await asyncio.sleep(NO_ROOM_PAUSE_S)  # every event of ends wakes this loop: they are counted together
    return handed_over


async def _hand_over_of(app: Kernel[Any], campaign_id: int) -> int:
    async with app.db.transaction() as tx:
        campaign = await store.lock_if_sending(tx, campaign_id)
        if campaign is None:
            return 0
        count = rules.next_count(campaign.targeted - campaign.checkpoint, await store.open_among_the_last(tx, campaign))
        if count == 0:
            return 0
        recipients = await store.next_recipients(tx, campaign, count)
        moved = await store.move_checkpoint_if_sending(tx, campaign.id, campaign.checkpoint + count)
        assert moved, "it is locked"
        assert len(recipients) == count, "positions are dense"
        for window in rules.windows(campaign, recipients):
            tx.emit(window)
    crash.point("hand_over.committed")
    return count


async def finish(app: Kernel[Any]) -> int:
    async with app.db.transaction() as tx:
        finished = await store.finish_if_all_ended(tx)
    for campaign_id in finished:
        log.info("campaign_finished", campaign_id=campaign_id)
    return 0  # the next look is at the next poll


LOOPS = [
    Loop("freeze", freeze, every_s=1.0, woken_by=frozenset({"freeze"})),
    Loop("hand_over", hand_over, every_s=1.0, woken_by=frozenset({"hand_over"})),
    Loop("finish", finish, every_s=1.0),
]
