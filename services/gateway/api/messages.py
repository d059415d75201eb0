"""/v2/messages, /v2/inbound-messages, /v2/conversations: texts out, texts in, and both with one number."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.contracts.inbound import ReadInbound
from libs.common.contracts.messaging import ReadConversation, SendText
from services.gateway.api.call import Body, Moment, Reading, Writing
from services.gateway.api.limits import SmallBody

router = APIRouter(prefix="/v2", tags=["messages"], route_class=SmallBody)


class NewMessage(Body):
    to: str
    sender: str = Field(alias="from", description="One of the company's active headers.")
    text: str


class Queued(BaseModel):
    id: UUID
    state: Literal["queued"] = "queued"


class Message(BaseModel):
    """`direction`: out is the company's, in the number's."""

    id: UUID
    direction: Literal["in", "out"]
    sender: str = Field(serialization_alias="from")
    to: str
    text: str
    at: datetime


class Page(BaseModel):
    """Oldest first. `after` is the next page's; none where there is no more."""

    items: list[Message]
    after: UUID | None


@router.post("/messages", status_code=202)
async def send_message(call: Writing, message: NewMessage) -> Queued:
    """Queues one text to one number. 409 opted_out where the number has texted STOP."""
    sent = await call.ask(SendText(to=message.to, sender=message.sender, body=message.text))
    return Queued(id=sent.id)


@router.get("/inbound-messages")
async def read_inbound_messages(call: Reading, since: Moment | None = None, after: UUID | None = None) -> Page:
    """Texts that the company received, since a moment if one is given."""
    page = await call.ask(ReadInbound(since=since, after=after))
    items = [
        Message(id=text.id, direction="in", sender=text.number, to=text.to, text=text.body, at=text.at)
        for text in page.items
    ]
    return Page(items=items, after=items[-1].id if page.more else None)


@router.get("/conversations/{number}")
async def read_conversation(call: Reading, number: str, after: UUID | None = None) -> Page:
    """What the company and a number have texted each other, singly: a campaign's text is no conversation until it is answered."""
    page = await call.ask(ReadConversation(number=number, after=after))
    items = [
        Message(
            id=text.id,
            direction="out" if text.sent else "in",
            sender=text.sender,
            to=text.to,
            text=text.body,
            at=text.at,
        )
        for text in page.items
    ]
    return Page(items=items, after=items[-1].id if page.more else None)
