"""/v2: lists and their entries, campaigns and their lists, folders, what is read by pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from libs.common.clock import UK, now
from libs.common.contracts.phonelist import Entry
from tests.integration.gateway.test_v2 import a_campaign, a_list, a_name, a_number, call, refused
from tests.integration.gateway.test_v2_sending import pages
from tests.platform import Platform

WHOLE = {
    **{name: f"{name} <&> ü" for name in Entry.model_fields if name not in ("phone_number", "date_of_birth")},
    "date_of_birth": "1985-12-31",
}


async def test_an_entry_is_kept_whole_and_found_by_its_number_however_it_is_written(world: Platform) -> None:
    list_id, number = await a_list(world), a_number()
    local = number.replace("+44", "0")

    added = await call(
        world,
        "POST",
        f"/lists/{list_id}/entries",
        json={"entries": [WHOLE | {"phone_number": f"{local[:5]} {local[5:]}"}]},
    )
    entry = (await call(world, "GET", f"/lists/{list_id}/entries/{local}")).json()

    assert (added.status_code, added.json()) == (201, {"added": 1, "duplicates": 0})
    assert entry == WHOLE | {"phone_number": number}
    assert (await call(world, "GET", f"/lists/{list_id}/entries")).json() == {"items": [entry], "after": None}
    removed = await call(world, "DELETE", f"/lists/{list_id}/entries/{number}")
    assert removed.status_code == 204
    refused(await call(world, "GET", f"/lists/{list_id}/entries/{number}"), "not_found")
    refused(await call(world, "DELETE", f"/lists/{list_id}/entries/{number}"), "not_found")
    refused(await call(world, "GET", f"/lists/{list_id}/entries/nobody"), "invalid_number")


async def test_entries_are_added_all_or_none_and_duplicates_are_told(world: Platform) -> None:
    list_id, numbers = await a_list(world), [a_number() for _ in range(2)]
    path = f"/lists/{list_id}/entries"

    added = await call(
        world, "POST", path, json={"entries": [{"phone_number": number} for number in [*numbers, numbers[0]]]}
    )
    bad = await call(world, "POST", path, json={"entries": [{"phone_number": a_number()}, {"phone_number": "12"}]})

    assert added.json() == {"added": 2, "duplicates": 1}
    assert "entry 2" in refused(bad, "invalid_number")["detail"]
    assert (await call(world, "GET", f"/lists/{list_id}/numbers")).json()["items"] == numbers


async def test_numbers_and_entries_come_by_pages_in_list_order_and_end_though_the_list_grows(world: Platform) -> None:
    numbers = [a_number() for _ in range(5)]
    list_id = await a_list(world, *numbers)
    first = (await call(world, "GET", f"/lists/{list_id}/numbers", params={"limit": 2})).json()
    await call(world, "POST", f"/lists/{list_id}/entries", json={"entries": [{"phone_number": a_number()}]})

    after, rest = first["after"], list[str]()
    while after:
        page = (await call(world, "GET", f"/lists/{list_id}/numbers", params={"limit": 2, "after": after})).json()
        rest += page["items"]
        after = page["after"]

    assert first["items"] + rest == numbers
    entries = await pages(world, f"/lists/{list_id}/entries", limit=4)
    assert [len(page) for page in entries] == [4, 2]
    assert [entry["phone_number"] for entry in entries[0]] == numbers[:4]


async def test_lists_and_campaigns_are_found_by_folder_and_come_by_pages(world: Platform) -> None:
    path = f"/admin/companies/{world.company_id}/folders"
    folder_id = (await call(world, "POST", path, "operator", json={"name": a_name("folder")})).json()["id"]

    async def made(what: str, new: dict[str, Any]) -> int:
        """Once the folder is known there: its owner is auth."""
        for _ in range(200):
            answer = await call(world, "POST", what, json=new | {"title": a_name(), "folder_id": folder_id})
            if answer.status_code == 201:
                return int(answer.json()["id"])
        raise AssertionError(answer.text)

    lists = [await made("/lists", {}) for _ in range(3)]
    campaigns = [await made("/campaigns", {"text": "x", "from": "82830"}) for _ in range(3)]

    assert {"id": folder_id, "parent_id": 0} in [
        {name: each[name] for name in ("id", "parent_id")}
        for each in (await call(world, "GET", "/folders")).json()["items"]
    ]
    found = await pages(world, "/lists", folder_id=folder_id, limit=2)
    assert [[each["id"] for each in page] for page in found] == [lists[:2], lists[2:]]
    drafts = await pages(world, "/campaigns", folder_id=folder_id, state="draft", limit=2)
    assert [[each["id"] for each in page] for page in drafts] == [campaigns[:2], campaigns[2:]]
    assert await pages(world, "/campaigns", folder_id=folder_id, state="finished") == [[]]
    refused(await call(world, "GET", "/lists", params={"folder_id": 2**40}), "not_found")
    refused(await call(world, "GET", "/lists", "other", params={"folder_id": folder_id}), "not_found")


async def test_a_campaign_tells_what_it_was_made_of_and_a_list_is_taken_out_again(world: Platform) -> None:
    list_id = await a_list(world, a_number())
    at = (now() + timedelta(days=30)).replace(microsecond=0)
    new = {"launch_at": at.astimezone(UK).isoformat(), "lease_hours": 12, "brand": "Demo", "text": "Ho ho ho"}
    campaign_id = await a_campaign(world, **new)
    await call(world, "POST", f"/campaigns/{campaign_id}/lists", json={"list_id": list_id})

    told = (await call(world, "GET", f"/campaigns/{campaign_id}")).json()
    unlinked = await call(world, "DELETE", f"/campaigns/{campaign_id}/lists/{list_id}")

    assert (told["text"], told["from"], told["brand"], told["lease_hours"]) == ("Ho ho ho", "82830", "Demo", 12)
    assert told["launch_at"] == at.isoformat().replace("+00:00", "Z")
    assert (told["list_ids"], told["state"]) == ([list_id], "draft")
    assert (told["targeted"], told["ended"], told["test"]) == (0, {}, False)
    assert unlinked.status_code == 204
    assert (await call(world, "GET", f"/campaigns/{campaign_id}")).json()["list_ids"] == []
    refused(await call(world, "DELETE", f"/campaigns/{campaign_id}/lists/{list_id}"), "not_found")
    refused(await call(world, "DELETE", f"/campaigns/{campaign_id}/lists/{list_id}", "other"), "not_found")


async def test_failed_numbers_are_told_since_a_moment_and_one_that_is_none_cannot_be_lifted(world: Platform) -> None:
    answer = await call(world, "GET", "/failed-numbers", params={"since": now().isoformat()})

    assert answer.json() == {"items": [], "after": None}
    refused(await call(world, "DELETE", "/failed-numbers/+447700900123"), "not_found")
