"""A company reads its own texts: one by id, many by what it knows of them, page by page, while they move through the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from libs.common.bus.registry import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import (
    TEXTS_PAGE_MAX,
    CancelText,
    FindTexts,
    ReadConversation,
    ReadText,
    SendText,
    SendVerification,
    State,
    Text,
)
from libs.common.grants import Caller
from libs.common.ids import uuid7, uuid7_time
from services.messaging.app import Messaging as App
from services.messaging.conversations import store as conversations
from services.messaging.ledger.closing import close
from services.messaging.lookups import handlers, rules, store
from services.messaging.suppressions import store as suppressions
from tests.harness import client, eventually, grant
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, OTHERS_GRANT, Messaging, number

HOUR_S = 3600.0
OF_ROWS = range(7_000, 8_000)  # companies whose rows a test writes itself
_companies = iter(OF_ROWS)


@pytest.fixture
async def company(messaging: Messaging) -> AsyncIterator[int]:
    company_id = next(_companies)
    yield company_id
    async with messaging.process.app.db.transaction() as tx:
        await tx.execute("DELETE FROM open_texts WHERE company_id = $1", company_id)


async def rows(messaging: Messaging, company_id: int, count: int, **columns: str) -> list[UUID]:
    """Open texts for tomorrow; `columns`: SQL of n."""
    ids = [uuid7() for _ in range(count)]
    names, values = "".join(f", {name}" for name in columns), "".join(f", {value}" for value in columns.values())
    sql = (
        f"INSERT INTO open_texts (id, company_id, lane, number, sender, body, next_attempt_at{names}) "
        f"SELECT id, $1, 1, '+447400000000', 'x', 'x', now() + interval '1 day'{values} FROM unnest($2::uuid[]) WITH ORDINALITY AS t(id, n)"
    )
    async with messaging.process.app.db.transaction() as tx:
        await tx.execute(sql, company_id, ids)
    return ids


async def found(messaging: Messaging, query: FindTexts, grant_: str = GRANT) -> list[UUID]:
    """Over all pages."""
    ids: list[UUID] = []
    more = True
    while more:
        page = await messaging.gateway.ask(query, grant_)
        ids += [text.id for text in page.items]
        more = page.more
        if more:
            query = query.model_copy(update={"after": ids[-1]})
    return ids


async def test_a_text_is_read_as_it_is_at_each_step_of_its_life(messaging: Messaging) -> None:
    body = "Ünïcödé " * 20
    ask = SendText(
        to="07700 900 110", sender="heliograph", body=body, reference="ref 1", send_at=now() + timedelta(hours=1)
    )
    id_ = (await messaging.gateway.ask(ask, GRANT)).id
    waiting = await messaging.gateway.ask(ReadText(id=id_), GRANT)
    await messaging.gateway.ask(CancelText(id=id_), GRANT)
    ended = await messaging.gateway.ask(ReadText(id=id_), GRANT)

    assert waiting == Text(
        id=id_,
        sender="Heliograph",
        to=number(110),
        body=body,
        parts=3,
        state=State.QUEUED,
        reason="",
        reference="ref 1",
        send_at=ask.send_at,
        created_at=uuid7_time(id_),
        submitted_at=None,
        settled_at=None,
        test=False,
    )
    assert ended.settled_at is not None
    changed = {"state": State.CANCELLED, "reason": "cancelled by its company", "settled_at": ended.settled_at}
    assert ended == waiting.model_copy(update=changed)


async def test_another_companys_text_is_as_unknown_as_none(messaging: Messaging) -> None:
    id_ = await messaging.schedule(number(111), HOUR_S, reference="mine")

    for asked in (id_, uuid7()):
        assert await messaging.gateway.refused(ReadText(id=asked), OTHERS_GRANT) == Code.NOT_FOUND
    assert await found(messaging, FindTexts(reference="mine"), OTHERS_GRANT) == []
    assert await found(messaging, FindTexts(number=number(111)), OTHERS_GRANT) == []
    await messaging.gateway.ask(CancelText(id=id_), GRANT)


async def test_a_campaigns_text_is_read_by_id_with_its_words_but_not_found_among_the_single_ones(
    messaging: Messaging, infra: Infra
) -> None:
    recipient = Recipient(id=uuid7(), position=1, number="+447400600001")
    window = RecipientsHandedOver(
        company_id=COMPANY, campaign_id=30_001, sender="82830", body="Sale", items=[recipient]
    )
    async with client(infra, "campaign") as campaign:
        await campaign.publish(window)
        await eventually(lambda: messaging.count("SELECT count(*) FROM texts WHERE id = $1", recipient.id))

    text = await messaging.gateway.ask(ReadText(id=recipient.id), GRANT)
    assert (text.body, text.parts, text.state) == ("Sale", 1, State.DELIVERED)
    assert await found(messaging, FindTexts(number=recipient.number)) == []


async def test_a_verification_is_found_but_neither_its_code_nor_its_words_can_be_read(messaging: Messaging) -> None:
    ask = SendVerification(to=number(112), sender="82830", body="x" * 155, rule="8 digits")
    answer = await messaging.gateway.ask(ask, GRANT)
    waiting = await messaging.gateway.ask(ReadText(id=answer.id), GRANT)
    await messaging.becomes(answer.id, State.DELIVERED)
    [ended] = (await messaging.gateway.ask(FindTexts(number=number(112)), GRANT)).items

    for text in (waiting, ended):
        assert (text.body, text.parts) == (None, 2)  # 155 characters, a space and 8 digits
        assert answer.code not in text.model_dump_json()


async def test_texts_are_found_by_the_clients_own_reference_open_or_ended(messaging: Messaging) -> None:
    ended = await messaging.gateway.ask(SendText(to=number(113), sender="82830", body="x", reference="Order 9"), GRANT)
    await messaging.becomes(ended.id, State.DELIVERED)
    waiting = await messaging.schedule(number(114), HOUR_S, reference="Order 9")

    assert await found(messaging, FindTexts(reference="Order 9")) == [ended.id, waiting]
    assert await found(messaging, FindTexts(reference="Order 9", state=State.QUEUED)) == [waiting]
    assert await found(messaging, FindTexts(reference="Order 9", number="07700 900113")) == [ended.id]
    assert await found(messaging, FindTexts(reference="order 9")) == []
    assert await found(messaging, FindTexts(reference="")) == []
    await messaging.gateway.ask(CancelText(id=waiting), GRANT)


async def test_filters_narrow_each_other_and_times_go_by_when_a_text_was_made(
    messaging: Messaging, company: int
) -> None:
    texts = await rows(messaging, company, 40, client_reference="'r' || n % 2")
    its = grant(company)
    made = [uuid7_time(id_) for id_ in texts]

    assert await found(messaging, FindTexts(), its) == texts
    assert await found(messaging, FindTexts(reference="r1", limit=7), its) == texts[::2]
    assert await found(messaging, FindTexts(number="+447400000000", limit=7), its) == texts
    assert await found(messaging, FindTexts(state=State.DELIVERED), its) == []
    assert await found(messaging, FindTexts(since=made[-1] + timedelta(milliseconds=1)), its) == []
    assert await found(messaging, FindTexts(until=made[0]), its) == []
    for since, until in ((made[3], made[20]), (made[0], made[39]), (made[20], made[3])):
        inside = [id_ for id_, at in zip(texts, made, strict=True) if since <= at < until]
        assert await found(messaging, FindTexts(since=since, until=until, limit=3), its) == inside
    assert await found(messaging, FindTexts(after=texts[9], since=made[0]), its) == texts[10:]


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_no_text_is_lost_or_seen_twice_while_each_page_finds_some_moved_to_the_ended_ones(
    messaging: Messaging, company: int, limit: int
) -> None:
    app: App = messaging.process.app
    texts = await rows(messaging, company, 50)
    seen: list[UUID] = []
    more = True
    while more:
        async with app.db.transaction() as tx:  # around the boundary, on both sides of it
            await close(tx, texts[max(0, len(seen) - 2) : len(seen) + 2], State.CANCELLED, "a test")
        async with app.db.reading() as tx:
            query = FindTexts(after=seen[-1] if seen else None, limit=limit)
            page = await handlers.find_texts(tx, Asked(uuid7(), Caller(company), query))
        seen += [text.id for text in page.items]
        more = page.more

    assert seen == texts


async def test_a_page_is_never_longer_than_its_maximum(messaging: Messaging, company: int) -> None:
    texts = await rows(messaging, company, TEXTS_PAGE_MAX + 1)
    page = await messaging.gateway.ask(FindTexts(limit=5_000), grant(company))

    assert (len(page.items), page.more) == (TEXTS_PAGE_MAX, True)
    assert await found(messaging, FindTexts(limit=5_000), grant(company)) == texts


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (FindTexts(number="nobody"), Code.INVALID_NUMBER),
        (FindTexts(reference="a\x00b"), Code.INVALID_REQUEST),
        (ReadConversation(number="nobody"), Code.INVALID_NUMBER),
    ],
)
async def test_a_search_for_what_cannot_be_is_refused(
    messaging: Messaging, query: FindTexts | ReadConversation, code: Code
) -> None:
    assert await messaging.gateway.refused(query, GRANT) == code


@pytest.mark.parametrize("texts", [0, 3_000])
async def test_each_search_goes_by_an_index_of_its_own_whatever_is_known_of_the_tables(
    messaging: Messaging, company: int, texts: int
) -> None:
    """As the service plans it: generic, so what it does for these values it does for all."""
    everything = f"'{rules.FIRST}', '{rules.LAST}', null, 'r7', '+447400000000', 10"
    prepared = "(int, uuid, uuid, text, text, text, int)"
    plans = {
        "of_reference, client_reference": (prepared, store.BY_REFERENCE, f"{company}, {everything}"),
        "of_number, number": (prepared, store.BY_NUMBER, f"{company}, {everything}"),
        "single, id": (prepared, store.BY_ID, f"{company}, {everything}"),
        "of_number, a conversation's number": (
            "(int[], text[], uuid[], int[])",
            conversations.PAGES,
            f"'{{{company}}}', '{{x}}', '{{{rules.FIRST}}}', '{{10}}'",
        ),
        "of_number, a STOP's number": ("(int, text[])", suppressions.QUEUED_TO, f"{company}, '{{x}}'"),
    }
    await rows(messaging, company, texts, client_reference="'r' || n")
    async with messaging.process.app.db.transaction() as tx:
        if texts:
            await tx.execute("ANALYZE open_texts")
        for what, (types, sql, values) in plans.items():
            await tx.execute(f"PREPARE a_plan {types} AS {sql}")
            plan = "\n".join(line[0] for line in await tx.fetch(f"EXPLAIN EXECUTE a_plan({values})"))
            await tx.execute("DEALLOCATE a_plan")
            index = f"open_texts_{what.partition(',')[0]}"
            assert f"using {index} on" in plan or f"Bitmap Index Scan on {index}" in plan, f"{what}: {plan}"
            assert "open_texts_pkey" not in plan


async def test_a_conversation_is_read_in_pages_of_the_size_that_was_asked_for(messaging: Messaging) -> None:
    ids = [await messaging.send(number(115), f"text {n}") for n in range(5)]
    pages: list[list[UUID]] = []
    after, more = None, True
    while more:
        page = await messaging.gateway.ask(ReadConversation(number=number(115), after=after, limit=2), GRANT)
        pages.append([text.id for text in page.items])
        after, more = page.items[-1].id, page.more

    assert pages == [ids[:2], ids[2:4], ids[4:]]


async def test_conversations_that_are_read_together_are_each_ones_own(messaging: Messaging) -> None:
    bodies = ["one", 'two "quoted"', "three\n\\ £ 🙂"]
    numbers = [number(n) for n in (116, 117, 118)]
    for to, body in zip(numbers, bodies, strict=True):
        await messaging.send(to, body)
    asked = [
        (numbers[0], GRANT),
        ("nobody", GRANT),
        (numbers[0], OTHERS_GRANT),
        (numbers[1], GRANT),
        (numbers[2], GRANT),
    ]
    answers = await asyncio.gather(
        *(messaging.gateway.ask(ReadConversation(number=to), by) for to, by in asked * 20), return_exceptions=True
    )

    told = [
        answer.code if isinstance(answer, Refusal) else [text.body for text in answer.items]  # type: ignore[union-attr]
        for answer in answers
    ]
    assert told == [["one"], Code.INVALID_NUMBER, [], bodies[1:2], bodies[2:]] * 20
