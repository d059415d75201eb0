"""/v2: the inbox: unread, handled, replies; and who wants no texts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from libs.common.clock import now
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_number, call, refused
from tests.integration.gateway.test_v2_sending import pages, send
from tests.platform import Platform


async def receive(world: Platform, number: str, *texts: str) -> list[dict[str, Any]]:
    """What the inbox holds of `number`, once these texts are in it."""
    for text in texts:
        await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": text})

    async def there() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = await inbox(world, **{"from": number})
        return items if len(items) >= len(texts) else []

    received: list[dict[str, Any]] = await eventually(there)
    return received


async def inbox(world: Platform, user: str = "demo", **query: Any) -> list[dict[str, Any]]:
    answer = await call(world, "GET", "/inbound-messages", user, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_texts_are_unread_until_they_are_marked_one_by_one_or_many_at_once(world: Platform) -> None:
    number = a_number()
    texts = await receive(world, number, "one", "two", "three")
    ids = [text["id"] for text in texts]

    async def found(**query: Any) -> list[str]:
        return [text["id"] for text in await inbox(world, **{"from": number}, **query)]

    assert await found(unread="true") == ids
    one = await call(world, "PATCH", f"/inbound-messages/{ids[0]}", json={"read": True, "handled": True})
    assert (one.status_code, await found(unread="true"), await found(handled="true")) == (204, ids[1:], ids[:1])
    many = await call(world, "POST", "/inbound-messages/marks", json={"ids": ids, "read": True})
    assert (many.status_code, await found(unread="true"), await found(handled="true")) == (204, [], ids[:1])
    back = await call(world, "PATCH", f"/inbound-messages/{ids[0]}", json={"read": False})
    assert (back.status_code, await found(unread="true"), await found(handled="true")) == (204, ids[:1], ids[:1])
    shown = (await call(world, "GET", f"/inbound-messages/{ids[0]}")).json()
    assert (shown["text"], shown["read"], shown["handled"], shown["text_in_id"]) == ("one", False, True, None)


async def test_texts_are_found_by_each_filter_and_come_by_pages(world: Platform) -> None:
    number, began = a_number(), now() - timedelta(seconds=1)
    new = {"header": "82830", "keyword": "RAFFLE"}
    made = await call(world, "POST", f"/admin/companies/{world.company_id}/text-ins", "operator", json=new)
    texts = await receive(world, number, "raffle me", "two", "three")
    ids = [text["id"] for text in texts]
    mine = {"from": number}

    assert [text["text_in_id"] for text in texts] == [made.json()["id"], None, None]
    assert [text["id"] for text in await inbox(world, **mine, text_in_id=made.json()["id"])] == ids[:1]
    assert len(await inbox(world, **mine, since=began.isoformat(), until=now().isoformat())) == 3
    assert await inbox(world, **mine, until=began.isoformat()) == []
    assert await inbox(world, **mine, to="Heliograph") == []
    assert len(await inbox(world, **mine, to="82830")) == 3
    assert len(await inbox(world, **{"from": number.replace("+44", "0")})) == 3
    paged = await pages(world, "/inbound-messages", **mine, limit=2)
    assert [[text["id"] for text in page] for page in paged] == [ids[:2], ids[2:]]
    refused(await call(world, "GET", "/inbound-messages", params={"text_in_id": 2**40}), "not_found")


async def test_a_reply_goes_from_the_header_the_text_came_to_and_marks_it_read(world: Platform) -> None:
    number = a_number()
    (text,) = await receive(world, number, "Are you open?")
    key = {"idempotency-key": str(uuid7())}
    path = f"/inbound-messages/{text['id']}/replies"

    answers = [
        await call(world, "POST", path, json={"text": "Until six", "reference": "r-1"}, headers=key) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    (received,) = await eventually(lambda: world.simulator.messages_of(number))
    assert (received["from"], received["text"]) == ("82830", "Until six")
    shown = (await call(world, "GET", f"/inbound-messages/{text['id']}")).json()
    assert (shown["read"], shown["handled"]) == (True, False)
    conversation = (await call(world, "GET", f"/conversations/{number}")).json()["items"]
    assert [each["direction"] for each in conversation] == ["in", "out"]


async def test_another_companys_inbox_is_as_unknown_as_one_that_never_was(world: Platform) -> None:
    (text,) = await receive(world, a_number(), "hello")
    for id_ in (text["id"], str(uuid7())):
        path = f"/inbound-messages/{id_}"
        asks: list[tuple[str, str, dict[str, Any] | None]] = [
            ("GET", path, None),
            ("PATCH", path, {"read": True}),
            ("POST", f"{path}/replies", {"text": "x"}),
            ("POST", "/inbound-messages/marks", {"ids": [id_], "read": True}),
        ]
        for method, where, body in asks:
            refused(await call(world, method, where, "other", json=body), "not_found")
    unmarked = (await call(world, "GET", f"/inbound-messages/{text['id']}")).json()
    assert unmarked["read"] is False


async def test_marks_of_many_are_all_or_none(world: Platform) -> None:
    number = a_number()
    (text,) = await receive(world, number, "hello")

    answer = await call(
        world, "POST", "/inbound-messages/marks", json={"ids": [text["id"], str(uuid7())], "handled": True}
    )

    refused(answer, "not_found")
    assert await inbox(world, **{"from": number}, handled="true") == []


async def test_who_texted_stop_and_start_is_told_by_pages(world: Platform) -> None:
    numbers, began = [a_number() for _ in range(3)], now() - timedelta(seconds=1)
    for number in numbers:
        await receive(world, number, "STOP")

    async def stopped() -> list[str]:
        found = await pages(world, "/opt-outs", since=began.isoformat(), limit=2)
        return [item["number"] for page in found for item in page]

    assert await stopped() == numbers
    assert [len(page) for page in await pages(world, "/opt-outs", since=began.isoformat(), limit=2)] == [2, 1]
    await receive(world, numbers[0], "START")

    async def started() -> bool:
        return await stopped() == numbers[1:]

    await eventually(started)
    back = (await call(world, "GET", "/reinstatements", params={"since": began.isoformat()})).json()["items"]
    assert [item["number"] for item in back] == numbers[:1]
    assert datetime.fromisoformat(back[0]["at"]) >= began
    assert (await call(world, "GET", "/opt-outs", "other")).json() == {"items": [], "after": None}
    refused(await call(world, "POST", "/messages", json={"to": numbers[1], "from": "82830", "text": "x"}), "opted_out")
    await send(world, to=numbers[0])
