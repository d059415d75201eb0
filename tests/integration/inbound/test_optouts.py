"""STOP and START: obeyed in the order they arrived, announced with a rising sequence, told once a number."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.common.contracts.base import PAGE_MAX, Code, Event
from libs.common.contracts.inbound import (
    ContactsReinstated,
    ContactsStopped,
    ContactState,
    ReadInboundBooks,
    ReadReinstates,
    ReadStops,
)
from libs.common.contracts.messaging import TextsArrived
from services.inbound.__main__ import SERVICE
from services.inbound.optouts import store
from services.inbound.optouts.contacts import State
from tests.harness import eventually, grant, heard, running
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived


async def hears(events: list[Event], *expected: Event) -> None:
    """Waits until the company of `expected` was told just these, in any order."""

    async def told() -> bool:
        return len([event for event in events if event.company_id == expected[0].company_id]) >= len(expected)

    await eventually(told)
    mine = [event for event in events if event.company_id == expected[0].company_id]
    assert sorted(mine, key=str) == sorted(expected, key=str)


async def test_a_stop_is_a_received_text_and_is_announced_and_listed(world: World) -> None:
    company_id, header = await world.company()

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(arrived("Stop knowing me so well!", header, BOB), arrived("“STOP”.", header))
        state = ContactState(number=ALICE, header=header, sequence=1, at=AT)
        await hears(events, ContactsStopped(company_id=company_id, items=[state]))

    assert await world.stops(company_id) == [ALICE]
    assert [text.body for text in await world.texts_of(company_id)] == ["Stop knowing me so well!", "“STOP”."]


async def test_start_after_stop_reinstates_and_each_wish_raises_the_sequence(world: World) -> None:
    company_id, header = await world.company()

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        for body in ("STOP", "Start", "stop all", "hello", "UNSTOP"):
            await world.bring(arrived(body, header))

        def state(sequence: int) -> list[ContactState]:
            return [ContactState(number=ALICE, header=header, sequence=sequence, at=AT)]

        await hears(
            events,
            ContactsStopped(company_id=company_id, items=state(1)),
            ContactsReinstated(company_id=company_id, items=state(2)),
            ContactsStopped(company_id=company_id, items=state(3)),
            ContactsReinstated(company_id=company_id, items=state(4)),
        )
    assert (await world.stops(company_id), await world.reinstates(company_id)) == ([], [ALICE])


async def test_wishes_of_one_number_in_one_event_are_obeyed_in_the_order_they_arrived(world: World) -> None:
    company_id, header = await world.company()
    first, second, third = arrived("STOP", header), arrived("START", header), arrived("STOP", header)

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(third, arrived("END", header, BOB), first, second)
        await hears(
            events,
            ContactsStopped(
                company_id=company_id,
                items=[
                    ContactState(number=ALICE, header=header, sequence=3, at=AT),
                    ContactState(number=BOB, header=header, sequence=1, at=AT),
                ],
            ),
            ContactsReinstated(
                company_id=company_id, items=[ContactState(number=ALICE, header=header, sequence=2, at=AT)]
            ),
        )
    assert sorted(await world.stops(company_id)) == [ALICE, BOB]


async def test_a_start_that_is_handled_late_does_not_undo_a_newer_stop(world: World) -> None:
    company_id, header = await world.company()
    start, stop = arrived("START", header), arrived("STOP", header)

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(stop)
        await world.bring(start)
        assert await world.stops(company_id) == [ALICE]
        newer = arrived("STOP", header)
        await world.bring(newer)
        await hears(
            events,
            ContactsStopped(
                company_id=company_id, items=[ContactState(number=ALICE, header=header, sequence=1, at=AT)]
            ),
            ContactsStopped(
                company_id=company_id, items=[ContactState(number=ALICE, header=header, sequence=3, at=AT)]
            ),
        )
    assert await world.stops(company_id) == [ALICE]


async def test_a_stop_is_for_the_company_it_was_texted_to(world: World) -> None:
    (company_id, header), (other, _) = await world.company(), await world.company()

    await world.bring(arrived("STOP", header))

    assert (await world.stops(company_id), await world.stops(other)) == ([ALICE], [])


async def test_stops_are_listed_since_a_time_each_number_once(world: World) -> None:
    company_id, header = await world.company()
    await world.bring(arrived("STOP", header), arrived("STOP", header, BOB))
    await world.bring(arrived("STOP", header, at=AT + timedelta(days=1)))

    assert await world.stops(company_id) == [BOB, ALICE]
    assert await world.stops(company_id, ReadStops(since=AT + timedelta(hours=1))) == [ALICE]
    assert await world.stops(company_id, ReadStops(since=AT + timedelta(days=2))) == []


async def test_stops_are_read_by_pages(world: World) -> None:
    company_id, header = await world.company()
    numbers = [f"+4477009{n:05d}" for n in range(PAGE_MAX + 1)]
    for start in range(0, len(numbers), 500):
        await world.bring(*(arrived("STOP", header, number) for number in numbers[start : start + 500]))

    first = await world.gateway.ask(ReadStops(), grant(company_id))
    assert (len(first.items), first.more) == (PAGE_MAX, True)
    rest = await world.gateway.ask(ReadStops(after=first.items[-1].key), grant(company_id))
    assert sorted(item.number for item in (*first.items, *rest.items)) == numbers
    assert not rest.more


async def test_stops_that_are_read_together_are_each_companys_own(world: World) -> None:
    (company_id, header), (other, others), (none, _) = (
        await world.company(),
        await world.company(),
        await world.company(),
    )
    await world.bring(arrived("STOP", header), arrived("STOP", header, BOB), arrived("STOP", others, BOB))

    asks = [(company_id, 5), (none, 5), (other, 5), (company_id, 2), (company_id, 1)]
    pages = await asyncio.gather(*(world.gateway.ask(ReadStops(limit=n), grant(who)) for who, n in asks * 20))

    told = [([item.number for item in page.items], page.more) for page in pages]
    assert told == [([ALICE, BOB], False), ([], False), ([BOB], False), ([ALICE, BOB], False), ([ALICE], True)] * 20


@pytest.mark.parametrize("state", [State.STOPPED, State.REINSTATED])
async def test_who_stands_so_twice_is_looked_up_by_number_whatever_is_known_of_the_table(
    world: World, state: State
) -> None:
    """As the service plans it: generic. By any other index each look-up reads as many rows as the company has."""
    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        for analyse in (False, True):
            if analyse:
                await tx.execute("ANALYZE contacts")
            await tx.execute(f"PREPARE a_plan (text, int[], bigint[], timestamptz[], int[]) AS {store.READ_CHANGED}")
            given = f"'{state}', '{{1}}', '{{0}}', '{{NULL}}', '{{10}}'"
            plan = "\n".join(line[0] for line in await tx.fetch(f"EXPLAIN EXECUTE a_plan({given})"))
            await tx.execute("DEALLOCATE a_plan")
            assert plan.count("Index Only Scan using contacts_of_number") == 2, plan
            assert plan.count("Scan using contacts_key on") == 1, plan
            assert "contacts_pkey" not in plan


async def test_two_copies_side_by_side_count_each_wish_once(world: World) -> None:
    company_id, header = await world.company()
    dsn = world.process.settings.model_dump()["database_url"]
    texts = [arrived(("STOP", "START")[n % 2], header, (ALICE, BOB)[n // 2 % 2]) for n in range(200)]
    async with (
        heard(world.infra, ContactsStopped, ContactsReinstated) as events,
        running(world.infra, SERVICE, dsn=dsn),
    ):
        for n in range(0, 200, 4):
            await world.messaging.publish(TextsArrived(company_id=0, items=texts[n : n + 4]))
        await world.keeps(*texts)

    assert (await world.stops(company_id), sorted(await world.reinstates(company_id))) == ([], [ALICE, BOB])
    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        rows = await tx.fetch("SELECT sequence FROM contacts WHERE company_id = $1", company_id)
    assert [row["sequence"] for row in rows] == [100, 100]
    told = [(type(event), item["number"], item["sequence"]) for event in events for item in event.model_dump()["items"]]
    assert len(told) == len(set(told))


async def test_strangers_are_refused(world: World) -> None:
    assert await world.gateway.refused(ReadStops()) == Code.SESSION_EXPIRED
    assert await world.gateway.refused(ReadReinstates()) == Code.SESSION_EXPIRED
    assert await world.console.refused(ReadStops()) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(ReadStops.model_construct(after=-1), grant(1)) == Code.INVALID_REQUEST


@pytest.mark.parametrize(
    ("planted", "undone"),
    [
        ("UPDATE contacts SET state = 'reinstated' WHERE company_id = $1", "UPDATE contacts SET state = 'stopped' WHERE company_id = $1"),
        ("UPDATE contacts SET sequence = sequence + 1 WHERE company_id = $1", "UPDATE contacts SET sequence = sequence - 1 WHERE company_id = $1"),
        ("UPDATE texts SET company_id = company_id + 1000 WHERE company_id = $1", "UPDATE texts SET company_id = $1 WHERE company_id = $1 + 1000"),
    ],
)  # fmt: skip
async def test_the_books_find_what_was_planted(world: World, planted: str, undone: str) -> None:
    company_id, header = await world.company()
    stop = arrived("STOP", header)
    await world.bring(stop)
    before = await world.console.ask(ReadInboundBooks())
    assert (before.faults, before.stopped > 0, before.received > 0) == ([], True, True)
    assert world.process.db is not None
    async with world.process.db.transaction() as tx:
        await tx.execute(planted, company_id)

    fault, *others = (await world.console.ask(ReadInboundBooks())).faults
    assert f"company {company_id}:" in fault
    assert str(stop.id) in fault
    assert [f"company {company_id + 1000}: the wish in text {stop.id} was not obeyed"] * ("texts" in planted) == others

    async with world.process.db.transaction() as tx:
        await tx.execute(undone, company_id)
