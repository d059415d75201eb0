"""api/TextIn: who texted in with a keyword of the company."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from libs.common.clock import midnight_the_preceding_day, now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import InboxText, ReadInbound
from services.gateway.documented.call import Call, Pages
from services.gateway.documented.messages import date_from, date_to, inbound_pages
from services.gateway.formats.values import uk_time

WEEK = timedelta(weeks=1)


async def get_all_text_ins(call: Call) -> object:
    return Pages(_text_ins(call, None))


async def get_text_ins_from_date(call: Call) -> object:
    return Pages(_text_ins(call, date_from(call)))


async def get_text_ins(call: Call) -> object:
    return Pages(_text_ins(call, midnight_the_preceding_day(now())))


async def _text_ins(call: Call, since: datetime | None) -> AsyncIterator[list[object]]:
    async for texts in inbound_pages(call, ReadInbound(since=since, text_ins_only=True)):
        yield [{"TextInID": text.text_in_id, **_contact(text)} for text in texts]


async def get_contacts(call: Call) -> object:
    since, until = date_from(call), date_to(call)
    require_within_a_week(since, until)
    return Pages(_contacts(call, ReadInbound(text_in_id=call.number("TextInID"), since=since, until=until)))


async def _contacts(call: Call, query: ReadInbound) -> AsyncIterator[list[object]]:
    async for texts in inbound_pages(call, query):
        yield [_contact(text) for text in texts]


def _contact(text: InboxText) -> dict[str, object]:
    return {"PhoneNumber": text.number, "Date": text.at, "Message": text.body}


def require_within_a_week(since: datetime, until: datetime) -> None:
    """Refused with invalid_date where `until` is before `since` or more than a week after it, by the UK's clocks.

    By its clocks, so that Sunday to Sunday is a week too where one of its days has 25 hours.
    """
    if until < since:
        raise Refusal(Code.INVALID_DATE, "DateTo is before DateFrom")
    by_the_clock = uk_time(until).replace(tzinfo=None) - uk_time(since).replace(tzinfo=None)
    if min(by_the_clock, until - since) > WEEK:
        raise Refusal(Code.INVALID_DATE, "DateFrom and DateTo are more than a week apart")
