"""/v2: texts by hundreds, by template, later, cancelled, found again; and test keys, whose texts stay at home."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import now
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_campaign, a_list, a_name, a_number, call, refused
from tests.platform import Platform


async def send(world: Platform, **changes: Any) -> str:
    answer = await call(world, "POST", "/messages", json={"to": a_number(), "from": "82830", "text": "x"} | changes)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def shown(world: Platform, id_: str) -> dict[str, Any]:
    message: dict[str, Any] = (await call(world, "GET", f"/messages/{id_}")).json()
    return message


async def in_state(world: Platform, id_: str, state: str) -> dict[str, Any]:
    async def there() -> dict[str, Any]:
        message = await shown(world, id_)
        return message if message["state"] == state else {}

    message: dict[str, Any] = await eventually(there)
    return message


async def pages(world: Platform, path: str, **query: Any) -> list[list[Any]]:
    """All pages, to the end."""
    found, after = [], None
    while True:
        page = (await call(world, "GET", path, params=query | ({"after": after} if after else {}))).json()
        found.append(page["items"])
        if (after := page["after"]) is None:
            return found


# One text


async def test_what_became_of_a_text_is_told(world: Platform) -> None:
    number = a_number()
    id_ = await send(world, to=number, text="Grüße", reference="order-1")

    message = await in_state(world, id_, "delivered")

    assert (message["id"], message["from"], message["to"], message["text"]) == (id_, "82830", number, "Grüße")
    assert (message["parts"], message["reference"], message["test"], message["send_at"]) == (1, "order-1", False, None)
    moments = [datetime.fromisoformat(message[name]) for name in ("created_at", "submitted_at", "settled_at")]
    assert moments == sorted(moments)
    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}


async def test_texts_are_found_by_the_clients_own_reference_and_by_each_filter(world: Platform) -> None:
    reference, number = a_name("order"), a_number()
    began = now() - timedelta(seconds=1)
    ids = [await send(world, reference=reference, to=to) for to in (number, a_number(), a_number())]
    for id_ in ids:
        await in_state(world, id_, "delivered")

    async def found(**query: Any) -> list[str]:
        answer = await call(world, "GET", "/messages", params={"reference": reference} | query)
        assert answer.status_code == 200, answer.text
        return [message["id"] for message in answer.json()["items"]]

    assert await found() == ids
    assert await found(to=number.replace("+44", "0")) == ids[:1]
    assert await found(state="delivered") == ids
    assert await found(state="queued") == []
    assert await found(since=began.isoformat(), until=now().isoformat()) == ids
    assert await found(until=began.isoformat()) == []
    assert await found(reference=reference.upper()) == []
    assert await pages(world, "/messages", reference=reference, limit=2) != []
    assert [[m["id"] for m in page] for page in await pages(world, "/messages", reference=reference, limit=2)] == [
        ids[:2],
        ids[2:],
    ]
    theirs = await call(world, "GET", "/messages", "other", params={"reference": reference})
    assert theirs.json() == {"items": [], "after": None}
    refused(await call(world, "GET", f"/messages/{ids[0]}", "other"), "not_found")
    refused(await call(world, "GET", f"/messages/{uuid7()}"), "not_found")
    refused(await call(world, "GET", "/messages/1"), "invalid_request")


async def test_a_text_is_scheduled_and_cancelled(world: Platform) -> None:
    number, at = a_number(), now() + timedelta(days=1)
    id_ = await send(world, to=number, send_at=at.isoformat())

    message = await shown(world, id_)
    cancelled = await call(world, "POST", f"/messages/{id_}/cancel")
    again = await call(world, "POST", f"/messages/{id_}/cancel")

    assert (message["state"], datetime.fromisoformat(message["send_at"])) == ("queued", at)
    assert (cancelled.status_code, (await shown(world, id_))["state"]) == (204, "cancelled")
    refused(again, "wrong_state")
    assert await world.simulator.messages_of(number) == []


async def test_a_scheduled_text_goes_when_its_time_has_come(world: Platform) -> None:
    number, at = a_number(), now() + timedelta(seconds=2)
    id_ = await send(world, to=number, send_at=at.isoformat())

    message = await in_state(world, id_, "delivered")

    assert datetime.fromisoformat(message["submitted_at"]) >= at
    assert len(await world.simulator.messages_of(number)) == 1


async def test_what_cannot_be_cancelled_is_told_by_code(world: Platform) -> None:
    id_ = await send(world)
    await in_state(world, id_, "delivered")

    refused(await call(world, "POST", f"/messages/{id_}/cancel"), "wrong_state")
    refused(await call(world, "POST", f"/messages/{id_}/cancel", "other"), "not_found")
    refused(await call(world, "POST", f"/messages/{id_}/cancel", "reader"), "permission_denied")
    too_far = {"to": a_number(), "from": "82830", "text": "x", "send_at": (now() + timedelta(days=91)).isoformat()}
    refused(await call(world, "POST", "/messages", json=too_far), "invalid_date")


# Hundreds


async def test_a_batch_is_answered_item_by_item_and_none_hinders_another(world: Platform) -> None:
    numbers = [a_number() for _ in range(3)]
    good = [{"to": number, "from": "82830", "text": f"to {number}"} for number in numbers]
    bad = [{"to": "nobody", "from": "82830", "text": "x"}, {"to": numbers[0], "from": "Other", "text": "x"}]

    answer = await call(world, "POST", "/messages/batches", json={"messages": [good[0], *bad, *good[1:]]})

    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item.get("state") for item in items] == ["queued", None, None, "queued", "queued"]
    assert [item["error"]["code"] for item in items if "error" in item] == ["invalid_number", "invalid_sender"]
    assert items[1]["error"]["status"] == 400
    assert set(items[0]) == {"id", "state"}
    for number in numbers:
        (text,) = await eventually(lambda number=number: world.simulator.messages_of(number))
        assert text["text"] == f"to {number}"


async def test_a_batch_asked_again_with_its_key_has_the_same_ids_and_sends_nothing_twice(world: Platform) -> None:
    number, key = a_number(), {"idempotency-key": str(uuid7())}
    messages = [{"to": number, "from": "82830", "text": f"part {n}"} for n in range(5)]

    answers = [
        await call(world, "POST", "/messages/batches", json={"messages": messages}, headers=key) for _ in range(2)
    ]
    single = await call(world, "POST", "/messages", json=messages[0] | {"text": "last"}, headers=key)

    ids = [[item["id"] for item in answer.json()["items"]] for answer in answers]
    assert ids[0] == ids[1]
    assert len({*ids[0], single.json()["id"]}) == 6
    assert {UUID(id_).version for id_ in ids[0]} == {7}
    await in_state(world, single.json()["id"], "delivered")
    for id_ in ids[0]:
        await in_state(world, id_, "delivered")
    texts = [each["text"] for each in await world.simulator.messages_of(number)]
    assert sorted(texts) == ["last", *(f"part {n}" for n in range(5))]


async def test_five_hundred_of_the_longest_texts_fit_a_batch(world: Platform) -> None:
    number = a_number()
    text = "\U0001f389" * 330  # ten parts of UTF-16
    messages = [{"to": number, "from": "82830", "text": text, "send_at": "2020-01-01T00:00:00Z"}] * 3
    later = [  # no two the same: a network would take the twenty-first for a loop
        {"to": number, "from": "82830", "text": f"{n:1530}", "send_at": (now() + timedelta(days=1)).isoformat()}
        for n in range(500)
    ]

    answer = await call(world, "POST", "/messages/batches", json={"messages": later})
    long = await call(world, "POST", "/messages/batches", json={"messages": [*messages, later[0]]})

    assert answer.status_code == 200, answer.text
    assert len({item["id"] for item in answer.json()["items"]}) == 500
    assert [item.get("state") for item in long.json()["items"]] == ["queued"] * 4


async def test_a_batch_of_one_who_may_not_send_is_refused_whole(world: Platform) -> None:
    body = {"messages": [{"to": a_number(), "from": "82830", "text": "x"}] * 2}

    refused(await call(world, "POST", "/messages/batches", "reader", json=body), "permission_denied")


# Templates


async def test_a_template_is_made_read_replaced_sent_and_removed(world: Platform) -> None:
    name, number = a_name("delivery"), a_number()
    text = "Hello {{name}}, your parcel comes {{ day }}."
    id_ = (await call(world, "POST", "/templates", json={"name": name, "text": text})).json()["id"]

    shown_ = (await call(world, "GET", f"/templates/{id_}")).json()
    listed = (await call(world, "GET", "/templates")).json()
    await send(world, to=number, text="", template_id=id_, values={"name": "{{day}}", "day": "today"})
    (received,) = await eventually(lambda: world.simulator.messages_of(number))
    replaced = await call(world, "PUT", f"/templates/{id_}", json={"name": name, "text": "Bye"})

    assert shown_ == {"id": id_, "name": name, "text": text, "fields": ["name", "day"]}
    assert shown_ in listed["items"]
    assert received["text"] == "Hello {{day}}, your parcel comes today."
    assert (replaced.status_code, (await call(world, "GET", f"/templates/{id_}")).json()["fields"]) == (204, [])
    assert (await call(world, "DELETE", f"/templates/{id_}")).status_code == 204
    refused(await call(world, "GET", f"/templates/{id_}"), "not_found")


async def test_what_a_template_cannot_be_is_told_by_code(world: Platform) -> None:
    name = a_name("template")
    id_ = (await call(world, "POST", "/templates", json={"name": name, "text": "Hello {{name}}"})).json()["id"]
    message = {"to": a_number(), "from": "82830"}

    refused(await call(world, "POST", "/templates", json={"name": name.upper(), "text": "x"}), "duplicate")
    refused(await call(world, "POST", "/templates", json={"name": a_name(), "text": " "}), "text_empty")
    refused(await call(world, "POST", "/templates", "reader", json={"name": "x", "text": "x"}), "permission_denied")
    refused(await call(world, "GET", f"/templates/{id_}", "other"), "not_found")
    refused(await call(world, "PUT", f"/templates/{id_}", "other", json={"name": "x", "text": "x"}), "not_found")
    refused(await call(world, "DELETE", f"/templates/{id_}", "other"), "not_found")
    for wrong, code in (
        ({"template_id": id_}, "invalid_request"),
        ({"template_id": id_, "text": "x", "values": {"name": "Ann"}}, "invalid_request"),
        ({"template_id": id_, "values": {"name": "Ann", "nmae": "x"}}, "invalid_request"),
        ({"template_id": 2**62, "values": {}}, "not_found"),
        ({"text": "x", "values": {"name": "Ann"}}, "invalid_request"),
    ):
        refused(await call(world, "POST", "/messages", json=message | wrong), code)


# Test keys


async def test_what_is_sent_with_a_test_key_is_delivered_to_nobody(world: Platform) -> None:
    made = await call(world, "POST", "/api-keys", json={"name": a_name("key"), "permissions": ["send"], "test": True})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    number, marker = a_number(), a_number()

    sent = await world.http.post("/v2/messages", json={"to": number, "from": "82830", "text": "x"}, headers=key)
    who = (await world.http.get("/v2/sessions/current", headers=key)).json()
    message = await in_state(world, sent.json()["id"], "delivered")
    campaign_id, list_id = await a_campaign(world), await a_list(world, number)
    live = await world.http.post(f"/v2/campaigns/{campaign_id}/launch", headers=key)
    new = {"title": a_name("campaign"), "text": "x", "from": "82830"}
    test_id = (await world.http.post("/v2/campaigns", json=new, headers=key)).json()["id"]
    await world.http.post(f"/v2/campaigns/{test_id}/lists", json={"list_id": list_id}, headers=key)
    launched = await world.http.post(f"/v2/campaigns/{test_id}/launch", headers=key)

    async def finished() -> dict[str, Any]:
        told: dict[str, Any] = (await call(world, "GET", f"/campaigns/{test_id}")).json()
        return told if told["state"] == "finished" else {}

    told = await eventually(finished)
    await send(world, to=marker)
    await eventually(lambda: world.simulator.messages_of(marker))
    assert (message["test"], who["test"], who["permissions"], who["username"]) == (True, True, ["send"], "demo")
    refused(live, "permission_denied")
    assert (launched.status_code, told["test"], told["ended"]) == (202, True, {"delivered": 1})
    assert await world.simulator.messages_of(number) == []


@pytest.mark.parametrize("rule", ["", "6 digits", "4 letters clear"])
async def test_a_verification_is_sent_and_checked_and_its_code_is_in_no_answer(world: Platform, rule: str) -> None:
    number, key = a_number(), {"idempotency-key": str(uuid7())}
    body = {"to": number, "from": "82830", "text": "Your code is {code}.", "rule": rule, "client_address": "192.0.2.7"}

    first = await call(world, "POST", "/verifications", json=body, headers=key)
    again = await call(world, "POST", "/verifications", json=body, headers=key)
    resent = await call(world, "POST", "/verifications", json=body)
    id_ = first.json()["id"]

    async def both() -> Any:
        texts = await world.simulator.messages_of(number)
        return texts if len(texts) == 2 else None

    texts = await eventually(both)
    code = texts[0]["text"].removeprefix("Your code is ").removesuffix(".")
    checked = {"idempotency-key": str(uuid7())}

    def check(typed: str, **options: Any) -> Any:
        return call(world, "POST", f"/verifications/{id_}/check", json={"code": typed}, **options)

    wrong = await check("wrong", headers=checked)
    foreign = await call(world, "POST", f"/verifications/{id_}/check", "other", json={"code": code})
    right = await check(code.lower(), headers=checked)
    lost = await check(code.lower(), headers=checked)
    used = await check(code)
    shown = await call(world, "GET", f"/verifications/{id_}")

    assert (first.status_code, first.json(), resent.json()["id"]) == (201, again.json(), id_)
    assert [text["text"] for text in texts] == [f"Your code is {code}."] * 2
    assert wrong.json() == {"id": id_, "result": "wrong_code", "attempts_left": 4}
    refused(foreign, "not_found")
    assert right.json() == lost.json() == {"id": id_, "result": "approved", "attempts_left": 0}
    assert used.json()["result"] == "used"
    assert (shown.json()["state"], shown.json()["sends"]) == ("approved", 2)
    assert not any(code in answer.text for answer in (first, again, resent, right, used, shown))
    refused(await call(world, "POST", "/verifications", json=body | {"rule": "long"}), "invalid_rule")
    refused(await call(world, "POST", "/verifications", json=body | {"to": "+33612345678"}), "country_not_allowed")
    refused(await call(world, "POST", "/verifications", json=body | {"client_address": "home"}), "invalid_request")
    refused(await call(world, "POST", f"/verifications/{id_}/cancel"), "wrong_state")


async def test_a_limit_says_when_to_ask_again(world: Platform) -> None:
    body = {"to": a_number(), "from": "82830", "text": "{code}"}
    for n in range(5):
        sent = await call(world, "POST", "/verifications", json=body | {"purpose": f"p{n}"})
        assert sent.status_code == 201, sent.text

    over = await call(world, "POST", "/verifications", json=body | {"purpose": "p5"})

    refused(over, "limit_reached")
    assert 700 <= int(over.headers["retry-after"]) <= 720
