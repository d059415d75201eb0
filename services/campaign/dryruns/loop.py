"""Dry runs, once they are frozen: messaging is asked what would become of each recipient; then their rows are taken away.

Owns the steps forecasting -> done and failed. A round's sums and how far it came are one transaction, so that a restart counts nothing twice. Never
holds a transaction while messaging is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from libs.common import crash, phone
from libs.common.batches import in_messages
from libs.common.bus import Unanswered
from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.messaging import Forecast, ForecastTexts
from libs.common.loop import Loop
from libs.common.service import Kernel
from services.campaign.campaigns import store as campaigns
from services.campaign.dryruns import rules, store

log = structlog.get_logger()

ROUND_MAX = 4 * ITEMS_MAX  # recipients that are asked about at once
FORECAST_LIMIT_S = 10.0  # for them; a third of the lease
CLEAR_MAX = 5_000  # rows a transaction
KEPT_DAYS = 7
REMOVE_MAX = 100  # runs a transaction
# What the world did, not the campaign: asked again when the lease is over.
NOT_NOW = frozenset({Code.UNAVAILABLE, Code.DEADLINE_PASSED})


async def forecast(app: Kernel[Any]) -> int:
    """A round of the run that was longest not looked at."""
    async with app.db.transaction() as tx:
        run = await store.claim_if_forecasting(tx)
        if run is None:
            return 0
        known = await campaigns.known(tx, run.company_id, phone.sender_key(run.sender), "", 0)
        if known.header is None:
            await store.fail_if_open(tx, run.campaign_id, "its sender is no longer an active header of the company")
            return 1
        items = await store.next_items(tx, run, ROUND_MAX)
    asks = [
        ForecastTexts(company_id=run.company_id, sender=run.sender, body=run.body, test=run.test, items=list(some))
        for some in in_messages(items, lambda item: len(item.body or ""))
    ]
    found = await _asked(app, run, asks)
    if found is None:
        return 0
    async with app.db.transaction() as tx:
        await store.move_if_unmoved(tx, run, run.forecast_to + len(items), rules.added(run.found, found))
    crash.point("forecast.committed")
    return 1


async def _asked(app: Kernel[Any], run: store.Forecasting, asks: list[ForecastTexts]) -> list[Forecast] | None:
    """messaging's answers; None where it does not answer now, or will not: then the run has failed."""
    answers = await asyncio.gather(
        *(app.asker.ask(ask, deadline_s=FORECAST_LIMIT_S) for ask in asks), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, Refusal) and answer.code not in NOT_NOW:
            async with app.db.transaction() as tx:
                await store.fail_if_open(tx, run.campaign_id, answer.detail or answer.code)
            return None
    found = list[Forecast]()
    for answer in answers:
        if isinstance(answer, Unanswered | Refusal):
            log.warning("forecast_not_answered", campaign_id=run.campaign_id, error=repr(answer))
            return None
        if isinstance(answer, BaseException):
            raise answer
        found.append(answer)
    return found


async def sweep(app: Kernel[Any]) -> int:
    """Takes away the rows of runs that have ended, and runs that are old or were replaced; some at a time."""
    async with app.db.transaction() as tx:
        cleared = await store.clear(tx, CLEAR_MAX)
        return cleared or await store.remove(tx, KEPT_DAYS, REMOVE_MAX)


LOOPS = [
    Loop("forecast", forecast, every_s=5.0, woken_by=frozenset({"forecast"})),
    Loop("sweep_dry_runs", sweep, every_s=60.0),
]
