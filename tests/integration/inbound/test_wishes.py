"""Wishes beyond the plain STOP: how far they reach, whose they are on a shared number, what a person settles, what is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code, Event
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, CreateTextIn, RepliesWanted
from libs.common.contracts.messaging import TextsArrived
from libs.common.contracts.optouts import (
    AddOptOuts,
    LiftOptOut,
    OptOut,
    OptOutPolicy,
    ReadOptOutPolicy,
    ReadOptOuts,
    ReadReviews,
    Review,
    Scope,
    SetOptOutPolicy,
    SettleReview,
)
from libs.common.ids import uuid7
from services.inbound.__main__ import SERVICE
from tests.harness import eventually, grant, heard, running
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived


async def set_policy(world: World, company_id: int, **policy: Any) -> None:
    await world.gateway.ask(SetOptOutPolicy(policy=OptOutPolicy(**policy)), grant(company_id, SEND))


async def stopped(world: World, company_id: int, number: str | None = None) -> list[OptOut]:
    return (await world.gateway.ask(ReadOptOuts(number=number), grant(company_id))).items


async def scopes(world: World, company_id: int) -> list[str]:
    return sorted(item.scope for item in await stopped(world, company_id))


async def reviews(world: World, company_id: int) -> list[Review]:
    return (await world.gateway.ask(ReadReviews(), grant(company_id))).items


async def told(events: list[Event], company_id: int, count: int) -> list[tuple[str, str, bool, int]]:
    """What was told of a company's contacts, once that is so much: kind, scope, soft, sequence."""

    async def all_told() -> list[tuple[str, str, bool, int]]:
        found = [
            (event.type.split(".")[-1], item["scope"], item["soft"], item["sequence"])
            for event in events
            if event.company_id == company_id
            for item in event.model_dump()["items"]
        ]
        return found if len(found) >= count else []

    found: list[tuple[str, str, bool, int]] = await eventually(all_told)
    return sorted(found, key=lambda one: one[3])


async def answered(events: list[Event], company_id: int, count: int) -> list[tuple[str, str, str, bool]]:
    async def all_answered() -> list[tuple[str, str, str, bool]]:
        found = [
            (item["to"], item["sender"], item["body"], item["exempt"])
            for event in events
            if event.company_id == company_id
            for item in event.model_dump()["items"]
        ]
        return found if len(found) >= count else []

    found: list[tuple[str, str, str, bool]] = await eventually(all_answered)
    return found


# How far a STOP reaches


async def test_a_stop_reaches_as_far_as_the_companys_policy_says_and_stop_all_the_whole_company(world: World) -> None:
    company_id, header = await world.company()
    await world.give_header(company_id, header, version=2, brand="Bright Shoes")
    await set_policy(world, company_id, scope=Scope.HEADER)

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(arrived("STOP", header))
        await set_policy(world, company_id, scope=Scope.BRAND)
        await world.bring(arrived("stop", header))
        await world.bring(arrived("STOP ALL", header))
        stops = await told(events, company_id, 3)
        assert sorted(scope for _, scope, _, _ in stops) == ["", "brand:bright shoes", f"header:{header}"]
        assert {sequence for *_, sequence in stops} == {1}, "each scope has a sequence of its own"
        assert await world.stops(company_id) == [ALICE], "a number is listed once"

        await world.bring(arrived("START", header))
        assert len(await told(events, company_id, 6)) == 6
    assert await stopped(world, company_id) == []
    assert (await world.stops(company_id), await world.reinstates(company_id)) == ([], [ALICE])


async def test_a_start_to_another_header_leaves_what_is_stopped_at_the_first(world: World) -> None:
    company_id, header = await world.company()
    other = f"{70_000 + company_id}"
    await world.give_header(company_id, other)
    await set_policy(world, company_id, scope=Scope.HEADER)

    await world.bring(arrived("STOP", header), arrived("STOP", other))
    await world.bring(arrived("START", other))

    assert await scopes(world, company_id) == [f"header:{header}"]
    assert (await world.stops(company_id), await world.reinstates(company_id)) == ([ALICE], [])


