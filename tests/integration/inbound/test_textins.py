"""Text-ins: a keyword on a header, made by an operator."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import (
    TEXT_INS_MAX,
    CreateTextIn,
    InboundText,
    ListTextIns,
    MembershipsWanted,
    RepliesWanted,
    SetTextInActive,
    TextIn,
    TextsReceived,
)
from libs.common.contracts.textins import SetTextInActions, TextInActions
from libs.common.ids import uuid7
from services.inbound.__main__ import SERVICE
from tests.harness import eventually, grant, heard, running
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived, companies


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


@pytest.mark.parametrize("keyword", ["", "two words", "!!", "**", "STOP", "start", "stopper", "x" * 41])
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
    assert await world.console.refused(ListTextIns()) == Code.INVALID_REQUEST
    assert (await world.console.ask(ListTextIns(company_id=company_id))).items == [text_in]
    assert await world.console.refused(SetTextInActive(id=2**31 - 1, active=False)) == Code.NOT_FOUND
    await world.gateway.ask(ask, grant(next(companies), "administer"))


async def test_a_companys_user_says_what_follows_and_a_text_is_followed_by_it(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    actions = TextInActions(reply="You are in.", join_list_id=3, campaign_id=9)
    await world.gateway.ask(SetTextInActions(id=text_in.id, actions=actions), grant(company_id, "send"))
    win, stop, other = arrived("win a car", header), arrived("STOP", header), arrived("hello", header)

    async with heard(world.infra, TextsReceived, RepliesWanted, MembershipsWanted) as events:
        event = await world.bring(win, stop, other)
        await world.messaging.publish(event)  # a repeat

        async def told() -> bool:
            return any(isinstance(event, MembershipsWanted) for event in events)

        await eventually(told)
        await world.bring(arrived("bye", header))
    assert [text.campaign_id for text in await world.texts_of(company_id)][:3] == [9, None, None]
    mine = [event for event in events if event.company_id == company_id]
    received = [item for event in mine if isinstance(event, TextsReceived) for item in event.items]
    assert (
        InboundText(
            id=win.id, number=ALICE, to=header, body="win a car", at=win.at, text_in_id=text_in.id, campaign_id=9
        )
        in received
    )
    replies = [item for event in mine if isinstance(event, RepliesWanted) for item in event.items if not item.exempt]
    assert [(reply.to, reply.sender, reply.body) for reply in replies] == [(ALICE, header, "You are in.")]
    joins = [item for event in mine if isinstance(event, MembershipsWanted) for item in event.items]
    assert [(join.list_id, join.number, join.joins, join.at) for join in joins] == [(3, ALICE, True, win.at)]


async def test_the_secret_of_a_webhook_is_told_to_whoever_set_it_and_to_nobody_else(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    mine, id_ = grant(company_id, "send"), uuid7()

    def to(url: str) -> SetTextInActions:
        return SetTextInActions(id=text_in.id, actions=TextInActions(webhook_url=url))

    secret = (await world.gateway.ask(to("https://example.com/a"), mine, id_)).secret
    assert secret is not None
    assert (await world.gateway.ask(to("https://example.com/a"), mine, id_)).secret == secret
    assert (await world.gateway.ask(to("https://example.com/a"), mine)).secret is None
    new = (await world.gateway.ask(to("https://example.com/b"), mine)).secret
    assert new is not None
    assert new != secret
    [listed] = (await world.gateway.ask(ListTextIns(), mine)).items
    assert listed.actions == TextInActions(webhook_url="https://example.com/b")
    assert "whsec" not in listed.model_dump_json()


async def test_only_a_user_of_the_company_who_may_send_says_what_follows(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    ask = SetTextInActions(id=text_in.id, actions=TextInActions(reply="hi"))

    assert await world.gateway.refused(ask, grant(company_id)) == Code.PERMISSION_DENIED
    assert await world.gateway.refused(ask, grant(next(companies), "send")) == Code.NOT_FOUND
    assert await world.gateway.refused(ask) == Code.SESSION_EXPIRED
    bad = SetTextInActions(id=text_in.id, actions=TextInActions(webhook_url="ftp://example.com"))
    assert await world.gateway.refused(bad, grant(company_id, "send")) == Code.INVALID_REQUEST
    assert (await world.gateway.ask(ListTextIns(), grant(company_id))).items == [text_in]


async def test_a_star_claims_what_no_other_keyword_claims(world: World) -> None:
    number, (one, two) = await world.shared_number(2)
    company_id, header = await world.company()
    star = await world.console.ask(CreateTextIn(company_id=one, header=number, keyword="*"))
    own_star = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="*"))
    await world.console.ask(CreateTextIn(company_id=two, header=number, keyword="CAR"))

    await world.bring(arrived("hello", number), arrived("car 7", number), arrived("", number), arrived("hi", header))

    assert [(text.body, text.text_in_id) for text in await world.texts_of(one)] == [("hello", star.id), ("", star.id)]
    assert [text.body for text in await world.texts_of(two)] == ["car 7"]
    assert [text.text_in_id for text in await world.texts_of(company_id)] == [own_star.id]
    assert await world.console.refused(CreateTextIn(company_id=two, header=number, keyword="*")) == Code.DUPLICATE


async def test_a_text_to_a_shared_number_is_the_last_senders_before_it_is_the_stars(world: World) -> None:
    number, (one, two, three) = await world.shared_number(3)
    await world.console.ask(CreateTextIn(company_id=one, header=number, keyword="*"))
    assert world.process.db is not None
    async with world.process.db.transaction() as tx:
        sql = "INSERT INTO last_senders (header_key, number, company_id, at, text_id) VALUES ($1, $2, $3, $4, $5)"
        for company_id, days in ((three, 29), (two, 1), (one, 31)):
            await tx.execute(sql, number, ALICE, company_id, AT - timedelta(days=days), uuid7())
        await tx.execute(sql, number, BOB, two, AT - timedelta(days=31), uuid7())

    await world.bring(arrived("thanks", number), arrived("who is this", number, BOB))

    assert [text.body for text in await world.texts_of(two)] == ["thanks"]
    assert [text.body for text in await world.texts_of(one)] == ["who is this"]
    assert await world.texts_of(three) == []
