"""The first documented operations, whole, through HTTP to the handset, in JSON and XML."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, cast
from xml.etree import ElementTree as ET

import httpx
import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from services.gateway.documented.call import Call, Pages
from services.gateway.documented.handlers import HANDLERS, Handler
from tests.harness import eventually
from tests.integration.gateway.asking import ARRAYS, SMS, a_list, ask, contract, get, get_xml, xml
from tests.platform import PASSWORD, Platform

_names = itertools.count(1)


async def test_login_tells_who_is_logged_in_and_a_wrong_password_tells_nothing(world: Platform) -> None:
    good = await ask(world, "Security/Login", Username="DEMO", Password=PASSWORD)
    bad = await ask(world, "Security/Login", Username="demo", Password="wrong")
    nobody = await ask(world, "Security/Login", Username="nobody", Password="wrong")

    assert tuple(good[name] for name in ("Status", "Firstname", "Surname", "Company")) == (
        "Success",
        "Demo",
        "User",
        "Demo",
    )
    assert bad == nobody
    assert bad["Status"] == "InvalidCredentials"
    assert not bad["Token"]


async def test_login_in_xml_uses_the_documented_names(world: Platform) -> None:
    root = await xml(
        world, "Security/Login", contract("LogonRequest", "WebAPI82830", Username="demo", Password=PASSWORD)
    )

    assert f"{SMS}LogonResult" == root.tag
    assert root.findtext(f"{SMS}Status") == "Success"
    assert root.findtext(f"{SMS}Token")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_after_logout_the_token_is_good_for_nothing(world: Platform, method: str) -> None:
    token = await world.token()
    assert (await get(world, f"Users/GetCurrentUserInfo/{token}"))["StatusEnum"] == 0

    answer = await world.http.request(method, f"/api/security/LOGOUT/{token}")

    assert answer.json()["Status"] == "Success"
    assert (await get(world, f"Users/GetCurrentUserInfo/{token}"))["Status"] == "SessionExpired"
    assert (await world.http.request(method, f"/api/Security/Logout/{token}")).json()["Status"] == "SessionExpired"


async def test_headers_and_user_are_the_callers_own(world: Platform) -> None:
    token, other = await world.token(), await world.token("other")

    assert (await get(world, f"Company/GetHeaders/{token}"))["Result"] == ["82830", "Heliograph"]
    assert (await get(world, f"Company/GetHeaders/{other}"))["Result"] == ["Other"]
    assert (await get(world, f"Users/GetCurrentUserInfo/{token}"))["Result"]["Username"] == "demo"
    root = await get_xml(world, f"Company/GetHeaders/{token}")
    assert [item.text for item in root.iter(f"{ARRAYS}string")] == ["82830", "Heliograph"]


@pytest.mark.parametrize("encoding", ["json", "xml", "form"])
async def test_a_text_goes_out_in_each_encoding_and_its_id_is_told(world: Platform, encoding: str) -> None:
    number, text = f"+4477009001{next(_names):02d}", "Grüße & <love> €5 \U0001f389"
    fields = {"SessionToken": await world.token(), "FromNumber": "heliograph", "ToNumber": number, "Message": text}
    if encoding == "json":
        answer = await world.http.post("/api/Messages/SendInstantMessage", json=fields)
    elif encoding == "form":
        answer = await world.http.post("/api/Messages/SendInstantMessage", data=fields)
    else:
        body = contract("SendInstantMessageRequest", **fields | {"Message": "Grüße &amp; &lt;love&gt; €5 &#x1F389;"})
        answer = await world.http.post(
            "/api/Messages/SendInstantMessage",
            content=body.encode(),
            headers={"content-type": "text/xml; charset=utf-8"},
        )

    assert answer.json() == {"StatusEnum": 0, "Status": "Success", "Result": ""}
    assert len(answer.headers["x-message-id"]) == 36
    texts = await eventually(lambda: world.simulator.messages_of(number))
    assert [("Heliograph", text)] == [(t["from"], t["text"]) for t in texts]


async def test_a_code_is_answered_and_is_the_one_on_the_handset(world: Platform) -> None:
    body = {
        "FromNumber": "82830",
        "ToNumber": "07700 900150",
        "Message": "Code: #C#",
        "GenerationRule": "8",
        "Token": "#C#",
    }
    answer = await ask(world, "Messages/SendTwoFactorToken", SessionToken=await world.token(), **body)

    texts = await eventually(lambda: world.simulator.messages_of("+447700900150"))
    assert len(answer["Result"]) == 8
    assert f"Code: {answer['Result']}" == texts[0]["text"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"ToNumber": "banana"}, "InvalidPhoneNumber"),
        ({"FromNumber": "Somebody"}, "InvalidSender"),
        ({"FromNumber": "Other"}, "InvalidSender"),
        ({"Message": ""}, "MessageEmpty"),
        ({"Message": "x" * 2000}, "MessageTooLong"),
        ({"SessionToken": "nonsense"}, "SessionExpired"),
        ({"SessionToken": None}, "SessionExpired"),
    ],
)
async def test_a_text_that_cannot_go_is_refused_by_a_status_in_both_formats(
    world: Platform, changed: dict[str, Any], status: str
) -> None:
    fields = {
        "SessionToken": await world.token(),
        "FromNumber": "82830",
        "ToNumber": "07700900151",
        "Message": "x",
    } | changed
    refused = await ask(world, "Messages/SendInstantMessage", **fields)
    root = await xml(
        world,
        "Messages/SendInstantMessage",
        contract("SendInstantMessageRequest", **{k: v or "" for k, v in fields.items()}),
    )

    assert status == refused["Status"]
    assert refused["Result"] == ""
    assert status == root.findtext(f"{SMS}StatusEnum")


async def test_only_who_may_send_sends(world: Platform) -> None:
    fields = {"FromNumber": "82830", "ToNumber": "07700900151", "Message": "x"}
    refused = await ask(world, "Messages/SendInstantMessage", SessionToken=await world.token("reader"), **fields)

    assert refused["Status"] == "PermissionDenied"


async def test_a_stop_is_received_listed_and_obeyed_and_a_start_undoes_it(world: Platform) -> None:
    token, number = await world.token(), "+447700900160"
    fields = {"SessionToken": token, "FromNumber": "82830", "ToNumber": number, "Message": "Hello"}

    async def texted(word: str, operation: str) -> list[str]:
        answer = await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": word})
        assert answer.status_code == 202

        async def listed() -> bool:
            return number in (await get(world, f"Status/{operation}/{token}"))["Result"]

        await eventually(listed)
        return list((await get(world, f"Status/{operation}/{token}"))["Result"])

    async def becomes(status: str) -> bool:
        return bool(status == (await ask(world, "Messages/SendInstantMessage", **fields))["Status"])

    await texted("Stop.", "GetStops")
    await eventually(lambda: becomes("OptedOut"))
    await texted("START", "GetReinstates")
    assert number not in (await get(world, f"Status/GetStops/{token}"))["Result"]
    await eventually(lambda: becomes("Success"))

    inbound = (await get(world, f"Messages/GetInboundMessages/{token}"))["Result"]
    assert [(t["Message"], t["Sent"]) for t in inbound if t["FromNumber"] == number] == [
        ("Stop.", False),
        ("START", False),
    ]
    assert (await get(world, f"Messages/GetInboundMessages/{await world.token('other')}"))["Result"] == []


async def test_a_conversation_shows_both_sides_in_order(world: Platform) -> None:
    token, number = await world.token(), "+447700900161"
    await ask(
        world, "Messages/SendInstantMessage", SessionToken=token, FromNumber="82830", ToNumber=number, Message="One"
    )
    await eventually(lambda: world.simulator.messages_of(number))
    await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": "82830", "text": "Two"})

    async def both() -> list[Any]:
        result = (await get(world, f"Messages/GetConversation/{token}/07700%20900161"))["Result"]
        return result if len(result) == 2 else []

    conversation = await eventually(both)
    assert [("One", True, "82830", number), ("Two", False, number, "82830")] == [
        (t["Message"], t["Sent"], t["FromNumber"], t["ToNumber"]) for t in conversation
    ]
    inbound = (await get(world, f"Messages/GetInboundMessages/{token}"))["Result"]
    assert conversation[1] in inbound  # the same text is told alike, its date too
    root = await get_xml(world, f"Messages/GetConversation/{token}/07700%20900161")
    assert [item.findtext(f"{SMS}Message") for item in root.iter(f"{SMS}MessageInformation")] == ["One", "Two"]
    other = await get(world, f"Messages/GetConversation/{await world.token('other')}/07700%20900161")
    assert other["Result"] == []


@pytest.mark.parametrize("count", [3, 1200])
async def test_a_list_gives_its_numbers_back_in_order_and_without_doubles(world: Platform, count: int) -> None:
    token = await world.token()
    numbers = [f"+4474000{n:05d}" for n in range(count)]
    list_id = await a_list(world, token, numbers + numbers[:2])

    assert numbers == (await get(world, f"Phonelists/GetNumbers/{token}/{list_id}"))["Result"]
    root = await get_xml(world, f"Phonelists/GetNumbers/{token}/{list_id}")
    assert numbers == [item.text for item in root.iter(f"{ARRAYS}string")]
    other = await world.token("other")
    assert (await get(world, f"Phonelists/GetNumbers/{other}/{list_id}"))["Status"] == "NotFound"


@pytest.mark.parametrize("count", [3, 600])
async def test_one_bad_number_and_nothing_is_added(world: Platform, count: int) -> None:
    token = await world.token()
    list_id = await a_list(world, token, ["+447400000001"])
    entries = [{"PhoneNumber": f"+4474001{n:05d}"} for n in range(count)] + [{"PhoneNumber": "banana"}]

    refused = await ask(world, "Phonelists/AddMultipleEntries", SessionToken=token, ListID=list_id, ListEntries=entries)

    assert refused["Status"] == "InvalidPhoneNumber"
    assert f" {count + 1}: this is not a phone number" in refused["Result"]
    assert (await get(world, f"Phonelists/GetNumbers/{token}/{list_id}"))["Result"] == ["+447400000001"]


async def test_a_campaign_reaches_everybody_on_its_lists_once(world: Platform) -> None:
    token = await world.token()
    numbers = [f"+4474003{n:05d}" for n in range(700)]
    lists = [await a_list(world, token, numbers[:500]), await a_list(world, token, numbers[400:])]
    created = await ask(
        world,
        "Campaigns/CreateCampaign",
        SessionToken=token,
        Title=f"C{next(_names)}",
        Text="Sale",
        FromNumber="82830",
        Brand="Demo",
    )
    campaign_id = created["Result"]
    assert (await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=campaign_id))[
        "Status"
    ] == "NoRecipients"
    for list_id in lists:
        linked = await ask(
            world, "Campaigns/LinkCampaignAndPhonelist", SessionToken=token, CampaignID=campaign_id, ListID=list_id
        )
        assert linked["Status"] == "Success"
    other = await world.token("other")
    assert (await ask(world, "Campaigns/LaunchCampaign", SessionToken=other, CampaignID=campaign_id))[
        "Status"
    ] == "NotFound"

    assert (await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=campaign_id))[
        "Status"
    ] == "Success"

    async def all_there() -> bool:
        return bool((await world.simulator.stats())["submits"] >= 700)

    await eventually(all_there, within_s=30)
    log = await world.simulator.log()
    assert sorted(numbers) == sorted(entry["to"] for entry in log)
    assert {"Sale"} == {entry["text"] for entry in log}
    again = await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=campaign_id)
    assert again["Status"] in ("Success", "WrongState"), "it runs, and nothing changes; or its last receipt has come"
    assert (await world.simulator.stats())["submits"] == len(log)


async def test_a_campaign_stopped_before_its_time_sends_nothing(world: Platform) -> None:
    token = await world.token()
    list_id = await a_list(world, token, ["+447400400001"])
    fields = {
        "Title": f"C{next(_names)}",
        "Text": "Late",
        "FromNumber": "82830",
        "LaunchAt": (now() + timedelta(days=30)).isoformat(),
        "Lease": 4,
    }
    campaign_id = (await ask(world, "Campaigns/CreateCampaign", SessionToken=token, **fields))["Result"]
    await ask(world, "Campaigns/LinkCampaignAndPhonelist", SessionToken=token, CampaignID=campaign_id, ListID=list_id)
    await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=campaign_id)

    stopped = await ask(world, "Campaigns/StopCampaign", SessionToken=token, CampaignID=campaign_id)

    assert (stopped["Status"], stopped["Result"]) == ("Success", "nothing was handed over")
    campaigns = world.processes["campaign"].db
    assert campaigns is not None
    async with campaigns.transaction() as tx:
        due = "UPDATE campaigns SET starts_at = now() WHERE id = $1 AND starts_at IS NOT NULL"
        assert await tx.execute(due, campaign_id) == "UPDATE 0", "no clock begins it any more"
    assert await world.simulator.messages_of("+447400400001") == []


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status"),
    [
        ("GET", "/api/Nothing", b"", {}, 404),
        ("PUT", "/api/Security/Login", b"", {}, 405),
        ("POST", "/api/Security/Login", b"{", {"content-type": "application/json"}, 400),
        ("POST", "/api/Security/Login", b"<a", {"content-type": "application/xml"}, 400),
        ("POST", "/api/Security/Login", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", {"content-type": "text/xml"}, 400),
        ("POST", "/api/Security/Login", b"[" * 2000, {"content-type": "text/json"}, 400),
        ("POST", "/api/Security/Login", b"x", {"content-type": "image/png"}, 415),
        ("POST", "/api/Security/Login", b"x" * 100_000, {"content-type": "text/json"}, 413),
    ],
)
async def test_what_cannot_be_read_or_routed_gets_https_own_error(
    world: Platform, method: str, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await world.http.request(method, path, content=content, headers=headers)
    in_xml = await world.http.request(method, path, content=content, headers=headers | {"accept": "application/xml"})

    assert (status, status) == (answer.status_code, in_xml.status_code)
    assert answer.json()["Message"]
    assert ET.fromstring(in_xml.text).tag == "Error"


async def test_no_answer_may_be_stored_or_referred_from(world: Platform) -> None:
    answer: httpx.Response = await world.http.get(f"/api/Company/GetHeaders/{await world.token()}")

    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_help_lists_every_operation_and_shows_its_page(world: Platform) -> None:
    index = await world.http.get("/Help")
    page = await world.http.get("/help/Api/POST-api-Messages-SendInstantMessage")

    assert index.text.count("/Help/Api/") >= 46
    assert "SendInstantMessageRequest" in page.text
    assert (await world.http.get("/Help/Api/Nothing")).status_code == 404


def answered_by(monkeypatch: pytest.MonkeyPatch, pages: Callable[[], AsyncIterator[list[object]]]) -> None:
    async def get_numbers(_: Call) -> object:
        return Pages(pages())

    monkeypatch.setitem(cast("dict[str, Handler]", HANDLERS), "GetNumbers", get_numbers)


async def test_a_list_of_one_page_is_whole_and_one_that_fails_at_its_second_is_an_error(
    world: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_page() -> AsyncIterator[list[object]]:
        yield ["+447700900001"]

    async def failing() -> AsyncIterator[list[object]]:
        yield ["+447700900001"]
        raise Refusal(Code.UNAVAILABLE)

    path = f"/api/Phonelists/GetNumbers/{await world.token()}/1"
    answered_by(monkeypatch, one_page)
    whole = await world.http.get(path)
    answered_by(monkeypatch, failing)
    failed = await world.http.get(path)

    assert whole.json() == {"Status": "Success", "StatusEnum": 0, "Result": ["+447700900001"]}
    assert whole.headers["content-length"] == str(len(whole.content))
    assert (failed.status_code, b"+447700900001" in failed.content) == (503, False)


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
async def test_a_list_that_cannot_be_finished_is_cut_and_never_ends_well(
    world: Platform, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pages() -> AsyncIterator[list[object]]:
        yield ["+447700900001"]
        yield ["+447700900002"]
        raise RuntimeError("the owner is gone")

    answered_by(monkeypatch, pages)
    received: list[bytes] = []
    path = f"/api/Phonelists/GetNumbers/{await world.token()}/1"

    async def read() -> None:
        async with world.http.stream("GET", path, headers={"accept": accept}) as answer:
            assert answer.status_code == 200
            async for chunk in answer.aiter_bytes():
                received.append(chunk)

    with pytest.raises(httpx.RemoteProtocolError):
        await read()
    assert b"+447700900002" in b"".join(received)
    assert b"]}" not in b"".join(received)
    assert b"</APIReturn" not in b"".join(received)
