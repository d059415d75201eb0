"""The course of a campaign that has begun: pause, stop, resume, extend.

Owns the steps to and from paused and to stopped. Each is a revision of the course that messaging steers by: told by an event, which cannot be lost, and
for pause and stop asked of messaging too, for its answer says that nothing of the campaign is claimed any more. Those two commit their own step before
they ask: it holds, whether messaging answers or not, and no lock is held while it thinks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from libs.common import clock
from libs.common.bus import Asked, Unanswered
from libs.common.bus.registry import HandlerOfMany
from libs.common.contracts.base import Code, Contract, Refusal
from libs.common.contracts.campaign import (
    CampaignId,
    CampaignState,
    ExtendCampaign,
    Extended,
    Halted,
    PauseCampaign,
    ResumeCampaign,
    StopCampaign,
)
from libs.common.contracts.messaging import SteerCampaign
from libs.common.db import Tx
from libs.common.service import Kernel
from services.campaign.campaigns import rules, store
from services.campaign.campaigns.handlers import locked
from services.campaign.schedules import rules as schedules

STEER_LIMIT_S = 4.0  # messaging waits for the claims in progress, and counts; the client waits for it

NOTHING = Halted(targeted=0, handed_over=0)


def apart(handle: Callable[[Kernel[Any], Asked[Any]], Awaitable[Contract]]) -> HandlerOfMany:
    """Makes a handler of one, which keeps transactions of its own, serve a fold: all at once, for each waits for messaging."""

    async def handle_apart(tx: Tx, asked: Sequence[Asked[Any]]) -> list[Contract | Refusal]:
        done = await asyncio.gather(*(handle(tx.app, one) for one in asked), return_exceptions=True)
        answers: list[Contract | Refusal] = []
        for answer in done:
            if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
                raise answer
            answers.append(answer)
        return answers

    return handle_apart


async def pause(app: Kernel[Any], ask: Asked[PauseCampaign]) -> Halted:
    async with app.db.transaction() as tx:
        campaign, revision = await locked(tx, ask.caller, ask.body.campaign_id), 0
        if campaign.state is not CampaignState.PAUSED:
            rules.require_may_become(campaign.state, CampaignState.PAUSED)
            steered = await store.pause_if_freezing_or_sending(tx, campaign.id)
            assert steered, "it is locked and is being frozen or sent"
            tx.emit(steered)
            revision = steered.revision
    return await _halted(app, campaign, "hold", revision or campaign.course_revision)


async def stop(app: Kernel[Any], ask: Asked[StopCampaign]) -> Halted:
    """Of one that has not begun messaging is told nothing: it would cancel all that a later launch sends."""
    async with app.db.transaction() as tx:
        campaign, revision = await locked(tx, ask.caller, ask.body.campaign_id), 0
        if campaign.state is CampaignState.LAUNCHED:
            unlaunched = await store.draft_again_if_launched(tx, campaign.id)
            assert unlaunched, "it is locked and launched"
        if campaign.state in (CampaignState.DRAFT, CampaignState.LAUNCHED):
            return NOTHING
        if campaign.state is not CampaignState.STOPPED:
            rules.require_may_become(campaign.state, CampaignState.STOPPED)
            steered = await store.stop_if_begun(tx, campaign.id)
            assert steered, "it is locked and has not ended"
            tx.emit(steered)
            revision = steered.revision
    return await _halted(app, campaign, "stop", revision or campaign.course_revision)


async def _halted(app: Kernel[Any], campaign: store.Campaign, course: rules.Course, revision: int) -> Halted:
    """What messaging says of it. The hand-over takes the lock that this command had, so nothing has left since."""
    halted = Halted(targeted=campaign.targeted, handed_over=campaign.checkpoint)
    if campaign.checkpoint == 0:
        return halted
    steer = SteerCampaign(
        company_id=campaign.company_id,
        campaign_id=campaign.id,
        course=course,
        expires_at=campaign.expires_at,
        revision=revision,
    )
    try:
        steered = await app.asker.ask(steer, deadline_s=STEER_LIMIT_S)
    except (Unanswered, Refusal):
        done = "paused" if course == "hold" else "stopped"
        raise Refusal(
            Code.UNAVAILABLE, f"it is {done}, but what was handed over is not surely held back yet: ask again", 1
        ) from None
    return halted.model_copy(update={"can_still_arrive": steered.can_still_arrive})


async def resume(tx: Tx, ask: Asked[ResumeCampaign]) -> CampaignId:
    campaign = await locked(tx, ask.caller, ask.body.campaign_id)
    if campaign.state not in rules.BEGUN:
        raise Refusal(Code.WRONG_STATE, f"the campaign is {campaign.state}")
    if campaign.state is CampaignState.PAUSED:
        resting = not schedules.open_at(campaign.windows, clock.now())
        steered = await store.resume_if_paused(tx, campaign.id, resting=resting)
        assert steered, "it is locked and paused"
        tx.emit(steered)
        tx.wake("freeze")
        tx.wake("hand_over")
    return CampaignId(id=campaign.id)


async def extend(tx: Tx, ask: Asked[ExtendCampaign]) -> Extended:
    """Of one that has not begun messaging has nothing: the windows that it gets later say when the lease ends."""
    campaign = await locked(tx, ask.caller, ask.body.campaign_id)
    rules.require_running(campaign.state)
    assert campaign.starts_at is not None, "it is launched"
    expires_at = rules.expiry(campaign.starts_at, ask.body.lease_hours, clock.now())
    steered = await store.extend_if_running(tx, campaign.id, ask.body.lease_hours, expires_at)
    assert steered, "it is locked and has not ended"
    if campaign.state is not CampaignState.LAUNCHED:
        tx.emit(steered)
    return Extended(id=campaign.id, expires_at=expires_at)
