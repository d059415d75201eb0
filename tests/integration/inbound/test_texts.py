"""Received texts: kept once, whole, announced to their company, and never lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.common.contracts.base import Code
from libs.common.contracts.inbound import (
    TEXTS_PAGE_MAX,
    InboundText,
    InboxText,
    ReadInbound,
    ReadInboundBooks,
    TextsReceived,
)
from libs.common.contracts.messaging import TextsArrived
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.ids import uuid7
from services.inbound.__main__ import SERVICE
from tests.harness import eventually, grant, heard, running
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived, companies


async def test_a_text_reaches_its_headers_owner_whole_and_is_announced(world: World) -> None:
    company_id, header = await world.company()
    body = "  Köszönöm 👋🏽 {€}\n\tthe end\u2028 "
    text = arrived(body, header)

    async with heard(world.infra, TextsReceived) as events:
        await world.bring(text)

        kept = InboxText(id=text.id, number=ALICE, to=header, body=body, at=AT, read=False, handled=False)
        assert await world.texts_of(company_id) == [kept]
        told = InboundText(id=text.id, number=ALICE, to=header, body=body, at=AT)

        async def announced() -> bool:
            return TextsReceived(company_id=company_id, items=[told]) in events

        await eventually(announced)


async def test_500_texts_of_one_event_go_each_to_its_company_in_one_event_a_company(world: World) -> None:
    (one, header_of_one), (two, header_of_two) = await world.company(), await world.company()
    texts = [arrived(f"text {n}", (header_of_one, header_of_two)[n % 2]) for n in range(500)]

    async with heard(world.infra, TextsReceived) as events:
        await world.bring(*texts)

        async def announced() -> bool:
            return len([event for event in events if event.company_id in (one, two)]) == 2

        await eventually(announced)
    for company_id, expected in ((one, texts[::2]), (two, texts[1::2])):
        [items] = [event.model_dump()["items"] for event in events if event.company_id == company_id]
        assert [item["id"] for item in items] == [text.id for text in expected]
        assert [text.id for text in await world.texts_of(company_id)] == [text.id for text in expected]


async def test_a_number_is_kept_as_e164_and_what_is_none_as_it_came(world: World) -> None:
    company_id, header = await world.company()

    await world.bring(
        arrived("a", header, "07700 900003"), arrived("b", header, "Bank"), arrived("c", header, "+15005550006")
    )

    assert [text.number for text in await world.texts_of(company_id)] == ["+447700900003", "Bank", "+15005550006"]


async def test_a_header_is_known_in_every_writing(world: World) -> None:
    company_id = next(companies)
    await world.give_header(company_id, "+447700900123")

    await world.bring(arrived("a", "07700 900123"), arrived("b", "+447700900123"))

    assert [text.to for text in await world.texts_of(company_id)] == ["+447700900123"] * 2


async def test_the_character_that_cannot_be_kept_harms_no_other_text(world: World) -> None:
    company_id, header = await world.company()

    await world.bring(arrived("a\0b", header), arrived("c", header))

    assert [text.body for text in await world.texts_of(company_id)] == ["a\ufffdb", "c"]


async def test_a_repeat_is_kept_and_announced_once(world: World) -> None:
    company_id, header = await world.company()
    first, again = arrived("hello", header, carrier_id="c-1"), arrived("hello", header, carrier_id="c-1")
    honest_repeat, another = arrived("hello", header), arrived("hello", header)

    async with heard(world.infra, TextsReceived) as events:
        id_ = uuid7()
        for _ in range(2):  # the relay's repeat: the same event
            await world.messaging.publish(TextsArrived(company_id=0, items=[first, honest_repeat, first]), id_)
        await world.messaging.publish(TextsArrived(company_id=0, items=[again, first]))  # the carrier's repeat
        await world.bring(another)

        async def announced() -> bool:
            return any(another.id in {item.id for item in items_of(event)} for event in events)

        await eventually(announced)
    assert [text.id for text in await world.texts_of(company_id)] == [first.id, honest_repeat.id, another.id]
    told = [item.id for event in events if event.company_id == company_id for item in items_of(event)]
    assert told == [first.id, honest_repeat.id, another.id]


def items_of(event: object) -> list[InboundText]:
    assert isinstance(event, TextsReceived)
    return event.items


async def test_a_text_to_nobodys_header_waits_until_somebody_has_it(world: World) -> None:
    company_id = next(companies)
    header = f"{60_000 + company_id}"
    before = await world.unclaimed()
    text, stop = arrived("early", header), arrived("STOP", header)
    await world.bring(text, stop)
    assert await world.unclaimed() == before + 2

    async with heard(world.infra, TextsReceived) as events:
        await world.give_header(company_id, header)

        async def announced() -> bool:
            return any(event.company_id == company_id for event in events)

        await eventually(announced)
    assert [kept.id for kept in await world.texts_of(company_id)] == [text.id, stop.id]
    assert await world.unclaimed() == before


async def test_a_header_that_is_switched_off_still_receives(world: World) -> None:
    company_id, header = await world.company()
    await world.give_header(company_id, header, version=2, active=False)

    await world.bring(arrived("late", header))

    assert [text.body for text in await world.texts_of(company_id)] == ["late"]


async def test_a_name_that_two_companies_use_is_nobodys_until_one_of_them_switches_it_off(world: World) -> None:
    one, two, name = next(companies), next(companies), "Shared"
    await world.give_header(one, name)
    await world.give_header(two, name.upper())
    before = await world.unclaimed()

    await world.bring(arrived("whose?", name))
    assert await world.unclaimed() == before + 1
    assert [] == await world.texts_of(one) == await world.texts_of(two)

    await world.give_header(one, name, version=2, active=False)

    async def claimed() -> list[InboxText]:
        return await world.texts_of(two)

    assert [text.to for text in await eventually(claimed)] == [name.upper()]


async def test_an_older_version_of_a_header_changes_nothing(world: World) -> None:
    company_id, header = await world.company()
    assert world.process.db is not None
    database = world.process.db

    async def heard_of(*items: Header) -> tuple[bool, int]:
        """What is known of the header once inbound has handled an event of these items."""
        id_ = uuid7()
        await world.auth.publish(HeadersChanged(company_id=company_id, items=list(items)), id_)

        async def handled() -> bool:
            async with database.reading() as tx:
                return bool(await tx.fetchval("SELECT EXISTS (SELECT FROM inbox WHERE id = $1)", id_))

        await eventually(handled)
        async with database.reading() as tx:
            row = await tx.fetchrow("SELECT active, version FROM headers WHERE company_id = $1", company_id)
        assert row is not None
        return row["active"], row["version"]

    older, newer = Header(header=header, active=True, version=4), Header(header=header, active=False, version=5)
    assert await heard_of(newer, older) == (False, 5)
    assert await heard_of(older) == (False, 5)


async def test_texts_are_read_oldest_first_since_a_time_and_by_pages(world: World) -> None:
    company_id, header = await world.company()
    texts = [arrived(f"{n}", header, at=AT + timedelta(seconds=n // 2)) for n in range(TEXTS_PAGE_MAX + 2)]
    for start in range(0, len(texts), 500):
        await world.bring(*reversed(texts[start : start + 500]))

    first = await world.gateway.ask(ReadInbound(), grant(company_id))
    assert ([text.id for text in first.items], first.more) == ([text.id for text in texts[:TEXTS_PAGE_MAX]], True)
    rest = await world.gateway.ask(ReadInbound(after=first.items[-1].id), grant(company_id))
    assert ([text.id for text in rest.items], rest.more) == ([text.id for text in texts[TEXTS_PAGE_MAX:]], False)
    last = await world.gateway.ask(ReadInbound(since=texts[-1].at), grant(company_id))
    assert [text.id for text in last.items] == [text.id for text in texts[-2:]]


async def test_another_companys_texts_are_not_there(world: World) -> None:
    (company_id, header), (stranger, _) = await world.company(), await world.company()
    text = arrived("private", header)
    await world.bring(text)

    assert await world.texts_of(stranger) == []
    for after in (text.id, uuid7()):
        assert await world.gateway.refused(ReadInbound(after=after), grant(stranger)) == Code.NOT_FOUND
    assert await world.gateway.refused(ReadInbound()) == Code.SESSION_EXPIRED
    assert await world.console.refused(ReadInbound()) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(ReadInboundBooks(), grant(company_id)) == Code.PERMISSION_DENIED


async def test_two_copies_side_by_side_and_a_restart_lose_and_double_nothing(world: World) -> None:
    company_id, header = await world.company()
    dsn = world.process.settings.model_dump()["database_url"]
    texts = [arrived(f"{n}", header, (ALICE, BOB)[n % 2], carrier_id=f"side-{n}") for n in range(400)]
    again = [arrived(f"{n}", header, (ALICE, BOB)[n % 2], carrier_id=f"side-{n}") for n in range(400)]
    async with heard(world.infra, TextsReceived) as events:
        for _ in range(2):  # the second round after a restart of the second copy
            async with running(world.infra, SERVICE, dsn=dsn):
                batches = [items[n : n + 20] for n in range(0, 400, 20) for items in (texts, again)]
                await asyncio.gather(
                    *(world.messaging.publish(TextsArrived(company_id=0, items=batch)) for batch in batches)
                )
                await eventually(lambda: _count(world, company_id, 400))

        async def told() -> bool:
            return len([item for event in events if event.company_id == company_id for item in items_of(event)]) >= 400

        await eventually(told)
        marker = arrived("the last", header)
        await world.bring(marker)

        async def told_last() -> bool:
            return any(item.id == marker.id for event in events for item in items_of(event))

        await eventually(told_last)
    bodies = [text.body for text in await world.texts_of(company_id)]
    assert sorted(bodies) == sorted([*(f"{n}" for n in range(400)), "the last"])
    assert len([item for event in events if event.company_id == company_id for item in items_of(event)]) == 401


async def _count(world: World, company_id: int, count: int) -> bool:
    return len(await world.texts_of(company_id)) == count


@pytest.mark.parametrize("table", ["texts", "contact_changes"])
async def test_the_database_keeps_a_carriers_text_once(world: World, table: str) -> None:
    """The net beneath the handler: the unique indexes are there."""
    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        indexes = await tx.fetchval(
            "SELECT count(*) FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE 'CREATE UNIQUE%'", table
        )
    assert indexes == 2
