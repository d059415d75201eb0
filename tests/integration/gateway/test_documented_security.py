"""Reusable tokens, brands and folders of the documented surface; api/Test and api/Foo."""

from __future__ import annotations

import httpx
import pytest

from libs.common.contracts.auth import SEND, CreateFolder, CreateUser, SetPassword
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddBrand, SetBrandActive
from tests.integration.gateway.asking import ARRAYS, SMS, get, get_xml
from tests.platform import PASSWORD, Platform

SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"


async def with_token(world: Platform, operation: str, token: str) -> dict[str, object]:
    answer = await world.http.post(f"/api/Security/{operation}", json=token)
    assert answer.status_code == 200, answer.text
    result: dict[str, object] = answer.json()
    return result


async def a_user(world: Platform, name: str, company_id: int) -> tuple[int, str]:
    """A new user of the company, and their session's token."""
    user = CreateUser(
        company_id=company_id, username=name, password=PASSWORD, firstname=name.title(), permissions=[SEND]
    )
    return (await world.console.ask(user)).id, await world.token(name)


async def test_a_reusable_token_logs_in_again_and_again_and_is_checked_without_a_session(world: Platform) -> None:
    session = await world.token()
    asked = await get(world, f"Security/RequestReusableToken/{session}")
    assert (asked["StatusEnum"], asked["Status"]) == (0, "Success")
    reusable = asked["Result"]

    checked = await with_token(world, "VerifyReusableToken", reusable)
    opened = [await with_token(world, "LoginWithReusableToken", reusable) for _ in range(2)]

    assert (checked["Status"], checked["Firstname"], checked["Company"], checked["Token"]) == (
        "Success",
        "Demo",
        "Demo",
        "",
    )
    assert [each["Status"] for each in opened] == ["Success", "Success"]
    assert len({str(each["Token"]) for each in opened} | {session, reusable}) == 4
    for each in opened:
        assert (await get(world, f"Users/GetCurrentUserInfo/{each['Token']}"))["Result"]["Username"] == "demo"
    assert (await get(world, f"Users/GetCurrentUserInfo/{reusable}"))["Status"] == "SessionExpired"


async def test_a_reusable_token_comes_as_a_bare_string_in_xml_and_in_a_form(world: Platform) -> None:
    root = await get_xml(world, f"Security/RequestReusableToken/{await world.token()}")
    assert root.tag == f"{SMS}StatusStringOfReusableTokenResultBK6DH5fG"
    assert [child.tag.removeprefix(SMS) for child in root] == ["Result", "Status", "StatusEnum"]
    reusable = root.findtext(f"{SMS}Result")

    xml = await world.http.post(
        "/api/Security/VerifyReusableToken",
        content=f'<string xmlns="{SERIALIZATION}">{reusable}</string>',
        headers={"content-type": "application/xml"},
    )
    form = await world.http.post("/api/Security/VerifyReusableToken", data={"": reusable})

    assert xml.json() == form.json()
    assert xml.json()["Status"] == "Success"


@pytest.mark.parametrize("operation", ["VerifyReusableToken", "LoginWithReusableToken"])
async def test_a_reusable_token_does_not_outlive_a_new_password(world: Platform, operation: str) -> None:
    user_id, session = await a_user(world, f"renewed-{operation}", world.company_id)
    reusable = (await get(world, f"Security/RequestReusableToken/{session}"))["Result"]
    opened = (await with_token(world, "LoginWithReusableToken", reusable))["Token"]

    await world.console.ask(SetPassword(user_id=user_id, password="another-password"))

    refused = await with_token(world, operation, reusable)
    nobodys = await with_token(world, operation, "no-such-token")
    assert refused == nobodys
    assert (refused["Status"], refused["Token"]) == ("InvalidCredentials", None)
    assert (await get(world, f"Users/GetCurrentUserInfo/{opened}"))["Status"] == "SessionExpired"


async def test_an_old_client_that_asks_for_a_token_each_day_is_never_locked_out(world: Platform) -> None:
    _, session = await a_user(world, "collector", world.company_id)
    first = (await get(world, f"Security/RequestReusableToken/{session}"))["Result"]

    later = [(await get(world, f"Security/RequestReusableToken/{session}"))["Result"] for _ in range(20)]

    assert all(later)
    assert len(set(later)) == 20
    assert (await with_token(world, "VerifyReusableToken", later[-1]))["Status"] == "Success"
    assert (await with_token(world, "VerifyReusableToken", first))["Status"] == "InvalidCredentials"


async def test_brands_are_the_companys_active_ones_in_the_order_they_were_added(world: Platform) -> None:
    company_id = (await world.console.ask(CreateCompany(name="Branded"))).id
    _, token = await a_user(world, "branded", company_id)
    for name in ("Zebra", "Apple", "Gone"):
        await world.console.ask(AddBrand(company_id=company_id, name=name))
    await world.console.ask(SetBrandActive(company_id=company_id, name="gone", active=False))

    assert (await get(world, f"Company/GetBrands/{token}"))["Result"] == ["Zebra", "Apple"]
    root = await get_xml(world, f"Company/GetBrands/{token}")
    assert [item.text for item in root.iter(f"{ARRAYS}string")] == ["Zebra", "Apple"]
    assert (await get(world, f"Company/GetBrands/{await world.token('other')}"))["Result"] == []


async def test_folders_are_a_tree_with_a_root(world: Platform) -> None:
    company_id = (await world.console.ask(CreateCompany(name="Filed"))).id
    _, token = await a_user(world, "filed", company_id)
    outer = (await world.console.ask(CreateFolder(company_id=company_id, name="Outer"))).id
    inner = (await world.console.ask(CreateFolder(company_id=company_id, name="Inner", parent_id=outer))).id

    tree = (await get(world, f"Users/GetFolders/{token}"))["Result"]
    basic = (await get(world, f"Users/GetFoldersBasic/{token}"))["Result"]
    root = await get_xml(world, f"Users/GetFolders/{token}")

    assert tree == [
        {"ID": 0, "Name": "Root", "ParentID": None},
        {"ID": outer, "Name": "Outer", "ParentID": 0},
        {"ID": inner, "Name": "Inner", "ParentID": outer},
    ]
    assert basic == [{"ID": each["ID"], "Name": each["Name"]} for each in tree]
    parents = root.findall(f".//{SMS}ParentID")
    assert [None, "0", str(outer)] == [each.text for each in parents]
    assert parents[0].get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"


async def test_test_answers_a_simple_string_to_a_live_session_in_every_format(world: Platform) -> None:
    token = await world.token()
    for media_type in ("application/json", "text/json"):
        answer = await world.http.get(f"/api/Test/{token}", headers={"accept": media_type})
        assert (answer.json(), answer.headers["content-type"]) == ("Success", f"{media_type}; charset=utf-8")
    for media_type in ("application/xml", "text/xml"):
        answer = await world.http.get(f"/api/Test/{token}", headers={"accept": media_type})
        assert answer.text == f'<string xmlns="{SERIALIZATION}">Success</string>'
    assert (await world.http.get("/api/Test/nobody")).json() == "SessionExpired"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_foo_does_nothing_and_says_so(world: Platform, method: str) -> None:
    answer = await world.http.request(method, "/API/FOO", params={"bar": "x"})
    missing = await world.http.request(method, "/api/Foo")

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert (missing.status_code, set(missing.json())) == (httpx.codes.BAD_REQUEST, {"Message", "MessageDetail"})
