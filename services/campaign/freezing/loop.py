"""Freezing: makes a campaign's recipients of the entries of its lists, page by page; a dry run's too, by the same steps.

Owns the step freezing -> sending, `targeted` and what is counted as left out. A page's rows and the link's place in its list are one transaction.
Never holds a transaction while phonelist is asked: the next page is read while the last one is stored.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from libs.common import crash
from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import ReadRecipients, RecipientsPage
from libs.common.db import Tx
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.dryruns import store as dry_runs
from services.campaign.freezing import rules, store

log = structlog.get_logger()

PAGE_LIMIT_S = 5.0  # for one page of a list; half of the lease on the campaign
TURN_S = 1.0  # for one campaign, some 20 pages; then that which was longest not looked at has its turn
FORGET_MAX = 10_000  # excluded numbers a transaction


async def freeze(app: Kernel[Any]) -> int:
    """A turn of the campaign that was longest not looked at: pages of one of its lists."""
    async with app.db.transaction() as tx:
        page = await store.claim_if_freezing(tx)
    if page is None:
        return 0
    until_s = time.monotonic() + TURN_S
    reading = asyncio.create_task(_read(app, page))
    try:
        while (read := await reading) is not None:
            next_ = page.after(read) if read.more and time.monotonic() < until_s else None
            if next_ is not None:
                reading = asyncio.create_task(_read(app, next_))
            stored = await _store(app, page, read, keep=next_ is not None)
            crash.point("freeze.committed")
            if not stored or next_ is None:
                return 1
            page = next_
        return 0  # claimed again when the lease is over
    finally:
        reading.cancel()


async def _read(app: Kernel[Any], page: store.Page) -> RecipientsPage | None:
    """The page; None where phonelist does not answer now. A list that is gone is an empty one, but for a dry run, which fails."""
    template = None if page.exclude else rules.template(page.body, personal=page.personal)
    ask = ReadRecipients(
        company_id=page.company_id,
        list_id=page.list_id,
        after=page.read_to,
        until=page.read_until,
        fields=list(template.fields) if template else [],
    )
    try:
        return await app.asker.ask(ask, deadline_s=PAGE_LIMIT_S)
    except Unanswered as unanswered:
        log.warning("list_not_read", campaign_id=page.campaign_id, list_id=page.list_id, ask_id=str(unanswered.id))
        return None
    except Refusal as refusal:
        log.warning("list_refused", campaign_id=page.campaign_id, list_id=page.list_id, code=refusal.code)
        if refusal.code is not Code.NOT_FOUND:
            return None
        if page.dry_run:
            async with app.db.transaction() as tx:
                await dry_runs.fail_if_open(tx, page.campaign_id, f"list {page.list_id} is not there any more")
            return None
        return RecipientsPage(numbers=[], last=page.read_to, until=page.read_to, more=False)


async def _store(app: Kernel[Any], page: store.Page, read: RecipientsPage, *, keep: bool) -> bool:
    """Whether it was stored: not where the campaign was stopped or paused meanwhile, or another copy was faster."""
    numbers = [int(number) for number in read.numbers]  # which reads E.164's plus as a sign
    async with app.db.transaction() as tx:
        counts = await store.lock_if_page_is_next(tx, page, read)
        if counts is None:
            return False
        if page.exclude:
            await store.exclude(tx, page.campaign_id, numbers)
        else:
            await _append(tx, page, read, numbers, counts)
        await store.release(tx, page.campaign_id, counts, keep=keep)
        if not read.more:
            if await store.send_if_frozen_whole(tx, page.campaign_id):
                tx.wake("hand_over")
            elif await dry_runs.forecast_if_frozen_whole(tx, page.campaign_id):
                tx.wake("forecast")
    return True


async def _append(tx: Tx, page: store.Page, read: RecipientsPage, numbers: list[int], counts: store.Counts) -> None:
    left_out = {} if page.first else await store.left_out(tx, page.campaign_id, numbers)
    template = rules.template(page.body, personal=page.personal)
    chosen = rules.chosen(numbers, read.values, page.numbers, left_out, template)
    await store.append(tx, page.campaign_id, counts.targeted, chosen)
    await store.keep_incomplete(tx, page, counts.incomplete, chosen.incomplete)
    counts.targeted += len(chosen.numbers)
    counts.excluded += sum(left_out.values())
    counts.incomplete += len(chosen.incomplete)


async def forget(app: Kernel[Any]) -> int:
    """Takes away what only freezing needs, some at a time."""
    async with app.db.transaction() as tx:
        return await store.forget_excluded(tx, FORGET_MAX)


LOOPS = [
    Loop("freeze", freeze, every_s=1.0, woken_by=frozenset({"freeze"})),
    Loop("forget_excluded", forget, every_s=60.0),
]
