"""/v2/messages: texts out, one or hundreds at once, now or later; what became of them; cancelling."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from libs.common.bus import Unanswered
from libs.common.contracts.auth import Id
from libs.common.contracts.base import ITEMS_MAX, Code, Refusal
from libs.common.contracts.messaging import (
    REFERENCE_CHARACTERS_MAX,
    CancelText,
    FindTexts,
    ReadText,
    SendText,
    State,
    Text,
)
from services.gateway.api.call import Call, Reading, Writing
from services.gateway.api.inputs import Body, Moment, Words
from services.gateway.api.limits import BulkBody, SmallBody
from services.gateway.api.pages import LIMIT_DEFAULT, AfterUuid, Limit, Page, page
from services.gateway.api.problems import Problem, described, refuses

router = APIRouter(prefix="/v2/messages", tags=["messages"], route_class=SmallBody)
bulk_router = APIRouter(prefix="/v2/messages", tags=["messages"], route_class=BulkBody)

EXAMPLE: JsonDict = {
    "to": "07700 900123",
    "from": "82830",
    "text": "Your order is on its way",
    "reference": "order-4711",
}


class NewMessage(Body):
    """Its words are `text`, or those of a template with `values` in it: one of the two."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    to: str = Field(description="A phone number as people write it; British where it has no country code.")
    sender: str = Field(alias="from", description="One of the company's active headers.")
    text: str = ""
    template_id: Id | None = None
    values: dict[str, str] = Field(default_factory=dict, max_length=100, description="By the template's {{names}}.")
    reference: str = Field("", max_length=REFERENCE_CHARACTERS_MAX, description="Your own name for it, to find it by.")
    send_at: Moment | None = Field(None, description="At most 90 days ahead; none, or one that has passed: now.")

    def ask(self) -> SendText:
        return SendText(
            to=self.to,
            sender=self.sender,
            body=self.text,
            template_id=self.template_id,
            values=self.values,
            reference=self.reference,
            send_at=self.send_at,
        )


class Batch(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"messages": [EXAMPLE]}})

    messages: list[NewMessage] = Field(min_length=1, max_length=ITEMS_MAX)


class Queued(BaseModel):
    id: UUID
    state: Literal["queued"]


class NotQueued(BaseModel):
    error: Problem


class BatchAnswers(BaseModel):
    """In the order of the messages."""

    items: list[Queued | NotQueued]


class Message(BaseModel):
    """A text and what became of it. `parts`: segments on the wire. `text` null: a verification's, which is not kept. `test`: it never left the platform."""

    id: UUID
    sender: str = Field(serialization_alias="from")
    to: str
    text: str | None
    parts: int
    state: State
    reason: str
    reference: str
    send_at: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    settled_at: datetime | None
    test: bool


def queued(id_: UUID) -> Queued:
    return Queued(id=id_, state="queued")


def _message(text: Text) -> Message:
    return Message(text=text.body, **text.model_dump(exclude={"body"}))


TEXT_CODES = (Code.INVALID_NUMBER, Code.INVALID_SENDER, Code.INVALID_DATE, Code.TEXT_EMPTY, Code.TEXT_TOO_LONG)


@router.post(
    "",
    status_code=202,
    responses=refuses(*TEXT_CODES, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.OPTED_OUT),
)
async def send_message(call: Writing, message: NewMessage) -> Queued:
    """Queues one text to one number. 409 opted_out where the number has texted STOP, 404 where there is no such template."""
    return queued((await call.ask(message.ask())).id)


@bulk_router.post(
    "/batches", responses=refuses(Code.INVALID_DATE, Code.PERMISSION_DENIED), response_model_exclude_defaults=True
)
async def send_messages(call: Writing, batch: Batch) -> BatchAnswers:
    """Queues up to 500 texts, each for itself: one that cannot be sent is told in its place and hinders no other.

    Asked again with the same Idempotency-Key, each that was queued has its id again and is not sent twice.
    """
    answers = await asyncio.gather(*(queue(call, message, place) for place, message in enumerate(batch.messages)))
    return BatchAnswers(items=list(answers))


async def queue(call: Call, message: NewMessage, place: int) -> Queued | NotQueued:
    try:
        return queued((await call.ask(message.ask(), part=f"/{place}")).id)
    except (Refusal, Unanswered) as error:
        if isinstance(error, Refusal) and error.code in (Code.PERMISSION_DENIED, Code.SESSION_EXPIRED):
            raise  # true of all of them
        return NotQueued(error=described(error))


@router.get("", responses=refuses(Code.INVALID_NUMBER, Code.INVALID_DATE))
async def find_messages(
    call: Reading,
    reference: Annotated[Words | None, Query(max_length=REFERENCE_CHARACTERS_MAX)] = None,
    to: Words | None = None,
    state: State | None = None,
    since: Annotated[Moment | None, Query(description="Made then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Made before.")] = None,
    after: AfterUuid | None = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[Message]:
    """Single texts, oldest first; each filter narrows it. Those of campaigns are told by their campaigns."""
    query = FindTexts(reference=reference, number=to, state=state, since=since, until=until, after=after, limit=limit)
    found = await call.ask(query)
    return page([_message(text) for text in found.items], found.items[-1].id if found.more else None)


@router.get("/{message_id}", responses=refuses(Code.NOT_FOUND))
async def show_message(call: Reading, message_id: UUID) -> Message:
    """A text and what became of it; a campaign's, too."""
    return _message(await call.ask(ReadText(id=message_id)))


@router.post(
    "/{message_id}/cancel",
    status_code=204,
    responses=refuses(Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.WRONG_STATE),
)
async def cancel_message(call: Writing, message_id: UUID) -> None:
    """Cancels a text that is still queued, scheduled or not. 409 wrong_state where it is on its way or has ended."""
    await call.ask(CancelText(id=message_id))
