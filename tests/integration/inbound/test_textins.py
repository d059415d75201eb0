"""Text-ins: a keyword on a header, made by an operator."""

from __future__ import annotations

import pytest

from libs.common.contracts.base import Code
from libs.common.contracts.inbound import CreateTextIn, TextIn
from libs.common.ids import uuid7
from tests.harness import grant
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
