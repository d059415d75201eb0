"""Good calls of PhoneList, Test and Campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.conformance.good.frame import Call, good, read
from tests.conformance.world import (
    PERSON,
    World,
    fresh,
    fresh_number,
    in_a_month,
)

# PhoneList


@good("POST api/Phonelists/CreateList")
async def create_list(world: World) -> Call:
    title = fresh("List")

    async def holds(list_id: Any) -> None:
        told = await world.get(f"Phonelists/GetList/{world.mine.token}/{list_id}")
        assert told == {"ID": list_id, "Title": title, "Folder": world.mine.folder_id, "Count": 0}

    return Call(body={"SessionToken": world.mine.token, "Title": title, "Folder": world.mine.folder_id}, holds=holds)


async def _kept(world: World, list_id: int, *people: dict[str, Any]) -> None:
    """The list holds these people, in this order, with all they were given."""
    token = world.mine.token
    assert await world.get(f"Phonelists/GetNumbers/{token}/{list_id}") == [each["PhoneNumber"] for each in people]
    for each in people:
        assert await world.get(f"Phonelists/GetNumberDetail/{token}/{list_id}/{each['PhoneNumber']}") == each


@good("POST api/Phonelists/AddSingleEntry")
async def add_single_entry(world: World) -> Call:
    list_id, person = await world.a_list(), PERSON | {"PhoneNumber": fresh_number()}

    async def holds(result: Any) -> None:
        assert result == ""
        await _kept(world, list_id, person)

    body = {"SessionToken": world.mine.token, "ListID": list_id, "ListEntry": person}
    return Call(body=body, holds=holds)


@good("POST api/Phonelists/AddMultipleEntries")
async def add_multiple_entries(world: World) -> Call:
    list_id = await world.a_list()
    people: list[dict[str, Any]] = [PERSON | {"PhoneNumber": fresh_number(), "Reference": f"R-{n}"} for n in range(3)]
    people[1]["DateOfBirth"] = None

    async def holds(result: Any) -> None:
        assert result == ""
        await _kept(world, list_id, *people)

    body = {"SessionToken": world.mine.token, "ListID": list_id, "ListEntries": people}
    return Call(body=body, holds=holds)


def _lists_there(world: World) -> Callable[[Any], bool]:
    """The prepared list is filed in the root."""
    return lambda lists: (
        {"ID": world.mine.list_id, "Folder": 0, "Count": 4}.items()
        <= (next(each for each in lists if each["ID"] == world.mine.list_id).items())
    )


read("GET api/Phonelists/GetLists/{SessionToken}/{Folder}", _lists_there, Folder=0)
read("GET api/Phonelists/GetLists/{SessionToken}?Folder={Folder}", _lists_there, Folder=0)
read(
    "GET api/Phonelists/GetList/{SessionToken}/{List}",
    lambda world: lambda told: (told["ID"], told["Folder"], told["Count"]) == (world.mine.list_id, 0, 4),
    List=lambda world: world.mine.list_id,
)
read(
    "GET api/Phonelists/GetNumbers/{SessionToken}/{List}",
    lambda world: world.mine.numbers,
    List=lambda world: world.mine.list_id,
)
read(
    "GET api/Phonelists/GetNumberDetail/{SessionToken}/{List}/{PhoneNumber}",
    lambda _: PERSON,
    List=lambda world: world.mine.list_id,
    PhoneNumber=PERSON["PhoneNumber"],
)
read(
    "GET api/Phonelists/GetPreviousNumber/{SessionToken}/{List}/{PhoneNumber}",
    lambda world: world.mine.numbers[0],
    List=lambda world: world.mine.list_id,
    PhoneNumber=lambda world: world.mine.numbers[1],
)
read(
    "GET api/Phonelists/GetNextNumber/{SessionToken}/{List}/{PhoneNumber}",
    lambda world: world.mine.numbers[2],
    List=lambda world: world.mine.list_id,
    PhoneNumber=lambda world: world.mine.numbers[1],
)


# Test

read("GET api/Test/{SessionToken}", lambda _: "Success")


@good("GET api/Foo?Bar={Bar}")
@good("POST api/Foo?Bar={Bar}")
async def foo(_: World) -> Call:
    return Call({"Bar": "a bar"})


# Campaign


@good("POST api/Campaigns/CreateCampaign")
async def create_campaign(world: World) -> Call:
    body = {
        "SessionToken": world.mine.token,
        "Title": fresh("Campaign"),
        "Text": "Ten per cent off & <more>",
        "Folder": world.mine.folder_id,
        "Brand": "Demo",
        "FromNumber": "heliograph",
        "LaunchAt": in_a_month(),
        "Lease": 8,
    }
    given = (body["Title"], body["Text"], body["Folder"], "Demo", "Heliograph", body["LaunchAt"], 8)

    async def holds(campaign_id: Any) -> None:
        sql = "SELECT title, body, folder_id, brand, sender, launch_at, lease_hours FROM campaigns WHERE id = $1"
        (row,) = await world.rows("campaign", sql, campaign_id)
        kept = row["title"], row["body"], row["folder_id"], row["brand"], row["sender"], row["launch_at"].isoformat()
        assert (*kept, row["lease_hours"]) == given

    return Call(body=body, holds=holds)


async def _campaign_is(world: World, campaign_id: int, state: str, *list_ids: int) -> None:
    (row,) = await world.rows("campaign", "SELECT state FROM campaigns WHERE id = $1", campaign_id)
    links = await world.rows("campaign", "SELECT list_id FROM links WHERE campaign_id = $1", campaign_id)
    assert (row["state"], [each["list_id"] for each in links]) == (state, list(list_ids))


@good("POST api/Campaigns/LinkCampaignAndPhonelist")
async def link(world: World) -> Call:
    campaign_id, list_id = await world.a_campaign(), await world.a_list(fresh_number())

    async def holds(result: Any) -> None:
        assert result == ""
        await _campaign_is(world, campaign_id, "draft", list_id)

    body = {"SessionToken": world.mine.token, "CampaignID": campaign_id, "ListID": list_id}
    return Call(body=body, holds=holds)


@good("DELETE api/Campaigns/UnlinkCampaignAndPhonelist")
async def unlink(world: World) -> Call:
    list_id = await world.a_list(fresh_number())
    campaign_id = await world.a_campaign(list_id)

    async def holds(result: Any) -> None:
        assert result == ""
        await _campaign_is(world, campaign_id, "draft")

    body = {"SessionToken": world.mine.token, "CampaignID": campaign_id, "ListID": list_id}
    return Call(body=body, holds=holds)


@good("POST api/Campaigns/LaunchCampaign")
async def launch(world: World) -> Call:
    list_id = await world.a_list(fresh_number())
    campaign_id = await world.a_campaign(list_id)

    async def holds(result: Any) -> None:
        assert result == ""
        await _campaign_is(world, campaign_id, "launched", list_id)

    return Call(body={"SessionToken": world.mine.token, "CampaignID": campaign_id}, holds=holds)


@good("POST api/Campaigns/StopCampaign")
async def stop(world: World) -> Call:
    list_id = await world.a_list(fresh_number())
    campaign_id = await world.a_campaign(list_id)
    await world.ask("Campaigns/LaunchCampaign", SessionToken=world.mine.token, CampaignID=campaign_id)

    async def holds(result: Any) -> None:
        assert result == "nothing was handed over"
        await _campaign_is(world, campaign_id, "draft", list_id)

    return Call(body={"SessionToken": world.mine.token, "CampaignID": campaign_id}, holds=holds)
