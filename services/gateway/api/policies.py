"""/v2/policy: what the company decides about its own texts."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from libs.common.contracts.base import Code
from libs.common.contracts.policies import (
    COUNTRIES_MAX,
    REPETITION_MAX,
    OptOutCheck,
    Policy,
    ReadPolicy,
    Region,
    SetPolicy,
)
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, like
from services.gateway.api.limits import SmallBody
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/policy", tags=["policy"], route_class=SmallBody)

Hour = Annotated[
    time, Field(strict=False), like(r"([01]\d|2[0-3]):[0-5]\d(:00)?", "write hours and minutes, such as 21:00")
]


class NewPolicy(Body):
    """What is left out is set to its default."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"quiet_from": "21:00", "quiet_until": "08:00", "opt_out_check": "refuse"}}
    )

    near_gsm: bool = False
    in_doubt: Literal["leave", "retry_once"] = "leave"
    opt_out_check: OptOutCheck = Field(
        "warn", description="What a campaign's launch does where its text does not say how to stop."
    )
    quiet_from: Hour | None = Field(None, description="No marketing from then, by the clock of who gets it.")
    quiet_until: Hour | None = None
    time_zone: str = Field("Europe/London", max_length=64, description="Where nobody knows theirs.")
    repetition_max: int = Field(
        REPETITION_MAX, ge=1, le=REPETITION_MAX, description="Identical single texts an hour to one number."
    )
    verification_countries: list[Region] = Field(default=["GB"], max_length=COUNTRIES_MAX)


@router.get("", responses=refuses())
async def show_policy(call: Reading) -> Policy:
    """The company's choices, and the defaults where it made none."""
    return await call.ask(ReadPolicy())


@router.put("", status_code=204, responses=refuses(Code.PERMISSION_DENIED))
async def set_policy(call: Writing, new: NewPolicy) -> None:
    """Replaces all of it. Holds for texts that are sent from the next seconds on."""
    await call.ask(SetPolicy(policy=Policy(**new.model_dump())))