async def test_a_companys_own_words_stop_and_start_its_texts_alone(world: World) -> None:
    (company_id, header), (other, others) = await world.company(), await world.company()
    await set_policy(world, company_id, stop_words=["Leave us"], start_words=["Back!"])
    read = await world.gateway.ask(ReadOptOutPolicy(), grant(company_id))
    assert (read.stop_words, read.start_words) == (["leave us"], ["back"])

    await world.bring(arrived("LEAVE US.", header), arrived("LEAVE US.", others))
    assert (await world.stops(company_id), await world.stops(other)) == ([ALICE], [])
    await world.bring(arrived("back", header))
    assert await world.stops(company_id) == []


@pytest.mark.parametrize(("stop", "start"), [("!", "back"), ("STOP", "back"), ("leave", "help"), ("leave", "Leave")])
async def test_words_that_mean_something_to_everybody_or_nothing_are_refused(
    world: World, stop: str, start: str
) -> None:
    policy = OptOutPolicy(stop_words=[stop], start_words=[start])
    assert await world.gateway.refused(SetOptOutPolicy(policy=policy), grant(1, SEND)) == Code.INVALID_REQUEST


async def test_a_keyword_goes_before_cancel_and_never_before_stop(world: World) -> None:
    company_id, header = await world.company()
    await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="CANCEL"))
    await world.bring(arrived("cancel", header), arrived("STOP", header, BOB))
    assert await world.stops(company_id) == [BOB]


# Whose a STOP is on a shared number


async def test_stop_on_a_shared_number_is_the_last_senders_and_a_further_one_the_one_befores(world: World) -> None:
    number, (one, two, three) = await world.shared_number(3)
    await world.used(one, number)
    await world.used(two, number)
    await world.used(three, number, BOB)

    await world.bring(arrived("STOP", number))
    assert [await world.stops(company_id) for company_id in (one, two, three)] == [[], [ALICE], []]
    await world.bring(arrived("stop", number))
    assert [await world.stops(company_id) for company_id in (one, two, three)] == [[ALICE], [ALICE], []]
    await world.bring(arrived("START", number))
    assert [await world.stops(company_id) for company_id in (one, two, three)] == [[], [ALICE], []]
    await world.bring(arrived("STOP ALL", number))
    assert [await world.stops(company_id) for company_id in (one, two, three)] == [[ALICE], [ALICE], [ALICE]]
    await world.bring(arrived("Start", number))
    assert [await world.stops(company_id) for company_id in (one, two, three)] == [[], [], []]


