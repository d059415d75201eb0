"""/v2/text-ins: the company's keywords, and what follows from a text that begins with one. Operators make the keywords: see /v2/admin."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.base import Code
from libs.common.contracts.campaign import ShowCampaign
from libs.common.contracts.inbound import ListTextIns, TextIn
from libs.common.contracts.phonelist import ShowList
from libs.common.contracts.textins import (
    DELIVERIES_PAGE_MAX,
    REPLY_PARTS_MAX,
    URL_CHARACTERS_MAX,
    ListDeadDeliveries,
    SetTextInActions,
    TextInActions,
)
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Key
from services.gateway.api.limits import SmallBody
from services.gateway.api.pages import AfterUuid, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2/text-ins", tags=["text-ins"], route_class=SmallBody)


class Actions(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "reply": "You are in. Text LEAVE to go.",
                "join_list_id": 17,
                "webhook_url": "https://example.com/texts",
            }
        }
    )

    reply: str = Field("", description=f"Answered with this, from the header; {REPLY_PARTS_MAX} parts at most.")
    join_list_id: int | None = Field(None, ge=1, lt=2**31, description="The number is put on this list.")
    leave_list_id: int | None = Field(None, ge=1, lt=2**31, description="The number is taken off this list.")
    forward_to: str = Field("", max_length=40, description="The text is sent on to this phone number.")
    webhook_url: str = Field(
        "", max_length=URL_CHARACTERS_MAX, description="The text is posted here, signed as Standard Webhooks are."
    )
    campaign_id: int | None = Field(None, ge=1, lt=2**31, description="The text counts as an answer to this campaign.")


class Secret(BaseModel):
    """`webhook_secret`: where the webhook is new, what its posts are signed with. It is not told again."""

    webhook_secret: str | None


class DeadDelivery(BaseModel):
    """A text that a webhook never took, and the last `error`. The text is in the inbox, by `message_id`."""

    id: UUID
    text_in_id: int
    message_id: UUID
    attempts: int
    error: str
    created_at: datetime
    ended_at: datetime


@router.get("", responses=refuses())
async def list_text_ins(call: Reading) -> Page[TextIn]:
    """The company's keywords, the headers they hold on, and what follows from a text with each: all of them."""
    return page((await call.ask(ListTextIns())).items)


@router.put(
    "/{text_in_id}/actions",
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.TEXT_TOO_LONG, Code.INVALID_NUMBER),
)
async def set_text_in_actions(call: Writing, text_in_id: Key, actions: Actions) -> Secret:
    """Instead of all that was to follow before; an empty object: nothing. Each is done once a text, and none where it is a STOP or a START.

    A new `webhook_url` has a new secret.
    """
    for list_id in {actions.join_list_id, actions.leave_list_id} - {None}:
        await call.ask_once(ShowList(list_id=list_id))
    if actions.campaign_id is not None:
        await call.ask(ShowCampaign(campaign_id=actions.campaign_id))
    wanted = TextInActions.model_validate(actions.model_dump())
    return Secret(webhook_secret=(await call.ask(SetTextInActions(id=text_in_id, actions=wanted))).secret)


@router.get("/dead-deliveries", responses=refuses())
async def list_dead_deliveries(call: Reading, after: AfterUuid | None = None) -> Page[DeadDelivery]:
    """Texts that a webhook did not take within a day, of the last 30 days, oldest first."""
    found = await call.ask(ListDeadDeliveries(after=after, limit=DELIVERIES_PAGE_MAX))
    items = [DeadDelivery(message_id=dead.text_id, **dead.model_dump(exclude={"text_id"})) for dead in found.items]
    return page(items, items[-1].id if found.more else None)
