"""Words that a company keeps: made, changed, removed, and sent with values in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import (
    TEMPLATES_MAX,
    CreateTemplate,
    ListTemplates,
    ReadText,
    RemoveTemplate,
    ReplaceTemplate,
    SendText,
    ShowTemplate,
    State,
    Template,
)
from tests.harness import grant
from tests.integration.messaging.conftest import COMPANY, GRANT, OTHERS_GRANT, Messaging, number

READER = grant(COMPANY)


@pytest.fixture(autouse=True)
async def no_templates(messaging: Messaging) -> AsyncIterator[None]:
    yield
    async with messaging.process.app.db.transaction() as tx:
        await tx.execute("DELETE FROM templates")


async def create(messaging: Messaging, name: str = "delivery", body: str = "Hi {{name}}, it comes {{ day }}.") -> int:
    return (await messaging.gateway.ask(CreateTemplate(name=name, body=body), GRANT)).id


def text(template_id: int, to: str = number(120), **values: str) -> SendText:
    return SendText(to=to, sender="82830", template_id=template_id, values=values)


async def test_a_template_is_sent_with_its_values_and_the_ledger_keeps_what_was_sent(messaging: Messaging) -> None:
    id_ = await create(messaging)
    sent = await messaging.gateway.ask(text(id_, name="{{day}} Ünï", day="today"), GRANT)
    await messaging.gateway.ask(ReplaceTemplate(id=id_, name="delivery", body="Other words"), GRANT)
    await messaging.gateway.ask(RemoveTemplate(id=id_), GRANT)
    await messaging.becomes(sent.id, State.DELIVERED)

    assert await messaging.on_handset(number(120)) == ["Hi {{day}} Ünï, it comes today."]
    assert (await messaging.gateway.ask(ReadText(id=sent.id), GRANT)).body == "Hi {{day}} Ünï, it comes today."


async def test_templates_are_listed_by_id_and_shown_with_their_fields(messaging: Messaging) -> None:
    first, second = await create(messaging, " b "), await create(messaging, "a", "no fields {{ } }}")
    listed = (await messaging.gateway.ask(ListTemplates(), READER)).items

    assert listed == [
        Template(id=first, name="b", body="Hi {{name}}, it comes {{ day }}.", fields=["name", "day"]),
        Template(id=second, name="a", body="no fields {{ } }}", fields=[]),
    ]
    assert await messaging.gateway.ask(ShowTemplate(id=first), READER) == listed[0]


async def test_a_name_is_one_templates_whatever_its_case(messaging: Messaging) -> None:
    first, second = await create(messaging, "Straße"), await create(messaging, "other")
    refused = messaging.gateway.refused

    assert await refused(CreateTemplate(name=" STRASSE", body="x"), GRANT) == Code.DUPLICATE
    assert await refused(ReplaceTemplate(id=second, name="strasse", body="x"), GRANT) == Code.DUPLICATE
    await messaging.gateway.ask(ReplaceTemplate(id=first, name="STRASSE", body="x"), GRANT)
    await messaging.gateway.ask(CreateTemplate(name="Straße", body="x"), OTHERS_GRANT)


async def test_another_companys_template_is_as_unknown_as_none(messaging: Messaging) -> None:
    id_ = await create(messaging)

    for asked in (id_, id_ + 1_000, 2**63 - 1, 0):
        for ask in (
            ShowTemplate(id=asked),
            ReplaceTemplate(id=asked, name="mine now", body="x"),
            RemoveTemplate(id=asked),
            text(asked, name="x", day="x"),
        ):
            assert await messaging.gateway.refused(ask, OTHERS_GRANT) == Code.NOT_FOUND
    assert (await messaging.gateway.ask(ListTemplates(), OTHERS_GRANT)).items == []
    assert (await messaging.gateway.ask(ShowTemplate(id=id_), GRANT)).name == "delivery"


async def test_who_may_not_send_reads_templates_but_changes_none(messaging: Messaging) -> None:
    id_ = await create(messaging)

    for ask in (
        CreateTemplate(name="x", body="x"),
        ReplaceTemplate(id=id_, name="x", body="x"),
        RemoveTemplate(id=id_),
    ):
        assert await messaging.gateway.refused(ask, READER) == Code.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("  ", "x", Code.INVALID_REQUEST),
        ("a\x00b", "x", Code.INVALID_REQUEST),
        ("x", " \n ", Code.TEXT_EMPTY),
        ("x", "a\x00b", Code.INVALID_REQUEST),
        ("x", "x" * 2_001, Code.TEXT_TOO_LONG),
    ],
)
async def test_what_is_no_template_is_refused(messaging: Messaging, name: str, body: str, code: Code) -> None:
    assert await messaging.gateway.refused(CreateTemplate(name=name, body=body), GRANT) == code


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ({"values": {"name": "x"}}, Code.INVALID_REQUEST, "day"),
        ({"values": {"name": "x", "day": "x", "Day": "x"}}, Code.INVALID_REQUEST, "Day"),
        ({"values": {"name": "x", "day": "a\x00b"}}, Code.INVALID_REQUEST, "null"),
        ({"values": {"name": "x", "day": "x" * 1_530}}, Code.TEXT_TOO_LONG, "11 parts"),
        ({"values": {"name": "x", "day": "x" * 2_001}}, Code.TEXT_TOO_LONG, "2000"),
        ({"values": {"name": "x", "day": "x"}, "body": "x"}, Code.INVALID_REQUEST, "either"),
        ({"template_id": None, "values": {"name": "x"}, "body": "x"}, Code.INVALID_REQUEST, "values"),
        ({"template_id": None, "body": ""}, Code.TEXT_EMPTY, "character"),
        ({"template_id": None, "body": "x", "reference": "a\x00b"}, Code.INVALID_REQUEST, "reference"),
    ],
)
async def test_what_does_not_fit_its_template_is_refused_saying_why(
    messaging: Messaging, more: dict[str, object], code: Code, says: str
) -> None:
    id_ = await create(messaging)
    ask = SendText.model_validate({"to": number(121), "sender": "82830", "template_id": id_, **more})
    with pytest.raises(Refusal) as refusal:
        await messaging.gateway.ask(ask, GRANT)

    assert refusal.value.code == code
    assert says in refusal.value.detail
    assert await messaging.count("SELECT count(*) FROM open_texts WHERE number = $1", number(121)) == 0


async def test_a_template_that_renders_to_nothing_visible_is_an_empty_text(messaging: Messaging) -> None:
    id_ = await create(messaging, body="{{words}}")

    assert await messaging.gateway.refused(text(id_, words=" "), GRANT) == Code.TEXT_EMPTY


async def test_a_company_has_no_more_than_its_limit_even_when_two_ask_at_once(messaging: Messaging) -> None:
    async with messaging.process.app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO templates (company_id, name, name_key, body) SELECT $1, n, n, 'x' FROM generate_series(2, $2) AS n",
            COMPANY,
            TEMPLATES_MAX,
        )

    async def one_more(name: str) -> str:
        try:
            await create(messaging, name)
        except Refusal as refusal:
            return refusal.code
        return "made"

    assert sorted(await asyncio.gather(*(one_more(f"more {n}") for n in range(4)))) == [Code.LIMIT_REACHED] * 3 + [
        "made"
    ]
