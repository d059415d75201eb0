"""/v2/campaigns/{id}: its course. A text to try it with, launch, pause, resume, stop, extend: each may be asked again, and each is legal or refused."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from libs.common.contracts.auth import Id
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CampaignInfo,
    ExtendCampaign,
    Extended,
    Halted,
    LaunchCampaign,
    Launched,
    PauseCampaign,
    PreviewCampaign,
    ResumeCampaign,
    ShowCampaign,
    StopCampaign,
)
from services.gateway.api.call import Call, Writing
from services.gateway.api.campaigns import CHANGING
from services.gateway.api.inputs import Body, Key
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES, BatchAnswers, NewMessage, queue
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/campaigns", tags=["campaigns"], route_class=SmallBody)

TEST_NUMBERS_MAX = 10


class Launch(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"leave_out_incomplete": True}})

    leave_out_incomplete: bool = Field(
        False, description="Whose entry lacks a field that has no default gets nothing; otherwise that is refused."
    )


class Lease(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"lease_hours": 48}})

    lease_hours: Id = Field(description="Counted from the campaign's start; 0: no end.")


class TestSend(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"numbers": ["07700 900123"], "like": "07700 900456"}})

    numbers: list[str] = Field(min_length=1, max_length=TEST_NUMBERS_MAX)
    like: str = Field("", description="Whose entry's values a personal text has; none: the first entry's.")


@router.post(
    "/{campaign_id}/launch",
    status_code=202,
    responses=refuses(*CHANGING, Code.NO_RECIPIENTS, Code.MISSING_FIELDS, Code.INVALID_SENDER, Code.INVALID_DATE),
)
async def launch_campaign(call: Writing, campaign_id: Key, launch: Launch | None = None) -> Launched:
    """Freezes who gets the text, each number once, and begins to send. Where the text does not say how to stop, the company's policy
    (`opt_out_check`) has it warned of, or refused with 400 invalid_request. 409 missing_fields names the first rows that lack a field."""
    leave_out = launch is not None and launch.leave_out_incomplete
    return await call.ask(LaunchCampaign(campaign_id=campaign_id, leave_out_incomplete=leave_out))


@router.post("/{campaign_id}/pause", responses=refuses(*CHANGING))
async def pause_campaign(call: Writing, campaign_id: Key) -> Halted:
    """Nobody further gets the text from this answer on, until it is resumed, but `can_still_arrive` to whom a carrier has it already."""
    return await call.ask(PauseCampaign(campaign_id=campaign_id))


@router.post("/{campaign_id}/resume", status_code=204, responses=refuses(*CHANGING))
async def resume_campaign(call: Writing, campaign_id: Key) -> None:
    """Sends on, to exactly those who remain. Of one that is being sent it changes nothing."""
    await call.ask(ResumeCampaign(campaign_id=campaign_id))


@router.post("/{campaign_id}/stop", responses=refuses(*CHANGING))
async def stop_campaign(call: Writing, campaign_id: Key) -> Halted:
    """Before it has begun: makes it a draft again, to be launched anew or not.

    Later: for good. Nobody further gets the text from this answer on, but `can_still_arrive` to whom a carrier has it already.
    """
    return await call.ask(StopCampaign(campaign_id=campaign_id))


@router.post("/{campaign_id}/extend", responses=refuses(*CHANGING, Code.INVALID_DATE))
async def extend_campaign(call: Writing, campaign_id: Key, lease: Lease) -> Extended:
    """Sets its lease anew, longer or shorter, for all that has not been sent. 400 invalid_date where it would be over already."""
    return await call.ask(ExtendCampaign(campaign_id=campaign_id, lease_hours=lease.lease_hours))


@router.post(
    "/{campaign_id}/test",
    response_model_exclude_defaults=True,
    responses=refuses(*CHANGING, *TEXT_CODES, Code.NO_RECIPIENTS, Code.MISSING_FIELDS),
)
async def test_campaign(call: Writing, campaign_id: Key, test: TestSend) -> BatchAnswers:
    """Sends the text to up to 10 numbers as single texts, `reference` "test of campaign" and its id; those are no recipients of it.

    Each for itself, in the order of the numbers, as a batch of messages. A personal text has the values of one entry of its lists.
    """
    info = await call.ask(ShowCampaign(campaign_id=campaign_id))
    if info.test and not (await call.session()).test:
        raise Refusal(
            Code.WRONG_STATE, "it was made with a test key, nothing of it leaves the platform: ask with a test key"
        )
    words = await _words(call, info, test.like)
    texts = [
        NewMessage.model_construct(
            to=number, sender=info.sender, text=words, reference=f"test of campaign {campaign_id}"
        )
        for number in test.numbers
    ]
    return BatchAnswers(items=list(await asyncio.gather(*(queue(call, text, n) for n, text in enumerate(texts)))))


async def _words(call: Call, info: CampaignInfo, like: str) -> str:
    """What the number `like` would get."""
    if not info.personal:
        return info.body
    preview = await call.ask(PreviewCampaign(campaign_id=info.id, number=like, limit=1))
    if not preview.items:
        raise Refusal(Code.NO_RECIPIENTS, "its lists hold no entry to take values from")
    first = preview.items[0]
    if first.missing:
        raise Refusal(Code.MISSING_FIELDS, f"the entry of {first.number} lacks {', '.join(first.missing)}")
    return first.body
