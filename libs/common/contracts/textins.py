"""The language of `inbound`, text-ins: what follows from a text that begins with a keyword."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Command, Contract, Limit, Query

REPLY_PARTS_MAX = 4  # of an automatic reply: each is paid for, and anybody can ask for it
URL_CHARACTERS_MAX = 2_000
DELIVERIES_PAGE_MAX = 100

RowId = int | None


class TextInActions(Contract):
    """What follows from a text with the keyword: each of them that is there, once a text; none of them where the text wishes to stop or to start.

    `reply`: answered with this, from the header. `join_list_id`, `leave_list_id`: the number is put on a list of the company, taken off one.
    `forward_to`: the text is sent on to this phone number. `webhook_url`: it is posted there, signed. `campaign_id`: it counts as an answer to it.
    """

    reply: str = ""
    join_list_id: RowId = Field(None, ge=1, lt=2**31)
    leave_list_id: RowId = Field(None, ge=1, lt=2**31)
    forward_to: str = ""
    webhook_url: str = Field("", max_length=URL_CHARACTERS_MAX)
    campaign_id: RowId = Field(None, ge=1, lt=2**31)


class WebhookSecret(Contract):
    """`secret`: what the posts are signed with, where a new one was made; it is not told again."""

    secret: str | None = None


class SetTextInActions(Command[WebhookSecret]):
    """Instead of all that was to follow before. A new address makes a new secret; the same one keeps it."""

    owner: ClassVar[str] = "inbound"
    remembered: ClassVar[bool] = False

    id: int = Field(ge=-(2**63), lt=2**63)
    actions: TextInActions


class DeadDelivery(Contract):
    """A text that a webhook never took: given up at `ended_at`, after `attempts`, the last of which ended with `error`."""

    id: UUID
    text_in_id: int
    text_id: UUID
    attempts: int
    error: str
    created_at: datetime
    ended_at: datetime


class DeadDeliveries(Contract):
    items: list[DeadDelivery]
    more: bool


class ListDeadDeliveries(Query[DeadDeliveries]):
    """Of the caller's company, oldest first; `after` is the last id of the page before. They are kept for 30 days; the texts are in the inbox."""

    owner: ClassVar[str] = "inbound"

    after: UUID | None = None
    limit: Limit = DELIVERIES_PAGE_MAX
