"""Text-ins and recent fails of the documented surface."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from libs.common.clock import now
from libs.common.contracts.auth import CreateUser
from libs.common.contracts.base import Refusal
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.inbound import CreateTextIn, TextIn
from libs.common.contracts.senders import AddHeader
from tests.harness import eventually
from tests.integration.gateway.asking import SMS, a_list, ask, get, get_xml
from tests.platform import PASSWORD, Platform

SHARED = "84433"


async def texted(world: Platform, number: str, to: str, text: str) -> None:
    answer = await world.simulator.control.post(f"/handsets/{number}/messages", json={"to": to, "text": text})
    assert answer.status_code == 202


async def text_in(world: Platform, company_id: int, header: str, keyword: str) -> TextIn:
    """Once inbound has heard of the header."""

    async def made() -> TextIn | None:
        try:
            return await world.console.ask(CreateTextIn(company_id=company_id, header=header, keyword=keyword))
        except Refusal:
            return None

    found: TextIn = await eventually(made)
    return found


async def test_text_ins_and_their_contacts_are_told_with_who_and_when(world: Platform) -> None:
    token = await world.token()
    pizza = await text_in(world, world.company_id, "82830", "pizza")
    number = "+447700900301"
    await texted(world, number, "82830", "Pizza please")
    await texted(world, number, "82830", "no keyword")

    async def there() -> list[Any]:
        result = (await get(world, f"TextIn/GetTextIns/{token}"))["Result"]
        return [each for each in result if each["PhoneNumber"] == number]

    told = await eventually(there)
    assert [(each["TextInID"], each["Message"]) for each in told] == [(pizza.id, "Pizza please")]
    assert set(told[0]) == {"TextInID", "PhoneNumber", "Date", "Message"}
    for path in (f"GetAllTextIns/{token}", f"GetTextInsFromDate/{token}?DateFrom={now():%Y-%m-%d}"):
        assert told[0] in (await get(world, f"TextIn/{path}"))["Result"]

    today, ahead = now() - timedelta(hours=1), now() + timedelta(hours=1)
    span = f"DateFrom={today:%Y-%m-%dT%H:%M:%SZ}&DateTo={ahead:%Y-%m-%dT%H:%M:%SZ}"
    contacts = (await get(world, f"TextIn/GetContacts/{token}/{pizza.id}?{span}"))["Result"]
    root = await get_xml(world, f"TextIn/GetContacts/{token}/{pizza.id}?{span}")
    assert contacts == [{name: told[0][name] for name in ("PhoneNumber", "Date", "Message")}]
    assert [each.tag for each in root.find(f"{SMS}Result") or ()] == [f"{SMS}Contact"]
    before = await get(world, f"TextIn/GetContacts/{token}/{pizza.id}?DateFrom=2026-01-01&DateTo=2026-01-02")
    assert before["Result"] == []


async def test_contacts_are_limited_to_one_week_and_to_the_companys_own_text_ins(world: Platform) -> None:
    soup = await text_in(world, world.company_id, "82830", "soup")

    async def status(token: str, text_in_id: int, since: str, until: str) -> str:
        path = f"TextIn/GetContacts/{token}/{text_in_id}?DateFrom={since}&DateTo={until}"
        return str((await get(world, path))["Status"])

    demo, other = await world.token(), await world.token("other")
    assert await status(demo, soup.id, "2026-10-19", "2026-10-26") == "Success"  # seven days, and the hour of October
    assert await status(demo, soup.id, "2026-11-01", "2026-11-08T00:00:01") == "InvalidDate"
    assert await status(demo, soup.id, "2026-11-08", "2026-11-01") == "InvalidDate"
    assert await status(other, soup.id, "2026-11-01", "2026-11-02") == "NotFound"
    assert await status(demo, 999_999, "2026-11-01", "2026-11-02") == "NotFound"
    assert await status(demo, -1, "2026-11-01", "2026-11-02") == "NotFound"


async def test_on_a_shared_number_the_keyword_says_whose_a_text_is_and_a_stop_is_every_companys(
    world: Platform,
) -> None:
    companies = {}
    for name, keyword in (("Red", "red"), ("Blue", "blue")):
        company_id = (await world.console.ask(CreateCompany(name=name))).id
        await world.console.ask(CreateUser(company_id=company_id, username=name, password=PASSWORD))
        await world.console.ask(AddHeader(company_id=company_id, header=SHARED, shared=True))
        await text_in(world, company_id, SHARED, keyword)
        companies[name] = await world.token(name)
    number = "+447700900311"
    for text in ("red one", "BLUE two", "neither", "STOP"):
        await texted(world, number, SHARED, text)

    async def stopped_everywhere() -> bool:
        stops = [(await get(world, f"Status/GetStops/{token}"))["Result"] for token in companies.values()]
        return all(number in each for each in stops)

    await eventually(stopped_everywhere)
    for name, text in (("Red", "red one"), ("Blue", "BLUE two")):
        received = (await get(world, f"Messages/GetAllInboundMessages/{companies[name]}"))["Result"]
        assert [each["Message"] for each in received] == [text], name


async def test_a_number_that_failed_in_three_campaigns_is_told_and_one_that_failed_in_two_is_not(
    world: Platform,
) -> None:
    token = await world.token()
    thrice, twice, fine = "+447700900321", "+447700900322", "+447700900333"
    behaviour = {"number_prefix": "+44770090032", "receipt": "failed"}
    (await world.simulator.control.post("/handsets/behaviour", json=behaviour)).raise_for_status()

    async def campaign(title: str, numbers: list[str]) -> None:
        list_id = await a_list(world, token, numbers)
        body = {"SessionToken": token, "Title": title, "Text": "Hello", "Folder": 0, "FromNumber": "82830"}
        campaign_id = (await ask(world, "Campaigns/CreateCampaign", **body))["Result"]
        for operation, more in (("LinkCampaignAndPhonelist", {"ListID": list_id}), ("LaunchCampaign", {})):
            answer = await ask(world, f"Campaigns/{operation}", SessionToken=token, CampaignID=campaign_id, **more)
            assert answer["Status"] == "Success", answer

    await campaign("Fails 1", [thrice, twice, fine])
    await campaign("Fails 2", [thrice, twice, fine])
    await campaign("Fails 3", [thrice, fine])
    since = f"{now() - timedelta(days=1):%Y-%m-%d}"

    async def told() -> bool:
        return bool((await get(world, f"status/getrecentfails/{token}?DateFrom={since}"))["Result"] == [thrice])

    await eventually(told, within_s=20)
    later = f"{now() + timedelta(days=1):%Y-%m-%d}"
    assert (await get(world, f"Status/GetRecentFails/{token}?datefrom={later}"))["Result"] == []
    other = await get(world, f"status/getrecentfails/{await world.token('other')}?DateFrom={since}")
    assert other["Result"] == []
