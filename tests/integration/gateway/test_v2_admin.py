"""/v2/admin: what an operator provisions, and that nobody else does."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_name, a_number, bearer, call, refused
from tests.platform import PASSWORD, Platform

_headers = itertools.count(1)


async def test_a_company_is_provisioned_whole_and_its_user_sends_and_receives(world: Platform) -> None:
    name, header, username = a_name("Company"), f"7{next(_headers):04d}", a_name("user")
    company_id = (await call(world, "POST", "/admin/companies", "operator", json={"name": name})).json()["id"]
    path = f"/admin/companies/{company_id}"
    added = await call(world, "POST", f"{path}/headers", "operator", json={"header": header})
    assert (added.status_code, added.json()["approval"]) == (201, "approved")
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
    assert (whole["id"], whole["brands"][0]["name"], whole["folders"][0]["name"]) == (company_id, "Brand", "Autumn")
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


async def test_a_brand_that_is_not_active_is_no_campaigns(world: Platform) -> None:
    brand = a_name("Brand/50%")  # a slash and a percent sign: a name is what people write
    path = f"/admin/companies/{world.company_id}/brands"
    await call(world, "POST", path, "operator", json={"name": brand})
    new = {"title": a_name("campaign"), "text": "x", "from": "82830", "brand": brand}

    async def answers(status: int) -> bool:
        return (await call(world, "POST", "/campaigns", json=new | {"title": a_name()})).status_code == status

    await eventually(lambda: answers(201))
    assert brand in (await call(world, "GET", "/brands")).json()["items"]
    changed = await call(world, "PATCH", f"{path}/{quote(brand, safe='')}", "operator", json={"active": False})

    assert changed.status_code == 204, changed.text
    assert brand not in (await call(world, "GET", "/brands")).json()["items"]
    await eventually(lambda: answers(400))


async def test_a_text_in_that_is_not_active_claims_no_text(world: Platform) -> None:
    new = {"header": "82830", "keyword": "QUIZ"}
    made = await call(world, "POST", f"/admin/companies/{world.company_id}/text-ins", "operator", json=new)
    id_ = made.json()["id"]

    async def active() -> list[bool]:
        return [each["active"] for each in (await call(world, "GET", "/text-ins")).json()["items"] if each["id"] == id_]

    assert await active() == [True]
    changed = await call(world, "PATCH", f"/admin/text-ins/{id_}", "operator", json={"active": False})

    assert (changed.status_code, await active()) == (204, [False])
    refused(await call(world, "PATCH", "/admin/text-ins/999999", "operator", json={"active": False}), "not_found")


async def test_a_shared_header_is_two_companies(world: Platform) -> None:
    header = f"8{next(_headers):04d}"
    ids = [
        (await call(world, "POST", "/admin/companies", "operator", json={"name": a_name("Company")})).json()["id"]
        for _ in range(3)
    ]
    shared = [
        await call(
            world, "POST", f"/admin/companies/{id_}/headers", "operator", json={"header": header, "shared": True}
        )
        for id_ in ids[:2]
    ]
    alone = await call(world, "POST", f"/admin/companies/{ids[2]}/headers", "operator", json={"header": header})

    assert [each.status_code for each in shared] == [201, 201]
    refused(alone, "duplicate")


async def test_companies_come_by_pages(world: Platform) -> None:
    first = (await call(world, "GET", "/admin/companies", "operator")).json()

    assert set(first) == {"items", "after"}
    refused(await call(world, "GET", "/admin/companies", "operator", params={"after": "x"}), "invalid_request")
    refused(await call(world, "GET", "/admin/companies", "operator", params={"limit": "1"}), "invalid_request")


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
    ("PATCH", "/admin/companies/1/brands/Demo", {"active": False}),
    ("POST", "/admin/companies/1/text-ins", {"header": "82830", "keyword": "me"}),
    ("PATCH", "/admin/text-ins/1", {"active": False}),
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
