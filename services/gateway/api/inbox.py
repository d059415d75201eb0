"""/v2/inbound-messages, /v2/conversations: texts in, what people have done with them, and replies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.base import ITEMS_MAX, Code
from libs.common.contracts.inbound import InboxText, MarkTexts, ReadInbound, ShowInbound
from libs.common.contracts.messaging import REFERENCE_CHARACTERS_MAX, ReadConversation, SendText
from services.gateway.api.call import Reading, Writing
from services.gateway.api.inputs import Body, Flag, Key, Moment, UuidInBody, Words
from services.gateway.api.limits import SmallBody
from services.gateway.api.messages import TEXT_CODES, Queued, queued
from services.gateway.api.pages import LIMIT_DEFAULT, AfterUuid, Limit, Page, page
from services.gateway.api.problems import refuses

router = APIRouter(prefix="/v2", tags=["inbox"], route_class=SmallBody)


class InboundMessage(BaseModel):
    """`text_in_id`: the text-in that claimed it, if any; `campaign_id`: the campaign it then answered. `incomplete`: parts of it never came.
    `read` and `handled` are people's marks: seen, and done with."""

    id: UUID
    sender: str = Field(serialization_alias="from")
    to: str
    text: str
    at: datetime
    text_in_id: int | None
    campaign_id: int | None
    incomplete: bool
    read: bool
    handled: bool


class ConversationMessage(BaseModel):
    """`direction`: out is the company's, in the number's."""

    id: UUID
    direction: Literal["in", "out"]
    sender: str = Field(serialization_alias="from")
    to: str
    text: str
    at: datetime


class Marks(Body):
    """What is null or not there stays as it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"read": True, "handled": True}})

    read: bool | None = None
    handled: bool | None = None


class BulkMarks(Marks):
    model_config = ConfigDict(
        json_schema_extra={"example": {"ids": ["019baf40-0000-7000-8000-000000000001"], "handled": True}}
    )

    ids: list[UuidInBody] = Field(min_length=1, max_length=ITEMS_MAX)


class Reply(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"text": "See you at eight"}})

    text: str
    reference: str = Field("", max_length=REFERENCE_CHARACTERS_MAX)


def _inbound(text: InboxText) -> InboundMessage:
    return InboundMessage(
        sender=text.number,
        text=text.body,
        **text.model_dump(exclude={"number", "body"}),
    )


@router.get("/inbound-messages", responses=refuses(Code.INVALID_NUMBER, Code.INVALID_DATE, Code.NOT_FOUND))
async def read_inbound_messages(
    call: Reading,
    since: Moment | None = None,
    until: Annotated[Moment | None, Query(description="Before this.")] = None,
    sender: Annotated[Words | None, Query(alias="from")] = None,
    to: Words | None = None,
    text_in_id: Key | None = None,
    unread: Flag | None = None,
    handled: Flag | None = None,
    after: AfterUuid | None = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[InboundMessage]:
    """Texts that the company received, oldest first; each filter narrows it."""
    query = ReadInbound(
        since=since,
        until=until,
        number=sender,
        to=to,
        text_in_id=text_in_id,
        read=None if unread is None else not unread,
        handled=handled,
        after=after,
        limit=limit,
    )
    found = await call.ask(query)
    return page([_inbound(text) for text in found.items], found.items[-1].id if found.more else None)


@router.post("/inbound-messages/marks", status_code=204, responses=refuses(Code.NOT_FOUND))
async def mark_inbound_messages(call: Writing, marks: BulkMarks) -> None:
    """Marks up to 500 at once: all of them, or, where one is not there, none."""
    await call.ask(MarkTexts(ids=marks.ids, read=marks.read, handled=marks.handled))


@router.get("/inbound-messages/{message_id}", responses=refuses(Code.NOT_FOUND))
async def show_inbound_message(call: Reading, message_id: UUID) -> InboundMessage:
    """One text that the company received."""
    return _inbound(await call.ask(ShowInbound(id=message_id)))


@router.patch("/inbound-messages/{message_id}", status_code=204, responses=refuses(Code.NOT_FOUND))
async def mark_inbound_message(call: Writing, message_id: UUID, marks: Marks) -> None:
    """Marks one text as read or handled, or as neither."""
    await call.ask(MarkTexts(ids=[message_id], read=marks.read, handled=marks.handled))


@router.post(
    "/inbound-messages/{message_id}/replies",
    status_code=202,
    responses=refuses(*TEXT_CODES, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.OPTED_OUT),
)
async def reply(call: Writing, message_id: UUID, reply: Reply) -> Queued:
    """Sends a text from the header that the message came to, to the number it came from, and marks the message read; whether it is
    handled now is a person's to say."""
    received = await call.ask(ShowInbound(id=message_id))
    text = SendText(to=received.number, sender=received.to, body=reply.text, reference=reply.reference)
    sent = await call.ask(text)
    await call.ask(MarkTexts(ids=[message_id], read=True))
    return queued(sent.id)


@router.get("/conversations/{number}", responses=refuses(Code.INVALID_NUMBER))
async def read_conversation(
    call: Reading, number: Words, after: AfterUuid | None = None, limit: Limit = LIMIT_DEFAULT
) -> Page[ConversationMessage]:
    """What the company and a number have texted each other, oldest first: a campaign's text is no conversation, and a code is none."""
    found = await call.ask(ReadConversation(number=number, after=after, limit=limit))
    items = [
        ConversationMessage(
            id=text.id,
            direction="out" if text.sent else "in",
            sender=text.sender,
            to=text.to,
            text=text.body,
            at=text.at,
        )
        for text in found.items
    ]
    return page(items, items[-1].id if found.more else None)
