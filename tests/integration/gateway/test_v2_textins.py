"""/v2: text-ins: what follows from a text with a keyword."""

from __future__ import annotations

from typing import Any

from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_number, call, refused
from tests.integration.gateway.test_v2_inbox import receive
from tests.platform import Platform


async def new_text_in(world: Platform, keyword: str) -> int:
    new = {"header": "82830", "keyword": keyword}
    made = await call(world, "POST", f"/admin/companies/{world.company_id}/text-ins", "operator", json=new)
    id_: int = made.json()["id"]
    return id_


async def test_a_text_in_answers_puts_on_a_list_and_shows_what_it_does(world: Platform) -> None:
    text_in, number = await new_text_in(world, "CLUB"), a_number()
    list_id = (await call(world, "POST", "/lists", json={"title": f"Club {number}"})).json()["id"]
    actions = {"reply": "Welcome to the club.", "join_list_id": list_id}
    set_ = await call(world, "PUT", f"/text-ins/{text_in}/actions", json=actions)
    assert (set_.status_code, set_.json()) == (200, {"webhook_secret": None})

    await receive(world, number, "club please")

    async def answered() -> bool:
        return [text["text"] for text in await world.simulator.messages_of(number)] == ["Welcome to the club."]

    async def listed() -> bool:
        entry = await call(world, "GET", f"/lists/{list_id}/entries/{number}")
        return entry.status_code == 200

    await eventually(answered)
    await eventually(listed)
    [shown] = [one for one in (await call(world, "GET", "/text-ins")).json()["items"] if one["id"] == text_in]
    assert shown["actions"] == {
        "reply": "Welcome to the club.",
        "join_list_id": list_id,
        "leave_list_id": None,
        "forward_to": "",
        "webhook_url": "",
        "campaign_id": None,
    }


async def test_what_could_not_be_done_is_refused(world: Platform) -> None:
    text_in = await new_text_in(world, "REFUSED")
    path = f"/text-ins/{text_in}/actions"

    async def put(path: str = path, user: str = "demo", **actions: Any) -> Any:
        return await call(world, "PUT", path, user, json=actions)

    refused(await put(join_list_id=2**30), "not_found")
    refused(await put(campaign_id=2**30), "not_found")
    refused(await put(reply="x" * 2_000), "text_too_long")
    refused(await put(forward_to="nobody"), "invalid_number")
    refused(await put(webhook_url="ftp://example.com"), "invalid_request")
    refused(await put(reply=7), "invalid_request")
    refused(await put("/text-ins/1073741824/actions", reply="hi"), "not_found")
    made = await put(webhook_url="https://example.com/texts")
    assert made.json()["webhook_secret"].startswith("whsec_")
    assert (await call(world, "GET", "/text-ins/dead-deliveries")).json() == {"items": [], "after": None}
