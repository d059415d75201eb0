"""The inbox: whatever is looked for is found, page by page; marks are all or nothing; another company's texts are not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.base import Ask, Code
from libs.common.contracts.inbound import (
    CreateTextIn,
    InboxText,
    MarkTexts,
    ReadInbound,
    SetTextInActive,
    ShowInbound,
)
from libs.common.ids import uuid7
from tests.harness import grant
from tests.integration.inbound.conftest import ALICE, AT, BOB, World, arrived, companies


async def all_pages(world: World, company_id: int, ask: ReadInbound) -> list[InboxText]:
    found: list[InboxText] = []
    more = True
    while more:
        page = await world.gateway.ask(ask, grant(company_id))
        assert len(page.items) <= ask.limit
        assert page.items or not page.more, "a page that goes on says from where"
        found += page.items
        more = page.more
        ask = ask.model_copy(update={"after": found[-1].id if found else None})
    return found


Filter = tuple[dict[str, Any], Callable[[InboxText], bool]]  # how it is asked for, and what it means


@dataclass(frozen=True)
class Inbox:
    """A company whose 60 texts came to two headers from two numbers, some with a keyword, some marked."""

    company_id: int
    headers: tuple[str, str]
    text_ins: tuple[int, int]
    texts: list[InboxText]


@pytest.fixture(scope="module")
async def inbox(world: World) -> Inbox:
    company_id, header = await world.company()
    other = f"{70_000 + company_id}"
    await world.give_header(company_id, other)
    win, car = [
        (await world.console.ask(CreateTextIn(company_id=company_id, header=to, keyword=word))).id
        for to, word in ((header, "WIN"), (other, "car"))
    ]
    texts = [
        arrived(
            ("win now", "car please", "hello")[n % 3],
            (header, other)[n // 3 % 2],
            (ALICE, BOB)[n // 6 % 2],
            at=AT + timedelta(seconds=n // 4),
        )
        for n in range(60)
    ]
    await world.bring(*texts)
    ids = [text.id for text in texts]
    mine = grant(company_id)
    await world.gateway.ask(MarkTexts(ids=ids[::2], read=True), mine)
    await world.gateway.ask(MarkTexts(ids=ids[::5], read=True, handled=True), mine)
    await world.gateway.ask(MarkTexts(ids=[ids[10], ids[1]], read=False), mine)
    kept = await world.texts_of(company_id)
    assert len(kept) == 60
    assert {(text.read, text.handled) for text in kept} == set(product((True, False), repeat=2))
    assert {text.text_in_id for text in kept} == {win, car, None}
    return Inbox(company_id, (header, other), (win, car), kept)


async def test_whatever_filters_are_given_each_narrows_what_is_found(world: World, inbox: Inbox) -> None:
    anything: Filter = ({}, lambda _: True)
    choices: list[list[Filter]] = [
        [anything, ({"read": True}, lambda t: t.read), ({"read": False}, lambda t: not t.read)],
        [anything, ({"handled": True}, lambda t: t.handled), ({"handled": False}, lambda t: not t.handled)],
        [anything, ({"number": "07700 900001"}, lambda t: t.number == ALICE)],
        [anything, ({"to": f" {inbox.headers[1]} "}, lambda t: t.to == inbox.headers[1])],
        [
            anything,
            ({"text_in_id": inbox.text_ins[0]}, lambda t: t.text_in_id == inbox.text_ins[0]),
            ({"text_ins_only": True}, lambda t: t.text_in_id is not None),
        ],
        [
            anything,
            (
                {"since": AT + timedelta(seconds=3), "until": AT + timedelta(seconds=11)},
                lambda t: AT + timedelta(seconds=3) <= t.at < AT + timedelta(seconds=11),
            ),
        ],
    ]

    async def check(filters: tuple[Filter, ...]) -> int:
        asked = {name: value for asks, _ in filters for name, value in asks.items()}
        found = await all_pages(world, inbox.company_id, ReadInbound(**asked, limit=7))
        assert found == [text for text in inbox.texts if all(fits(text) for _, fits in filters)], asked
        return len(found)

    counts = [
        n for some in zip(*[iter(product(*choices))] * 12, strict=True) for n in await asyncio.gather(*map(check, some))
    ]
    assert len(counts) == 3 * 3 * 2 * 2 * 3 * 2
    assert sum(count > 0 for count in counts) > 90


async def test_a_text_is_shown_with_its_marks_and_text_in(world: World, inbox: Inbox) -> None:
    shown = [await world.gateway.ask(ShowInbound(id=text.id), grant(inbox.company_id)) for text in inbox.texts[:5]]
    assert shown == inbox.texts[:5]


async def test_texts_asked_for_together_by_several_companies_are_each_answered(world: World, inbox: Inbox) -> None:
    stranger, header = await world.company()
    its = arrived("its", header)
    await world.bring(its)

    shows = [(company_id, id_) for company_id in (inbox.company_id, stranger) for id_ in (inbox.texts[0].id, its.id)]
    answers = await asyncio.gather(
        *(world.gateway.ask(ShowInbound(id=id_), grant(company_id)) for company_id, id_ in shows),
        return_exceptions=True,
    )
    assert [getattr(answer, "id", None) or getattr(answer, "code", None) for answer in answers] == [
        inbox.texts[0].id,
        Code.NOT_FOUND,
        Code.NOT_FOUND,
        its.id,
    ]


async def test_a_mark_that_is_not_given_stays_as_it_is(world: World) -> None:
    company_id, header = await world.company()
    first, second = arrived("a", header), arrived("b", header)
    await world.bring(first, second)

    async def marked(*ids: UUID, read: bool | None = None, handled: bool | None = None) -> list[tuple[bool, bool]]:
        await world.gateway.ask(MarkTexts(ids=list(ids), read=read, handled=handled), grant(company_id))
        return [(text.read, text.handled) for text in await world.texts_of(company_id)]

    assert await marked(first.id, second.id, first.id, read=True) == [(True, False), (True, False)]
    assert await marked(first.id, handled=True) == [(True, True), (True, False)]
    assert await marked(first.id) == [(True, True), (True, False)]
    assert await marked(first.id, read=False) == [(False, True), (True, False)]


async def test_where_one_text_is_not_there_none_is_marked(world: World) -> None:
    (company_id, header), (stranger, others_header) = await world.company(), await world.company()
    mine, others = arrived("mine", header), arrived("another's", others_header)
    await world.bring(mine, others)

    for missing in (others.id, uuid7()):
        ask = MarkTexts(ids=[mine.id, missing], read=True, handled=True)
        assert await world.gateway.refused(ask, grant(company_id)) == Code.NOT_FOUND

    for company in (company_id, stranger):
        assert [(text.read, text.handled) for text in await world.texts_of(company)] == [(False, False)]


async def test_marks_set_at_once_in_any_order_do_not_wait_for_each_other_for_ever(world: World) -> None:
    company_id, header = await world.company()
    texts = [arrived(f"{n}", header) for n in range(50)]
    await world.bring(*texts)
    ids = [text.id for text in texts]

    await asyncio.gather(
        *(world.gateway.ask(MarkTexts(ids=ids[:: (1, -1)[n % 2]], read=True), grant(company_id)) for n in range(20))
    )
    assert all(text.read for text in await world.texts_of(company_id))


async def test_another_companys_texts_and_text_ins_answer_as_unknown_ones(world: World, inbox: Inbox) -> None:
    stranger = next(companies)
    foreign, unknown = inbox.texts[0].id, uuid7()
    asks: list[tuple[Ask[Any], Ask[Any]]] = [
        (ShowInbound(id=foreign), ShowInbound(id=unknown)),
        (MarkTexts(ids=[foreign], read=True), MarkTexts(ids=[unknown], read=True)),
        (ReadInbound(after=foreign), ReadInbound(after=unknown)),
        (ReadInbound(text_in_id=inbox.text_ins[0]), ReadInbound(text_in_id=2**62)),
    ]
    for pair in asks:
        for ask in pair:
            assert await world.gateway.refused(ask, grant(stranger)) == Code.NOT_FOUND
            assert await world.gateway.refused(ask) == Code.SESSION_EXPIRED
            assert await world.console.refused(ask) == Code.PERMISSION_DENIED
    assert await world.gateway.ask(ReadInbound(number=ALICE, to=inbox.headers[0]), grant(stranger)) == (
        await world.gateway.ask(ReadInbound(), grant(stranger))
    )


async def test_the_texts_of_a_text_in_are_there_when_it_is_switched_off(world: World) -> None:
    company_id, header = await world.company()
    text_in = await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword="WIN"))
    text = arrived("win", header)
    await world.bring(text)
    await world.console.ask(SetTextInActive(id=text_in.id, active=False))

    page = await world.gateway.ask(ReadInbound(text_in_id=text_in.id), grant(company_id))
    assert [item.id for item in page.items] == [text.id]


@pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 5_001}, {"text_in_id": 2**63}])
async def test_what_cannot_be_looked_for_is_refused(world: World, body: dict[str, Any]) -> None:
    assert await world.gateway.refused(ReadInbound.model_construct(**body), grant(1)) == Code.INVALID_REQUEST
    assert await world.gateway.refused(MarkTexts.model_construct(ids=[]), grant(1)) == Code.INVALID_REQUEST


async def test_times_at_the_ends_of_the_calendar_are_no_trouble(world: World, inbox: Inbox) -> None:
    body = {"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-12:00", "limit": 60}
    page = await world.gateway.ask(ReadInbound.model_validate(body), grant(inbox.company_id))
    assert page.items == inbox.texts
