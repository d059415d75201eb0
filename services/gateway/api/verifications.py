"""/v2/verifications: a code sent to a number, checked here and good once. It is in no answer; SendTwoFactorToken of the documented surface tells its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from libs.common.contracts.base import Code
from libs.common.contracts.verification import (
    ADDRESS_CHARACTERS_MAX,
    ATTEMPTS,
    ATTEMPTS_MAX,
    CODE_CHARACTERS_MAX,
    LIFE_MINUTES,
    LIFE_MINUTES_MAX,
    PURPOSE,
    CancelVerification,
    Checked,
    CheckVerification,
    ReadVerification,
    StartVerification,
    VerificationInfo,
    VerificationState,
)
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/verifications", tags=["verifications"], route_class=SmallBody)

EXAMPLE: JsonDict = {
    "to": "07700 900123",
    "from": "82830",
    "text": "Your code is {code}",
    "purpose": "login",
    "client_address": "192.0.2.7",
}


class NewVerification(Body):
    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    to: str
    sender: str = Field(alias="from", description="One of the company's active headers.")
    text: str
    rule: str = Field(
        "", description="A length from 4 to 12, digits, letters or mixed, and clear for no look-alikes; none: 6 digits."
    )
    placeholder: str = Field("", description="Where in `text` the code stands; none: {code}, or the end.")
    purpose: str = Field("", pattern=f"^{PURPOSE}$", description="What for: a code for one is none for another.")
    life_minutes: int = Field(LIFE_MINUTES, ge=1, le=LIFE_MINUTES_MAX)
    attempts: int = Field(ATTEMPTS, ge=1, le=ATTEMPTS_MAX, description="How many checks may be compared.")
    client_address: str = Field(
        "",
        max_length=ADDRESS_CHARACTERS_MAX,
        description="The person's IP address, as you see it: sends are limited by it.",
    )


class Check(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"code": "123456"}})

    code: str = Field(min_length=1, max_length=CODE_CHARACTERS_MAX, description="As the person typed it.")


class Verification(BaseModel):
    """`messages`: the texts that carried the code. `test`: none of them left the platform."""

    id: UUID
    to: str
    purpose: str
    state: VerificationState
    attempts_left: int
    sends: int
    messages: list[UUID]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    test: bool


def _verification(info: VerificationInfo) -> Verification:
    return Verification(sends=len(info.texts), messages=info.texts, **info.model_dump(exclude={"texts"}))


@router.post(
    "",
    status_code=201,
    responses=refuses(
        *TEXT_CODES, Code.INVALID_RULE, Code.COUNTRY_NOT_ALLOWED, Code.PERMISSION_DENIED, Code.LIMIT_REACHED
    ),
)
async def send_verification(call: Writing, new: NewVerification) -> Verification:
    """Sends a code at once, before everything else that waits, to numbers that texted STOP, too: the person asked for it just now.

    While one for this number and purpose is pending, the same code is sent again, and the answer has the same `id`. 429 says in `Retry-After` when
    to ask again.
    """
    ask = StartVerification(
        to=new.to,
        sender=new.sender,
        body=new.text,
        rule=new.rule,
        placeholder=new.placeholder,
        purpose=new.purpose,
        life_minutes=new.life_minutes,
        attempts=new.attempts,
        client_address=new.client_address,
    )
    return _verification(await call.ask(ask))


@router.get("/{verification_id}", responses=refuses(Code.NOT_FOUND))
async def show_verification(call: Reading, verification_id: UUID) -> Verification:
    """How it stands. Never the code."""
    return _verification(await call.ask(ReadVerification(id=verification_id)))


@router.post("/{verification_id}/check", responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND))
async def check_verification(call: Writing, verification_id: UUID, check: Check) -> Checked:
    """Compares what the person typed. Only `approved` lets them in, and it is answered once: then the code is `used`.

    Each check counts. `wrong_code` leaves `attempts_left`; `expired`, `cancelled` and `too_many_attempts` are ends: send a new one.
    """
    # The code is part of what is asked: a key that is used again never gives another code the answer of this one.
    return await call.ask(CheckVerification(id=verification_id, code=check.code), part=f"/{check.code}")


@router.post(
    "/{verification_id}/cancel",
    status_code=204,
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.WRONG_STATE),
)
async def cancel_verification(call: Writing, verification_id: UUID) -> None:
    """The code is good no more. 409 wrong_state where it has ended."""
    await call.ask(CancelVerification(id=verification_id))
