"""Text-ins: a keyword on a header, made by an operator."""

from __future__ import annotations

import asyncio

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import TEXT_INS_MAX, CreateTextIn, ListTextIns, SetTextInActive, TextIn
from libs.common.ids import uuid7
from services.inbound.__main__ import SERVICE
from tests.harness import grant, running
from tests.integration.inbound.conftest import World, arrived, companies


async def test_a_text_that_begins_with_the_keyword_is_the_text_ins(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword=" Café "))
    assert text_in == TextIn(id=text_in.id, company_id=company_id, header=header, keyword="Café")
    texts = [arrived(body, header) for body in ("CAFÉ 2 please", "“Cafe\u0301”", "a café", "cafés")]

    await world.bring(*texts)

    assert len(await world.texts_of(company_id)) == 4
    assert world.process.db is not None
    async with world.process.db.reading() as tx:
        claimed = await tx.fetch("SELECT id FROM texts WHERE text_in_id = $1 ORDER BY id", text_in.id)
    assert [row["id"] for row in claimed] == [texts[0].id, texts[1].id]


async def test_a_repeat_with_the_same_id_is_answered_the_same(world: World) -> None:
    company_id, header = await world.company()
    ask, id_ = CreateTextIn(company_id=company_id, header=header, keyword="WIN"), uuid7()

    assert await world.console.ask(ask, "", id_) == await world.console.ask(ask, "", id_)


@pytest.mark.parametrize("keyword", ["", "two words", "!!", "STOP", "start", "'Quit'", "x" * 41])
async def test_a_keyword_is_refused(world: World, keyword: str) -> None:
    company_id, header = await world.company()
    ask = CreateTextIn.model_construct(company_id=company_id, header=header, keyword=keyword)

    assert await world.console.refused(ask) == Code.INVALID_REQUEST


async def test_a_keyword_is_given_once_a_header_whatever_its_case(world: World) -> None:
    (company_id, header), (other, others_header) = await world.company(), await world.company()
    await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="Win"))

    again = CreateTextIn(company_id=company_id, header=header, keyword="WIN!")
    assert await world.console.refused(again) == Code.DUPLICATE
    await world.console.ask(CreateTextIn(company_id=other, header=others_header, keyword="WIN"))


async def test_a_header_that_is_not_the_companys_is_not_found_as_one_that_is_nobodys(world: World) -> None:
    (company_id, _), (_, others_header) = await world.company(), await world.company()
    switched_off = f"{70_000 + next(companies)}"
    await world.give_header(company_id, switched_off, active=False)

    for header in (others_header, "99999", switched_off):
        ask = CreateTextIn(company_id=company_id, header=header, keyword="WIN")
        assert await world.console.refused(ask) == Code.NOT_FOUND


async def test_only_an_operator_makes_text_ins(world: World) -> None:
    company_id, header = await world.company()
    ask = CreateTextIn(company_id=company_id, header=header, keyword="WIN")

    assert await world.gateway.refused(ask, grant(company_id, "send")) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(ask) == Code.SESSION_EXPIRED
    assert (await world.gateway.ask(ask, grant(1, "administer"))).company_id == company_id


async def test_a_keyword_of_a_shared_number_is_one_companys(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    await world.console.ask(CreateTextIn(company_id=one, header=number, keyword="WIN"))

    assert await world.console.refused(CreateTextIn(company_id=two, header=number, keyword="win")) == Code.DUPLICATE
    car = await world.console.ask(CreateTextIn(company_id=two, header=number, keyword="CAR"))
    assert car.company_id == two


async def test_a_text_in_that_is_switched_off_claims_nothing_and_keeps_its_keyword(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    company_id, header = await world.company()
    shared = await world.console.ask(CreateTextIn(company_id=one, header=number, keyword="WIN"))
    own = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    before = await world.unclaimed()

    for text_in in (shared, own):
        await world.console.ask(SetTextInActive(id=text_in.id, active=False))
    await world.bring(arrived("win", number), arrived("win", header))

    assert await world.unclaimed() == before + 1
    assert await world.texts_of(one) == []
    assert [text.text_in_id for text in await world.texts_of(company_id)] == [None]
    assert await world.console.refused(CreateTextIn(company_id=two, header=number, keyword="WIN")) == Code.DUPLICATE

    await world.console.ask(SetTextInActive(id=shared.id, active=True))
    await world.bring(arrived("win again", number))
    assert [text.body for text in await world.texts_of(one)] == ["win again"]


async def test_a_company_lists_its_own_text_ins(world: World) -> None:
    (company_id, header), (other, others_header) = await world.company(), await world.company()
    first = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="b"))
    second = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="a"))
    await world.console.ask(CreateTextIn(company_id=other, header=others_header, keyword="a"))
    await world.console.ask(SetTextInActive(id=first.id, active=False))

    listed = await world.gateway.ask(ListTextIns(), grant(company_id))
    assert listed.items == [first.model_copy(update={"active": False}), second]
    assert (await world.gateway.ask(ListTextIns(), grant(next(companies)))).items == []


async def test_a_company_has_a_thousand_text_ins_at_most_however_they_are_asked_for(world: World) -> None:
    company_id, header = await world.company()
    asks = [CreateTextIn(company_id=company_id, header=header, keyword=f"k{n}") for n in range(TEXT_INS_MAX + 5)]
    dsn = world.process.settings.model_dump()["database_url"]

    async with running(world.infra, SERVICE, dsn=dsn):
        answers = await asyncio.gather(*(world.console.ask(ask) for ask in asks), return_exceptions=True)

    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert refused == [Code.LIMIT_REACHED] * 5
    assert len((await world.gateway.ask(ListTextIns(), grant(company_id))).items) == TEXT_INS_MAX
    again = CreateTextIn(company_id=company_id, header=header, keyword="more")
    assert await world.console.refused(again) == Code.LIMIT_REACHED


async def test_only_an_operator_switches_text_ins(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    ask = SetTextInActive(id=text_in.id, active=False)

    assert await world.gateway.refused(ask, grant(company_id, "send")) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(ask) == Code.SESSION_EXPIRED
    assert await world.gateway.refused(ListTextIns()) == Code.SESSION_EXPIRED
    assert await world.console.refused(ListTextIns()) == Code.PERMISSION_DENIED
    assert await world.console.refused(SetTextInActive(id=2**31 - 1, active=False)) == Code.NOT_FOUND
    await world.gateway.ask(ask, grant(next(companies), "administer"))
