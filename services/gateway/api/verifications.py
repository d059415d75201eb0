"""/v2/verifications: a text with a code in it, as SendTwoFactorToken of the documented surface."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from libs.common.contracts.base import Code
from libs.common.contracts.messaging import SendVerification, Verification
from services.gateway.api.call import Writing
from services.gateway.api.inputs import Body
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/verifications", tags=["verifications"], route_class=SmallBody)

EXAMPLE: JsonDict = {
    "to": "07700 900123",
    "from": "82830",
    "text": "Your code is {code}",
    "rule": "6 digits",
    "placeholder": "{code}",
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


@router.post(
    "", status_code=201, responses=refuses(*TEXT_CODES, Code.INVALID_RULE, Code.PERMISSION_DENIED, Code.LIMIT_REACHED)
)
async def send_verification(call: Writing, new: NewVerification) -> Verification:
    """Sends a code at once, before everything else that waits, to numbers that texted STOP, too: the person asked for it just now.

    `code` is kept nowhere: compare it with what the person types.
    """
    ask = SendVerification(to=new.to, sender=new.sender, body=new.text, rule=new.rule, placeholder=new.placeholder)
    return await call.ask(ask)
