"""One platform, two surfaces: what is made on /v2 is there on the documented surface, and the other way round, and neither breaks the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from libs.common.clock import now
from tests.harness import eventually
from tests.integration.gateway.asking import ask, get
from tests.integration.gateway.test_v2 import a_campaign, a_list, a_name, a_number, call
from tests.integration.gateway.test_v2_inbox import receive
from tests.integration.gateway.test_v2_sending import in_state, send
from tests.platform import Platform


async def test_a_session_of_either_is_good_on_both_and_ends_on_both(world: Platform) -> None:
    token = await world.token()
    session = {"authorization": f"Bearer {token}"}
    assert (await world.http.get("/v2/sessions/current", headers=session)).json()["username"] == "demo"
    assert (await get(world, f"Users/GetCurrentUserInfo/{token}"))["Result"]["Username"] == "demo"

    await world.http.delete("/v2/sessions/current", headers=session)

    assert (await get(world, f"Users/GetCurrentUserInfo/{token}"))["Status"] == "SessionExpired"
    assert (await world.http.get("/v2/sessions/current", headers=session)).status_code == 401


async def test_a_reusable_token_of_either_opens_sessions_on_both(world: Platform) -> None:
    token = await world.token()
    session = {"authorization": f"Bearer {token}"}
    documented = (await get(world, f"Security/RequestReusableToken/{token}"))["Result"]
    ours = (await world.http.post("/v2/reusable-tokens", headers=session)).json()
    listed = (await world.http.get("/v2/reusable-tokens", headers=session)).json()["items"]

    for reusable in (documented, ours["token"]):
        opened = await world.http.post("/v2/sessions", json={"reusable_token": reusable})
        assert opened.status_code == 201, opened.text
        answer = await world.http.post("/api/Security/LoginWithReusableToken", json=reusable)
        assert answer.json()["Status"] == "Success", answer.text
    assert ours["id"] in [each["id"] for each in listed]
    for each in listed:
        await world.http.delete(f"/v2/reusable-tokens/{each['id']}", headers=session)
    answer = await world.http.post("/api/Security/VerifyReusableToken", json=documented)
    assert answer.json()["Status"] != "Success"


async def test_a_list_of_either_and_its_entries_are_there_on_both(world: Platform) -> None:
    token, numbers = await world.token(), [a_number() for _ in range(3)]
    ours = await a_list(world, numbers[0])
    title = a_name("documented")
    made = await ask(world, "Phonelists/CreateList", SessionToken=token, Title=title, Folder=0)
    theirs = int(made["Result"])

    entry = {"PhoneNumber": numbers[1], "FirstName": "Ann", "User1": "gold"}
    await ask(world, "Phonelists/AddSingleEntry", SessionToken=token, ListID=ours, ListEntry=entry)
    await call(
        world, "POST", f"/lists/{theirs}/entries", json={"entries": [{"phone_number": numbers[2], "city": "Bath"}]}
    )

    assert (await call(world, "GET", f"/lists/{theirs}")).json() == {
        "id": theirs,
        "title": title,
        "folder_id": 0,
        "entries": 1,
    }
    seen = (await call(world, "GET", f"/lists/{ours}/entries/{numbers[1]}")).json()
    assert (seen["first_name"], seen["user1"]) == ("Ann", "gold")
    assert (await get(world, f"Phonelists/GetNumbers/{token}/{ours}"))["Result"] == numbers[:2]
    detail = await get(world, f"Phonelists/GetNumberDetail/{token}/{theirs}/{numbers[2]}")
    assert detail["Result"]["City"] == "Bath"
    await call(world, "DELETE", f"/lists/{ours}/entries/{numbers[0]}")
    assert (await get(world, f"Phonelists/GetNumbers/{token}/{ours}"))["Result"] == numbers[1:2]


async def test_a_campaign_of_either_is_run_by_both(world: Platform) -> None:
    token, numbers = await world.token(), [a_number() for _ in range(2)]
    ours, list_id = await a_campaign(world), await a_list(world, *numbers)
    made = await ask(
        world,
        "Campaigns/CreateCampaign",
        SessionToken=token,
        Title=a_name("documented"),
        Text="From the other side",
        Folder=0,
        FromNumber="82830",
        LaunchAt=(now() + timedelta(days=30)).isoformat(),
    )
    assert made["Status"] == "Success", made
    theirs = int(made["Result"])

    linked = await ask(world, "Campaigns/LinkCampaignAndPhonelist", SessionToken=token, CampaignID=ours, ListID=list_id)
    await call(world, "POST", f"/campaigns/{theirs}/lists", json={"list_id": list_id})
    launched = await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=ours)
    waits = await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=theirs)
    stopped = await call(world, "POST", f"/campaigns/{theirs}/stop")

    async def finished() -> dict[str, Any]:
        told: dict[str, Any] = (await call(world, "GET", f"/campaigns/{ours}")).json()
        return told if told["state"] == "finished" else {}

    told = await eventually(finished)
    assert (linked["Status"], launched["Status"], stopped.status_code) == ("Success", "Success", 200)
    assert (told["targeted"], told["ended"], told["list_ids"]) == (2, {"delivered": 2}, [list_id])
    seen = (await call(world, "GET", f"/campaigns/{theirs}")).json()
    assert (waits["Status"], seen["text"], seen["state"]) == ("Success", "From the other side", "draft")
    again = await ask(world, "Campaigns/LaunchCampaign", SessionToken=token, CampaignID=theirs)
    assert again["Status"] == "Success"


async def test_marks_of_the_inbox_change_nothing_that_the_documented_surface_reads(world: Platform) -> None:
    number, token = a_number(), await world.token()

    async def documented() -> list[Any]:
        every = (await get(world, f"Messages/GetAllInboundMessages/{token}"))["Result"]
        return [each for each in every if each["FromNumber"] == number]

    (text,) = await receive(world, number, "hello")
    before = await documented()
    await call(world, "PATCH", f"/inbound-messages/{text['id']}", json={"read": True, "handled": True})
    await call(world, "POST", f"/inbound-messages/{text['id']}/replies", json={"text": "Hello to you"})

    assert [each["Message"] for each in before] == ["hello"]
    assert await documented() == before
    conversation = (await get(world, f"Messages/GetConversation/{token}/{number}"))["Result"]
    assert [(each["Message"], each["Sent"]) for each in conversation] == [("hello", False), ("Hello to you", True)]


async def test_a_stop_is_a_stop_on_both(world: Platform) -> None:
    number, token = a_number(), await world.token()
    await receive(world, number, "STOP")

    async def stopped() -> bool:
        answer = await call(world, "POST", "/messages", json={"to": number, "from": "82830", "text": "x"})
        return answer.status_code == 409

    await eventually(stopped)
    sent = await ask(
        world, "Messages/SendInstantMessage", SessionToken=token, FromNumber="82830", ToNumber=number, Message="x"
    )
    assert sent["Status"] != "Success"
    assert number in (await get(world, f"Status/GetAllStops/{token}"))["Result"]
    assert number in [
        each["number"] for each in (await call(world, "GET", "/opt-outs", params={"limit": 1000})).json()["items"]
    ]


async def test_a_text_of_the_documented_surface_is_found_and_one_of_ours_is_in_its_conversation(
    world: Platform,
) -> None:
    number, token = a_number(), await world.token()
    answer = await world.http.post(
        "/api/Messages/SendInstantMessage",
        json={"SessionToken": token, "FromNumber": "82830", "ToNumber": number, "Message": "theirs"},
    )
    await in_state(world, answer.headers["x-message-id"], "delivered")
    await send(world, to=number, text="ours")

    found = (await call(world, "GET", "/messages", params={"to": number})).json()["items"]
    conversation = (await get(world, f"Messages/GetConversation/{token}/{number}"))["Result"]

    assert [message["text"] for message in found] == ["theirs", "ours"]
    assert [each["Message"] for each in conversation] == ["theirs", "ours"]


async def test_a_program_of_the_documented_service_may_be_tried_with_a_test_key_and_nothing_leaves(
    world: Platform,
) -> None:
    new = {"name": a_name(), "permissions": ["send"], "test": True}
    key = (await call(world, "POST", "/api-keys", json=new)).json()["key"]
    number = a_number()
    body = {"SessionToken": key, "FromNumber": "82830", "ToNumber": number, "Message": "Only a test"}

    answer = await world.http.post("/api/Messages/SendInstantMessage", json=body)
    code = await ask(world, "Messages/SendTwoFactorToken", **body)

    assert (answer.json()["Status"], code["Status"], len(code["Result"])) == ("Success", "Success", 6)
    text = await in_state(world, answer.headers["x-message-id"], "delivered")
    assert text["test"]
    assert await world.simulator.log() == []
