"""/v2/messages/preview: what a text takes on the air, and what in it costs more than it need, before it is sent."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from libs.common.contracts.base import Code
from libs.common.contracts.texts import HEADER_CHARACTERS_MAX, PREVIEW_CHARACTERS_MAX, PreviewText, TextPreview
from services.gateway.api.call import Reading
from services.gateway.api.inputs import Body
from services.gateway.api.limits import SmallBody
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/messages", tags=["messages"], route_class=SmallBody)


class Draft(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"from": "82830", "text": "It’s on its way"}})

    text: str = Field(max_length=PREVIEW_CHARACTERS_MAX)
    sender: str = Field("", alias="from", max_length=HEADER_CHARACTERS_MAX, description="Where it is known yet.")


@router.post("/preview", responses=refuses(Code.TEXT_EMPTY))
async def preview_message(call: Reading, draft: Draft) -> TextPreview:
    """What the text would take: alphabet, parts, and which characters make it Unicode. Sends nothing, and needs no permission to."""
    return await call.ask(PreviewText(body=draft.text, sender=draft.sender))
