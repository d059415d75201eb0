"""/v2: what stands for a password: reusable tokens and API keys."""

from __future__ import annotations

import itertools
from typing import Any

import httpx

from libs.common.ids import uuid7
from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_name, a_number, bearer, call, refused
from tests.platform import PASSWORD, Platform

_users = itertools.count(1)


async def a_user(world: Platform, *permissions: str) -> str:
    """A new one, so that what is made and revoked is nobody else's."""
    username = f"access-{next(_users)}"
    new = {"username": username, "password": PASSWORD, "permissions": permissions}
    made = await call(world, "POST", f"/admin/companies/{world.company_id}/users", "operator", json=new)
    assert made.status_code == 201, made.text
    return username


async def with_key(world: Platform, key: str, method: str, path: str, **options: Any) -> httpx.Response:
    return await world.http.request(method, f"/v2{path}", headers={"authorization": f"Bearer {key}"}, **options)


async def test_a_reusable_token_opens_sessions_until_it_is_revoked(world: Platform) -> None:
    session = await bearer(world, await a_user(world, "send"))
    key = session | {"idempotency-key": str(uuid7())}
    made, again = [(await world.http.post("/v2/reusable-tokens", headers=key)).json() for _ in range(2)]

    opened = await world.http.post("/v2/sessions", json={"reusable_token": made["token"]})
    own = {"authorization": f"Bearer {opened.json()['token']}"}
    listed = (await world.http.get("/v2/reusable-tokens", headers=own)).json()["items"]
    revoked = await world.http.delete(f"/v2/reusable-tokens/{made['id']}", headers=session)

    assert made == again
    assert (opened.status_code, set(opened.json()) >= {"token", "expires_at", "firstname"}) == (201, True)
    assert [each["id"] for each in listed] == [made["id"]]
    assert made["token"] not in str(listed)
    assert revoked.status_code == 204
    refused(await world.http.post("/v2/sessions", json={"reusable_token": made["token"]}), "wrong_credentials")

    async def ended() -> bool:
        return (await world.http.get("/v2/sessions/current", headers=own)).status_code == 401

    await eventually(ended)
    refused(await world.http.delete(f"/v2/reusable-tokens/{made['id']}", headers=session), "not_found")


async def test_an_api_key_is_a_bearer_token_that_may_no_more_than_it_says(world: Platform) -> None:
    session = await bearer(world, await a_user(world, "send"))
    name = a_name("shop")
    made = await world.http.post("/v2/api-keys", json={"name": name, "permissions": ["send"]}, headers=session)
    reading = await world.http.post("/v2/api-keys", json={"name": a_name()}, headers=session)
    text = {"to": a_number(), "from": "82830", "text": "x"}

    sent = await with_key(world, made.json()["key"], "POST", "/messages", json=text)
    not_sent = await with_key(world, reading.json()["key"], "POST", "/messages", json=text)
    listed = (await world.http.get("/v2/api-keys", headers=session)).json()["items"]

    assert (made.status_code, sent.status_code) == (201, 202)
    refused(not_sent, "permission_denied")
    assert (await with_key(world, reading.json()["key"], "GET", "/headers")).json()["items"][:1] == ["82830"]
    assert (listed[0]["name"], listed[0]["permissions"], listed[0]["test"]) == (name, ["send"], False)
    assert made.json()["key"].startswith(listed[0]["hint"])
    assert made.json()["key"] not in str(listed)
    refused(await with_key(world, made.json()["key"], "POST", "/api-keys", json={"name": "x"}), "permission_denied")
    refused(await with_key(world, made.json()["key"], "DELETE", "/sessions/current"), "session_expired")
    refused(await world.http.post("/v2/api-keys", json={"name": name.upper()}, headers=session), "duplicate")
    more = {"name": a_name(), "permissions": ["administer"]}
    refused(await world.http.post("/v2/api-keys", json=more, headers=session), "permission_denied")


async def test_a_revoked_key_is_good_for_nothing(world: Platform) -> None:
    session = await bearer(world, await a_user(world))
    made = (await world.http.post("/v2/api-keys", json={"name": a_name()}, headers=session)).json()
    assert (await with_key(world, made["key"], "GET", "/headers")).status_code == 200

    foreign = await call(world, "DELETE", f"/api-keys/{made['id']}", "other")
    revoked = await world.http.delete(f"/v2/api-keys/{made['id']}", headers=session)

    refused(foreign, "not_found")
    assert revoked.status_code == 204

    async def over() -> bool:
        return (await with_key(world, made["key"], "GET", "/headers")).status_code == 401

    await eventually(over)
