"""Lists, their numbers and what is known of each, on the documented surface."""

from __future__ import annotations

from typing import Any

import pytest

from libs.common.contracts.auth import CreateFolder
from tests.harness import eventually
from tests.integration.gateway.asking import SMS, a_list, ask, get, get_xml
from tests.platform import Platform

WHOLE = {
    "PhoneNumber": "+447700900201",
    "Title": "Dr",
    "FirstName": " Zoë ",
    "Surname": "O'Neill & <Sons>",
    "Address1": "1 High St",
    "Address2": "",
    "Address3": "Über",
    "City": "Llanfairpwll",
    "County": "Ynys Môn",
    "Postcode": "LL61 5UJ",
    "Gender": "F",
    "DateOfBirth": "1985-12-31T00:00:00",
    "Reference": "00042",
    "Email": "zoe@example.org",
    "User1": "\u4f60\u597d",
    "User2": "line\nbreak",
    "User3": "\U0001f389",
}


async def test_lists_are_found_by_folder_on_both_routes_and_the_root_without_one(world: Platform) -> None:
    token = await world.token()
    folder = (await world.console.ask(CreateFolder(company_id=world.company_id, name="Lists"))).id

    async def made() -> Any:
        body = {"SessionToken": token, "Title": "Filed", "Folder": folder}
        return (await ask(world, "Phonelists/CreateList", **body))["Result"]

    filed = await eventually(made)  # phonelist hears of the folder by event
    in_root = await a_list(world, token, ["07700900211", "07700900212"])

    by_path = await get(world, f"Phonelists/GetLists/{token}/{folder}")
    by_query = await get(world, f"phonelists/getlists/{token}?FOLDER={folder}")
    root = await get(world, f"Phonelists/GetLists/{token}")

    assert by_path == by_query
    assert by_path["Result"] == [{"ID": filed, "Title": "Filed", "Folder": folder, "Count": 0}]
    assert {"ID": in_root, "Folder": 0, "Count": 2}.items() <= root["Result"][-1].items()
    assert root == await get(world, f"Phonelists/GetLists/{token}/0")
    assert filed not in [each["ID"] for each in root["Result"]]
    assert (await get(world, f"Phonelists/GetList/{token}/{filed}"))["Result"] == by_path["Result"][0]


async def test_a_folder_or_list_of_another_company_is_not_found_as_one_that_never_was(world: Platform) -> None:
    other = await world.token("other")
    list_id = await a_list(world, await world.token(), ["07700900211"])
    folder = (await world.console.ask(CreateFolder(company_id=world.company_id, name="Not yours"))).id

    for path, theirs, nobodys in (
        ("Phonelists/GetLists/{}/{}", folder, 999_999),
        ("Phonelists/GetList/{}/{}", list_id, 999_999),
        ("Phonelists/GetNumbers/{}/{}", list_id, 999_999),
        ("Phonelists/GetNumberDetail/{}/{}/07700900211", list_id, 999_999),
        ("Phonelists/GetPreviousNumber/{}/{}/07700900211", list_id, 999_999),
        ("Phonelists/GetNextNumber/{}/{}/07700900211", list_id, 999_999),
    ):
        answer = await get(world, path.format(other, theirs))
        assert answer["Status"] == "NotFound", path
        assert answer == await get(world, path.format(other, nobodys))


async def test_all_seventeen_fields_are_given_back_as_they_were_given(world: Platform) -> None:
    token = await world.token()
    list_id = await a_list(world, token, [])
    await ask(
        world,
        "Phonelists/AddSingleEntry",
        SessionToken=token,
        ListID=list_id,
        ListEntry=WHOLE | {"PhoneNumber": "\uff10\uff17\uff17\uff10\uff10 900\u00a0201"},
    )
    await ask(world, "Phonelists/AddSingleEntry", SessionToken=token, ListID=list_id, PhoneNumber="+44 (0)7700-900202")

    detail = await get(world, f"Phonelists/GetNumberDetail/{token}/{list_id}/07700%20900201")
    bare = await get(world, f"Phonelists/GetNumberDetail/{token}/{list_id}/+447700900202")
    root = await get_xml(world, f"Phonelists/GetNumberDetail/{token}/{list_id}/447700900201")

    assert detail["Result"] == WHOLE
    assert bare["Result"] == dict.fromkeys(WHOLE) | {"PhoneNumber": "+447700900202"}
    in_xml = {child.tag.removeprefix(SMS): child.text or "" for child in root.find(f"{SMS}Result") or ()}
    assert in_xml == WHOLE
    assert list(in_xml) == sorted(in_xml)


async def test_previous_and_next_follow_the_order_of_the_list_and_end_empty(world: Platform) -> None:
    token = await world.token()
    list_id = await a_list(world, token, ["07700900223", "07700900221", "07700900222"])

    async def beside(side: str, number: str) -> tuple[str, str]:
        answer = await get(world, f"Phonelists/Get{side}Number/{token}/{list_id}/{number}")
        return answer["Status"], answer["Result"]

    assert await beside("Previous", "07700900221") == ("Success", "+447700900223")
    assert await beside("Next", "+447700900221") == ("Success", "+447700900222")
    assert await beside("Previous", "07700900223") == ("Success", "")
    assert await beside("Next", "07700900222") == ("Success", "")
    assert await beside("Next", "07700900229") == ("NotFound", "")
    assert await beside("Next", "12") == ("InvalidPhoneNumber", "")


@pytest.mark.parametrize("writing", ["07700 900231", "+44 (0)7700-900231", "0044 7700 900231", "447700900231"])
async def test_a_number_is_one_number_however_it_is_written_and_its_double_is_told(
    world: Platform, writing: str
) -> None:
    token = await world.token()
    list_id = await a_list(world, token, ["07700900231"])

    told = await ask(
        world, "Phonelists/AddSingleEntry", SessionToken=token, ListID=list_id, ListEntry={"PhoneNumber": writing}
    )

    assert (told["Status"], told["Result"]) == ("Success", "duplicates: 1")
    assert (await get(world, f"Phonelists/GetNumbers/{token}/{list_id}"))["Result"] == ["+447700900231"]


async def test_many_entries_with_long_fields_are_added_and_one_field_too_long_adds_nothing(world: Platform) -> None:
    token = await world.token()
    list_id = await a_list(world, token, [])
    wide = {f"User{n}": "\u20ac" * 1000 for n in (1, 2, 3)}
    entries = [{"PhoneNumber": f"0770091{n:04d}"} | wide for n in range(200)]

    async def add(entries: list[dict[str, str]]) -> tuple[str, int]:
        told = await ask(
            world, "Phonelists/AddMultipleEntries", SessionToken=token, ListID=list_id, ListEntries=entries
        )
        return told["Status"], len((await get(world, f"Phonelists/GetNumbers/{token}/{list_id}"))["Result"])

    assert await add([*entries[:-1], entries[-1] | {"City": "x" * 1001}]) == ("InvalidRequest", 0)
    assert await add(entries) == ("Success", 200)
