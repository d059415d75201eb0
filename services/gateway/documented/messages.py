"""api/Messages: texts out, texts in, conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from libs.common.clock import from_client, midnight_the_preceding_day, now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import InboxText, ReadInbound
from libs.common.contracts.messaging import ReadConversation, SendText, SendVerification
from libs.common.ids import uuid7
from services.gateway.documented.call import Call, Pages


async def send_instant_message(call: Call) -> object:
    """The documented result is an empty string; the text's id is in X-Message-Id."""
    ask = SendText(to=call.text("ToNumber"), sender=call.text("FromNumber"), body=call.text("Message"))
    id_ = uuid7()
    call.headers["x-message-id"] = str(id_)
    await call.ask(ask, id_)
    return ""


async def send_two_factor_token(call: Call) -> object:
    ask = SendVerification(
        to=call.text("ToNumber"),
        sender=call.text("FromNumber"),
        body=call.text("Message"),
        rule=call.text("GenerationRule"),
        placeholder=call.text("Token"),
    )
    id_ = uuid7()
    call.headers["x-message-id"] = str(id_)
    return (await call.ask(ask, id_)).code


async def get_all_inbound_messages(call: Call) -> object:
    return Pages(_inbound(call, None))


async def get_inbound_messages_from_date(call: Call) -> object:
    return Pages(_inbound(call, date_from(call)))


async def get_inbound_messages(call: Call) -> object:
    return Pages(_inbound(call, midnight_the_preceding_day(now())))


async def _inbound(call: Call, since: datetime | None) -> AsyncIterator[list[object]]:
    async for texts in inbound_pages(call, ReadInbound(since=since)):
        yield [
            {"FromNumber": t.number, "ToNumber": t.to, "Date": t.at, "Message": t.body, "Sent": False} for t in texts
        ]


async def inbound_pages(call: Call, query: ReadInbound) -> AsyncIterator[list[InboxText]]:
    """All that `query` finds, page by page."""
    more = True
    while more:
        page = await call.ask(query)
        yield page.items
        more = page.more
        if more:
            query = query.model_copy(update={"after": page.items[-1].id})


async def get_conversation(call: Call) -> object:
    return Pages(_conversation(call))


async def _conversation(call: Call) -> AsyncIterator[list[object]]:
    after, more = None, True
    while more:
        page = await call.ask_json(ReadConversation(number=call.text("PhoneNumber"), after=after))
        texts, more = page["items"], page["more"]
        yield [
            {
                "FromNumber": t["sender"],
                "ToNumber": t["to"],
                "Date": datetime.fromisoformat(t["at"]),
                "Message": t["body"],
                "Sent": t["sent"],
            }
            for t in texts
        ]
        after = UUID(texts[-1]["id"]) if texts else None


def date_from(call: Call) -> datetime:
    return _date(call, "DateFrom")


def date_to(call: Call) -> datetime:
    return _date(call, "DateTo")


def _date(call: Call, name: str) -> datetime:
    date = call.date(name)
    if date is None:
        raise Refusal(Code.INVALID_DATE, f"{name} is required")
    return from_client(date)
