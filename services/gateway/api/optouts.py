"""/v2/opt-outs, /v2/opt-out-reviews, /v2/opt-out-policy: who is opted out and why, what a person must read, what a company decides about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.base import ITEMS_MAX, Code
from libs.common.contracts.optouts import (
    OWN_WORDS_MAX,
    REVIEWS_PAGE_MAX,
    AddOptOuts,
    LiftOptOut,
    OptOutPolicy,
    OwnWord,
    ReadOptOutPolicy,
    ReadOptOuts,
    ReadReviews,
    Reason,
    ReplyBody,
    Review,
    Scope,
    SetOptOutPolicy,
    SettleReview,
)
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import DIGITS, Body, Words
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import AfterUuid, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["numbers"], route_class=SmallBody)

ReviewsLimit = Annotated[int, Field(ge=1, le=REVIEWS_PAGE_MAX, description="How many at most."), DIGITS]
DEFAULT = OptOutPolicy()


class OptOut(BaseModel):
    """`scope`: '' all texts of the company, 'header:...' of one header, 'brand:...' of a brand. `soft`: marketing waits until a person has read the text.
    `text_id`: the text that wished it; where a person did, `user_id` (0: an operator) for `reason`."""

    number: str
    scope: str
    header: str
    soft: bool
    at: datetime
    text_id: UUID | None
    user_id: int | None
    reason: str


class NewOptOuts(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"numbers": ["07700 900123"], "reason": "asked us on the phone"}}
    )

    numbers: list[str] = Field(min_length=1, max_length=ITEMS_MAX)
    reason: Reason
    header: str = Field(
        "", max_length=20, description="As far as a STOP to it reaches; without one, the whole company."
    )


class Lift(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "asked us to"}})

    reason: Reason


class Settlement(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"opt_out": True, "reason": "clear enough"}})

    opt_out: bool
    reason: str = Field("", max_length=200)


class NewOptOutPolicy(Body):
    """What is left out is set to its default."""

    model_config = ConfigDict(json_schema_extra={"example": {"scope": "brand", "stop_words": ["LEAVE"]}})

    scope: Annotated[Scope, Field(strict=False)] = DEFAULT.scope
    stop_words: list[OwnWord] = Field(default=[], max_length=OWN_WORDS_MAX)
    start_words: list[OwnWord] = Field(default=[], max_length=OWN_WORDS_MAX)
    stop_text: ReplyBody = DEFAULT.stop_text
    start_text: ReplyBody = DEFAULT.start_text
    help_text: ReplyBody = DEFAULT.help_text


@router.get("/opt-outs/{number}", responses=refuses(Code.INVALID_NUMBER))
async def show_opt_outs_of_number(call: Reading, number: Words) -> Page[OptOut]:
    """What is stopped to one number, each with how far it reaches and why; nothing where it is not opted out."""
    found = await call.ask(ReadOptOuts(number=number))
    return page([OptOut(**item.model_dump(exclude={"key"})) for item in found.items])


@router.post(
    "/opt-outs", status_code=204, responses=refuses(Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND)
)
async def add_opt_outs(call: Writing, new: NewOptOuts) -> None:
    """Opts numbers out, as a STOP of theirs would: all of them, or, where one is none, none."""
    await call.ask(AddOptOuts(**new.model_dump()))


@router.post(
    "/opt-outs/{number}/lift",
    status_code=204,
    responses=refuses(Code.INVALID_NUMBER, Code.PERMISSION_DENIED, Code.NOT_FOUND),
)
async def lift_opt_out(call: Writing, number: Words, lift: Lift) -> None:
    """Opts a number in again. Only where the person said so: their START does it by itself."""
    await call.ask(LiftOptOut(number=number, reason=lift.reason))


@router.get("/opt-out-reviews", responses=refuses())
async def list_opt_out_reviews(
    call: Reading, after: AfterUuid | None = None, limit: ReviewsLimit = 100
) -> Page[Review]:
    """Texts that may be a wish to stop, oldest first. Marketing to their numbers waits until a person has settled them."""
    found = await call.ask(ReadReviews(after=after, limit=limit))
    return page(found.items, found.items[-1].id if found.more else None)


@router.post(
    "/opt-out-reviews/{message_id}/settlement",
    status_code=204,
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.WRONG_STATE),
)
async def settle_opt_out_review(call: Writing, message_id: UUID, settlement: Settlement) -> None:
    """Says what a text was: a wish to stop, as of now, or none. What the number texted before it is settled with it."""
    await call.ask(SettleReview(id=message_id, opt_out=settlement.opt_out, reason=settlement.reason))


@router.get("/opt-out-policy", responses=refuses())
async def show_opt_out_policy(call: Reading) -> OptOutPolicy:
    """How far a STOP reaches, the company's own words, and what wishes are answered with."""
    return await call.ask(ReadOptOutPolicy())


@router.put("/opt-out-policy", status_code=204, responses=refuses(Code.PERMISSION_DENIED))
async def set_opt_out_policy(call: Writing, new: NewOptOutPolicy) -> None:
    """Replaces all of it. Holds for what is texted from now on."""
    await call.ask(SetOptOutPolicy(policy=OptOutPolicy(**new.model_dump())))
