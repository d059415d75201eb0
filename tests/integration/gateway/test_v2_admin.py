"""/v2/admin: what an operator provisions, and that nobody else does."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_name, a_number, bearer, call, refused
from tests.platform import PASSWORD, Platform

_headers = itertools.count(1)


async def test_a_company_is_provisioned_whole_and_its_user_sends_and_receives(world: Platform) -> None:
    name, header, username = a_name("Company"), f"7{next(_headers):04d}", a_name("user")
    company_id = (await call(world, "POST", "/admin/companies", "operator", json={"name": name})).json()["id"]
    path = f"/admin/companies/{company_id}"
    assert (await call(world, "POST", f"{path}/headers", "operator", json={"header": header})).status_code == 204
    assert (await call(world, "POST", f"{path}/brands", "operator", json={"name": "Brand"})).status_code == 204
    folder = await call(world, "POST", f"{path}/folders", "operator", json={"name": "Autumn"})
    user = await call(
        world,
        "POST",
        f"{path}/users",
        "operator",
        json={"username": username, "password": PASSWORD, "permissions": ["send"]},
    )
    await world.headers_known(company_id, 1)
    text_in = await call(world, "POST", f"{path}/text-ins", "operator", json={"header": header, "keyword": "join"})
    company = (await call(world, "GET", "/admin/companies", "operator", params={"name": name.upper()})).json()

    assert (folder.status_code, user.status_code, text_in.status_code) == (201, 201, 201)
    assert (text_in.json()["keyword"], text_in.json()["company_id"]) == ("join", company_id)
    (whole,) = company["items"]
    assert (whole["id"], whole["brands"], whole["folders"][0]["name"]) == (company_id, ["Brand"], "Autumn")
    assert [(each["username"], each["permissions"]) for each in whole["users"]] == [(username, ["send"])]
    sent = await call(world, "POST", "/messages", username, json={"to": a_number(), "from": header, "text": "x"})
    assert sent.status_code == 202


async def test_what_is_taken_from_a_user_ends_the_sessions_and_holds(world: Platform) -> None:
    username = a_name("user")
    new = {"username": username, "password": PASSWORD, "permissions": ["send"]}
    made = await call(world, "POST", f"/admin/companies/{world.company_id}/users", "operator", json=new)
    user_id = made.json()["id"]
    session = await bearer(world, username)

    async def is_over() -> bool:
        return (await world.http.get("/v2/sessions/current", headers=session)).status_code == 401

    changed = await call(
        world, "PUT", f"/admin/users/{user_id}/permissions", "operator", json={"permissions": ["administer"]}
    )
    await eventually(is_over)
    assert changed.status_code == 204
    assert (await call(world, "GET", "/sessions/current", username)).json()["permissions"] == ["administer"]
    reset = await call(
        world, "PUT", f"/admin/users/{user_id}/password", "operator", json={"password": "another password"}
    )
    assert reset.status_code == 204
    old = await world.http.post("/v2/sessions", json={"username": username, "password": PASSWORD})
    refused(old, "wrong_credentials")
    assert (
        await call(world, "PATCH", f"/admin/users/{user_id}", "operator", json={"active": False})
    ).status_code == 204
    inactive = await world.http.post("/v2/sessions", json={"username": username, "password": "another password"})
    refused(inactive, "wrong_credentials")


async def test_a_header_that_is_not_active_sends_nothing(world: Platform) -> None:
    header, number = f"Name{next(_headers)}", a_number()
    path = f"/admin/companies/{world.company_id}/headers"
    await call(world, "POST", path, "operator", json={"header": header})
    body = {"to": number, "from": header, "text": "x"}

    async def answers(status: int) -> bool:
        return (await call(world, "POST", "/messages", json=body)).status_code == status

    await eventually(lambda: answers(202))
    changed = await call(world, "PATCH", f"{path}/{header.lower()}", "operator", json={"active": False})
    assert changed.status_code == 204
    await eventually(lambda: answers(400))
    refused(await call(world, "POST", "/messages", json=body), "invalid_sender")
    refused(await call(world, "PATCH", f"{path}/nobodys", "operator", json={"active": True}), "not_found")


ADMIN: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/admin/companies", {"name": "Mine"}),
    ("GET", "/admin/companies", None),
    ("POST", "/admin/companies/1/users", {"username": "me-too", "password": PASSWORD}),
    ("PUT", "/admin/users/1/password", {"password": "my own password"}),
    ("PUT", "/admin/users/1/permissions", {"permissions": []}),
    ("PATCH", "/admin/users/1", {"active": False}),
    ("POST", "/admin/companies/1/headers", {"header": "Me"}),
    ("PATCH", "/admin/companies/1/headers/82830", {"active": False}),
    ("POST", "/admin/companies/1/brands", {"name": "Me"}),
    ("POST", "/admin/companies/1/folders", {"name": "Me"}),
    ("POST", "/admin/companies/1/text-ins", {"header": "82830", "keyword": "me"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMIN)
async def test_only_an_operator_provisions(
    world: Platform, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await call(world, method, path, json=body)

    refused(answer, "permission_denied")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/companies", {"name": ""}),
        ("/admin/companies", {"name": "a\x00b"}),
        ("/admin/companies", {"name": "x" * 101}),
        ("/admin/companies/0/users", {"username": "u", "password": PASSWORD}),
        ("/admin/companies/9223372036854775807/text-ins", {"header": "82830", "keyword": "x"}),
        ("/admin/companies/1/users", {"username": "u", "password": "short"}),
        ("/admin/companies/1/users", {"username": "u", "password": PASSWORD, "firstname": "\x00"}),
        ("/admin/companies/1/users", {"username": "u", "password": PASSWORD, "permissions": ["everything"]}),
        ("/admin/companies/1/headers", {"header": "what a long header this is"}),
        ("/admin/companies/1/headers", {"header": "\x00"}),
        ("/admin/companies/1/folders", {"name": "x", "parent_id": 2**62}),
        ("/admin/companies/1/text-ins", {"header": "82830", "keyword": "two words"}),
        ("/admin/companies/1/text-ins", {"header": "82830", "keyword": "stop"}),
    ],
)
async def test_provisioning_that_makes_no_sense_is_refused(world: Platform, path: str, body: dict[str, Any]) -> None:
    assert (await call(world, "POST", path, "operator", json=body)).status_code in (400, 404)
