"""Shared numbers: a text is a company's by keyword only, a wish is one to every company that has the number, however late it is known to."""

from __future__ import annotations

import pytest

from libs.common.contracts.inbound import (
    ContactsReinstated,
    ContactsStopped,
    ContactState,
    CreateTextIn,
    ReadInboundBooks,
    TextsReceived,
)
from libs.common.ids import uuid7
from services.inbound.__main__ import SERVICE
from tests.harness import eventually, heard, running
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived, companies


async def test_a_text_is_its_keywords_companys_and_else_nobodys(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    text_in = await world.console.ask(CreateTextIn(company_id=one, header=number, keyword="WIN"))
    before = await world.unclaimed()
    win, hello = arrived("win a car", number), arrived("hello", number)

    async with heard(world.infra, TextsReceived) as events:
        await world.bring(win, hello)

        async def announced() -> bool:
            return any(event.company_id == one for event in events)

        await eventually(announced)
    assert [(text.id, text.text_in_id) for text in await world.texts_of(one)] == [(win.id, text_in.id)]
    assert await world.texts_of(two) == []
    assert await world.unclaimed() == before + 1
    [told] = [item for event in events if event.company_id == one for item in event.model_dump()["items"]]
    assert (told["id"], told["text_in_id"]) == (win.id, text_in.id)


async def test_nobodys_text_stays_nobodys_when_one_company_alone_has_the_number_switched_on(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    await world.bring(arrived("hello", number))
    before = await world.unclaimed()

    await world.give_header(one, number, version=2, active=False, shared=True)
    company_id, own = next(companies), f"{61_000 + one}"
    mine = arrived("mine", own)
    await world.bring(mine)
    await world.give_header(company_id, own)  # the loop that gives texts away has been at it once this one is given

    async def given() -> bool:
        return [text.id for text in await world.texts_of(company_id)] == [mine.id]

    await eventually(given)
    assert [] == await world.texts_of(one) == await world.texts_of(two)
    assert await world.unclaimed() == before


async def test_a_wish_is_one_to_every_company_that_has_the_number_switched_on_or_off(world: World) -> None:
    number, company_ids = await world.shared_number(3)
    await world.give_header(company_ids[2], number, version=2, active=False, shared=True)
    other, _ = await world.company()

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(arrived("STOP", number), arrived("Stop.", number, BOB))
        await world.bring(arrived("START", number, BOB))

        async def told() -> bool:
            return len([event for event in events if event.company_id in company_ids]) == 6

        await eventually(told)
    for company_id in company_ids:
        assert (await world.stops(company_id), await world.reinstates(company_id)) == ([ALICE], [BOB])
        stopped, reinstated = [event for event in events if event.company_id == company_id]
        assert stopped == ContactsStopped(
            company_id=company_id,
            items=[ContactState(number=who, header=number, sequence=1, at=AT) for who in (ALICE, BOB)],
        )
        assert reinstated == ContactsReinstated(
            company_id=company_id, items=[ContactState(number=BOB, header=number, sequence=2, at=AT)]
        )
    assert await world.stops(other) == []


async def test_a_repeat_of_a_wish_is_counted_once_for_each_company(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    stop = arrived("STOP", number, carrier_id="shared-1")
    await world.bring(stop)
    await world.bring(stop, arrived("hello", number))

    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        rows = await tx.fetch("SELECT company_id, sequence FROM contacts WHERE company_id IN ($1, $2)", one, two)
    assert sorted(map(tuple, rows)) == [(one, 1), (two, 1)]


async def test_wishes_that_came_before_the_number_was_known_are_obeyed_in_the_order_they_arrived(world: World) -> None:
    one, two = next(companies), next(companies)
    number = f"{80_000 + one}"
    texts = [
        arrived(body, number, who) for body, who in (("STOP", ALICE), ("START", BOB), ("hello", BOB), ("STOP", BOB))
    ]
    await world.bring(*texts)

    await world.give_header(one, number, shared=True)
    await eventually(lambda: _stopped(world, one, [ALICE, BOB]))
    await world.bring(arrived("START", number))
    await world.give_header(two, number, shared=True)

    await eventually(lambda: _stopped(world, two, [BOB]))
    assert (await world.stops(one), await world.reinstates(two)) == ([BOB], [ALICE])
    assert [] == await world.texts_of(one) == await world.texts_of(two)


async def _stopped(world: World, company_id: int, numbers: list[str]) -> bool:
    return sorted(await world.stops(company_id)) == numbers


async def test_more_wishes_than_a_page_wait_for_a_company(world: World) -> None:
    company_id = next(companies)
    number = f"{80_000 + company_id}"
    numbers = [f"+4477009{n:05d}" for n in range(1_201)]
    for start in range(0, len(numbers), 500):
        await world.bring(*(arrived("STOP", number, who) for who in numbers[start : start + 500]))

    await world.give_header(company_id, number, shared=True)

    await eventually(lambda: _stopped(world, company_id, numbers))
    assert (await world.console.ask(ReadInboundBooks())).faults == []


async def test_a_wish_whose_transaction_did_not_know_the_company_yet_is_heard_when_it_ends(world: World) -> None:
    """The race that no lock guards: a text is being stored while the news comes whose its number is, too."""
    company_id = next(companies)
    stop = arrived("STOP", f"{80_000 + company_id}")
    assert world.process.db is not None
    database = world.process.db

    async def fenced(heard: bool) -> bool:
        async with database.reading() as tx:
            sql = "SELECT fence IS NOT NULL AND heard = $2 FROM headers WHERE company_id = $1"
            return bool(await tx.fetchval(sql, company_id, heard))

    async with database.transaction() as storing:
        await storing.execute("INSERT INTO inbox (id) VALUES ($1)", uuid7())  # as an event's transaction begins
        await world.give_header(company_id, stop.to, shared=True)
        await eventually(lambda: fenced(heard=False))
        sql = """INSERT INTO texts (id, number, header, header_key, body, wish, for_all, at, carrier, carrier_id)
            VALUES ($1, $2, $3, $3, 'STOP', 'stop', true, $4, 'embedded', '')"""
        await storing.execute(sql, stop.id, stop.number, stop.to, AT)
    assert await world.stops(company_id) == []
    await world.company()  # any news of headers wakes the loop; else its poll does

    await eventually(lambda: fenced(heard=True))
    assert await world.stops(company_id) == [ALICE]


async def test_two_copies_let_a_company_hear_each_wish_once(world: World) -> None:
    company_id = next(companies)
    number = f"{80_000 + company_id}"
    await world.bring(*(arrived(("STOP", "START")[n % 2], number, (ALICE, BOB)[n // 2 % 2]) for n in range(400)))
    dsn = world.process.settings.model_dump()["database_url"]

    async with running(world.infra, SERVICE, dsn=dsn):
        await world.give_header(company_id, number, shared=True)
        await eventually(lambda: _reinstated(world, company_id))

    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        rows = await tx.fetch("SELECT number, sequence FROM contacts WHERE company_id = $1 ORDER BY number", company_id)
    assert [tuple(row) for row in rows] == [(ALICE, 200), (BOB, 200)]


async def _reinstated(world: World, company_id: int) -> bool:
    return sorted(await world.reinstates(company_id)) == [ALICE, BOB]


@pytest.mark.parametrize(
    ("planted", "undone", "fault"),
    [
        (
            "UPDATE headers SET shared = false WHERE company_id = $1",
            "UPDATE headers SET shared = true WHERE company_id = $1",
            "company {}: a wish was obeyed for text {}, which is not its",
        ),
        (
            "UPDATE contact_changes SET company_id = company_id + 1000 WHERE company_id = $1",
            "UPDATE contact_changes SET company_id = $1 WHERE company_id = $1 + 1000",
            "company {}: the wish in text {} was not obeyed",
        ),
    ],
)
async def test_the_books_find_a_wish_that_was_not_heard(world: World, planted: str, undone: str, fault: str) -> None:
    number, (one, two) = await world.shared_number(2)
    assert world.process.db is not None
    database = world.process.db

    async def all_heard() -> bool:
        async with database.reading() as tx:
            sql = "SELECT bool_and(heard) FROM headers WHERE company_id IN ($1, $2)"
            return bool(await tx.fetchval(sql, one, two))

    await world.give_header(two, number, version=2, shared=True)  # wakes the loop that may have come too early
    await eventually(all_heard)
    stop = arrived("STOP", number)
    await world.bring(stop)
    assert (await world.console.ask(ReadInboundBooks())).faults == []

    async with database.transaction() as tx:
        await tx.execute(planted, one)
    assert fault.format(one, stop.id) in (await world.console.ask(ReadInboundBooks())).faults
    async with database.transaction() as tx:
        await tx.execute(undone, one)