async def test_two_stops_in_one_event_are_two_senders(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    await world.used(one, number)
    await world.used(two, number)
    await world.bring(arrived("STOP", number), arrived("STOP", number))
    assert [await world.stops(company_id) for company_id in (one, two)] == [[ALICE], [ALICE]]


async def test_two_stops_handled_side_by_side_are_two_senders(world: World) -> None:
    number, company_ids = await world.shared_number(6)
    for company_id in company_ids:
        await world.used(company_id, number)
    dsn = world.process.settings.model_dump()["database_url"]
    texts = [arrived("STOP", number) for _ in company_ids]
    async with running(world.infra, SERVICE, dsn=dsn):
        for text in texts:
            await world.messaging.publish(TextsArrived(company_id=0, items=[text]))
        await world.keeps(*texts)
    assert [await world.stops(company_id) for company_id in company_ids] == [[ALICE]] * 6


async def test_a_named_service_is_the_one_that_is_stopped(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    await world.give_header(one, number, version=2, shared=True, brand="Bright Shoes")
    await world.console.ask(CreateTextIn(company_id=two, header=number, keyword="WIN"))
    await world.used(one, number)
    await world.used(one, number, BOB)

    await world.bring(arrived("STOP WIN", number), arrived("stop bright shoes please", number, BOB))

    assert (await world.stops(one), await world.stops(two)) == ([BOB], [ALICE])


async def test_what_was_the_last_senders_is_not_heard_by_who_gets_the_number_later_and_a_stop_all_is(
    world: World,
) -> None:
    number, (one,) = await world.shared_number(1)
    await world.used(one, number)
    await world.bring(arrived("STOP", number), arrived("STOP ALL", number, BOB))

    later = one + 5_000
    await world.give_header(later, number, shared=True)

    async def heard_of() -> bool:
        return await world.stops(later) == [BOB]

    await eventually(heard_of)


# What a person settles


async def test_a_soft_match_holds_marketing_at_once_and_waits_for_a_person(world: World) -> None:
    company_id, header = await world.company()
    soft = arrived("Please stop texting me", header)

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.bring(soft, arrived("Stop knowing me so well!", header, BOB))
        assert await told(events, company_id, 1) == [("stopped", "", True, 1)]
        assert [(item.id, item.body, item.number) for item in await reviews(world, company_id)] == [
            (soft.id, "Please stop texting me", ALICE)
        ]
        assert await world.stops(company_id) == [], "it is no STOP yet"
        assert [(item.soft, item.text_id) for item in await stopped(world, company_id)] == [(True, soft.id)]

        settle = SettleReview(id=soft.id, opt_out=False, reason="a joke")
        assert await world.gateway.refused(settle, grant(company_id)) == Code.PERMISSION_DENIED
        assert await world.gateway.refused(settle, grant(company_id + 5_000, SEND)) == Code.NOT_FOUND
        await world.gateway.ask(settle, grant(company_id, SEND))
        assert await told(events, company_id, 2) == [("stopped", "", True, 1), ("reinstated", "", True, 2)]
        assert await world.gateway.refused(settle, grant(company_id, SEND)) == Code.WRONG_STATE
    assert (await reviews(world, company_id), await stopped(world, company_id)) == ([], [])
    assert await world.reinstates(company_id) == [], "nobody texted START"


async def test_a_person_makes_a_full_stop_of_a_soft_match(world: World) -> None:
    company_id, header = await world.company()
    first, second = arrived("remove me", header), arrived("wrong number", header)
    await world.bring(first, second)
    await world.gateway.ask(SettleReview(id=first.id, opt_out=True, reason="clear"), grant(company_id, SEND))
    assert await reviews(world, company_id) == [], "the other one says nothing more"
    assert await world.stops(company_id) == [ALICE]
    [item] = await stopped(world, company_id)
    assert (item.soft, item.text_id, item.user_id, item.reason) == (False, None, 1, "clear")


async def test_a_plain_wish_settles_what_a_person_had_to_read(world: World) -> None:
    company_id, header = await world.company()
    await world.bring(arrived("pls stop", header), arrived("pls stop", header, BOB))
    await world.bring(arrived("STOP", header), arrived("START", header, BOB))
    assert await reviews(world, company_id) == []
    assert (await world.stops(company_id), await world.reinstates(company_id)) == ([ALICE], [BOB])


async def test_a_person_adds_and_lifts_an_opt_out_for_a_reason(world: World) -> None:
    company_id, header = await world.company()
    may = grant(company_id, SEND, user_id=7)
    await set_policy(world, company_id, scope=Scope.HEADER)
    add = AddOptOuts(numbers=["07700 900001", BOB], reason="asked on the phone", header=header)
    assert await world.gateway.refused(add, grant(company_id)) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(add.model_copy(update={"header": "99"}), may) == Code.NOT_FOUND
    assert await world.gateway.refused(add.model_copy(update={"numbers": ["x"]}), may) == Code.INVALID_NUMBER

    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.gateway.ask(add, may)
        assert len(await told(events, company_id, 2)) == 2
        [item] = await stopped(world, company_id, ALICE)
        assert (item.scope, item.user_id, item.reason, item.text_id) == (f"header:{header}", 7, add.reason, None)

        lift = LiftOptOut(number=ALICE, reason="asked us back")
        await world.gateway.ask(lift, may)
        assert (await told(events, company_id, 3))[-1] == ("reinstated", f"header:{header}", False, 2)
        assert await world.gateway.refused(lift, may) == Code.NOT_FOUND
    assert await world.stops(company_id) == [BOB]


async def test_an_operator_stops_a_number_everywhere(world: World) -> None:
    company_id, _ = await world.company()
    number = "+447700900777"
    async with heard(world.infra, ContactsStopped, ContactsReinstated) as events:
        await world.console.ask(AddOptOuts(numbers=[number], reason="complaint to 7726"))
        assert await told(events, 0, 1) == [("stopped", "", False, 1)]
        refused = await world.gateway.refused(LiftOptOut(number=number, reason="x"), grant(company_id, SEND))
        assert refused == Code.NOT_FOUND, "only an operator lifts it"
        await world.console.ask(LiftOptOut(number=number, reason="settled"))
        assert (await told(events, 0, 2))[-1] == ("reinstated", "", False, 2)


# What is answered


async def test_a_stop_and_a_start_are_confirmed_once_and_help_is_answered(world: World) -> None:
    company_id, header = await world.company()
    await world.give_header(company_id, header, version=2, brand="Bright Shoes")
    async with heard(world.infra, RepliesWanted) as events:
        await world.bring(arrived("HELP", header))
        await world.bring(arrived("STOP", header, at=AT))
        await world.bring(arrived("stop!", header, at=AT + timedelta(hours=11)))
        await world.bring(arrived("START", header, at=AT + timedelta(hours=11)))
        found = await answered(events, company_id, 3)
        await world.bring(arrived("please stop", header, BOB), arrived("hello", header, BOB))
        await world.bring(arrived("STOP", header, "82999"), arrived("STOP", header, "Shop"))
        await world.bring(arrived("STOP", header, BOB))
        [*_, last] = found = await answered(events, company_id, 4)
    assert len(found) == 4
    assert [words.split(":")[1].split()[:4] for _, _, words, _ in found[1:3]] == [
        ["you", "are", "opted", "out"],
        ["you", "are", "opted", "in"],
    ]
    assert found[0][2] == f"Bright Shoes texts you from {header}. To get no more messages, text STOP to {header}."
    assert last == (BOB, header, f"Bright Shoes: you are opted out and will get no more messages from {header}. Text START to rejoin.", True)  # fmt: skip
    assert {(sender, exempt) for _, sender, _, exempt in found} == {(header, True)}


async def test_a_stop_that_many_companies_hear_is_confirmed_once(world: World) -> None:
    number, company_ids = await world.shared_number(3)
    async with heard(world.infra, RepliesWanted) as events:
        await world.bring(arrived("STOP ALL", number))
        await world.bring(arrived("HELP", number, BOB))
        await answered(events, company_ids[0], 2)
    assert {event.company_id for event in events if event.company_id in company_ids} == {company_ids[0]}


async def test_two_machines_that_answer_each_other_come_to_rest(world: World) -> None:
    company_id, header = await world.company()
    async with heard(world.infra, RepliesWanted) as events:
        for _ in range(8):
            await world.bring(arrived("HELP", header))
        await world.bring(arrived("HELP", header, BOB))

        async def bob_is_answered() -> bool:
            return any(item.to == BOB for event in events if isinstance(event, RepliesWanted) for item in event.items)

        await eventually(bob_is_answered)
    mine = [item for event in events if isinstance(event, RepliesWanted) and event.company_id == company_id for item in event.items]  # fmt: skip
    assert [item.to for item in mine] == [ALICE, ALICE, BOB]


async def test_a_repeat_of_a_text_is_answered_and_counted_once(world: World) -> None:
    company_id, header = await world.company()
    stop = arrived("STOP", header, carrier_id=f"wish-{uuid7()}")
    async with heard(world.infra, RepliesWanted) as events:
        await world.bring(stop)
        await world.bring(stop, arrived("STOP", header, BOB))
        found = await answered(events, company_id, 2)
    assert [to for to, *_ in found] == [ALICE, BOB]
