"""/v2/campaigns: personal texts, pace and windows; preview, test send and dry run; pause, resume, stop, extend; reports and their CSV."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import timedelta
from typing import Any

import httpx
import pytest

from libs.common.clock import now
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.integration.gateway.test_v2 import a_campaign, a_name, bearer, call, refused
from tests.platform import Platform

_numbers = itertools.count(1)
SLOWLY = {"per_minute": 60}
HELLO = {"text": "Hello {{first_name:title|friend}}, your {{user1}} is ready. STOP to 82830", "personal": True}


def a_number() -> str:
    return f"+447700904{next(_numbers):03d}"


async def a_list(world: Platform, *entries: dict[str, str]) -> int:
    list_id: int = (await call(world, "POST", "/lists", json={"title": a_name("list")})).json()["id"]
    added = await call(world, "POST", f"/lists/{list_id}/entries", json={"entries": list(entries)})
    assert added.status_code == 201, added.text
    return list_id


def people(*entries: dict[str, str]) -> list[dict[str, str]]:
    return [{"phone_number": a_number()} | entry for entry in entries]


async def linked(world: Platform, *entries: dict[str, str], **changes: Any) -> int:
    """A draft to a list of these."""
    campaign_id, list_id = await a_campaign(world, **changes), await a_list(world, *entries)
    answer = await call(world, "POST", f"/campaigns/{campaign_id}/lists", json={"list_id": list_id})
    assert answer.status_code == 201, answer.text
    return campaign_id


async def progress(world: Platform, campaign_id: int) -> dict[str, Any]:
    told: dict[str, Any] = (await call(world, "GET", f"/campaigns/{campaign_id}/progress")).json()
    return told


async def until(world: Platform, campaign_id: int, state: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any]:
        told = await progress(world, campaign_id)
        return told if told["state"] == state else {}

    told: dict[str, Any] = await eventually(reached, within_s=20)
    return told


async def launched(world: Platform, campaign_id: int, **options: Any) -> None:
    answer = await call(world, "POST", f"/campaigns/{campaign_id}/launch", json=options or None)
    assert answer.status_code == 202, answer.text


# What it is made of


async def test_pace_windows_and_lists_that_exclude_are_told_as_they_were_made(world: Platform) -> None:
    windows = [{"days": ["mon", "fri"], "opens": "09:00", "closes": "17:30"}]
    until_then = (now() + timedelta(days=8)).replace(microsecond=0)
    campaign_id = await linked(world, *people({}), windows=windows, spread_until=until_then.isoformat(), personal=True)
    excluded = await a_list(world, *people({}))
    link = {"list_id": excluded, "exclude": True}
    assert (await call(world, "POST", f"/campaigns/{campaign_id}/lists", json=link)).status_code == 201

    told = (await call(world, "GET", f"/campaigns/{campaign_id}")).json()

    assert (told["personal"], told["per_minute"], told["excluded_list_ids"]) == (True, None, [excluded])
    assert told["spread_until"] == until_then.isoformat().replace("+00:00", "Z")
    assert told["windows"] == [{"days": ["mon", "fri"], "opens": "09:00:00", "closes": "17:30:00"}]
    assert len(told["list_ids"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"windows": [{"days": [], "opens": "09:00", "closes": "17:00"}]},
        {"windows": [{"days": ["monday"], "opens": "09:00", "closes": "17:00"}]},
        {"windows": [{"days": ["mon"], "opens": "9", "closes": "17:00"}]},
        {"windows": [{"days": ["mon"], "opens": "17:00", "closes": "09:00"}]},
        {"windows": [{"days": ["mon"], "opens": "09:00"}]},
        {"per_minute": 0},
        {"per_minute": "60"},
        {"per_minute": 60, "spread_until": "2099-01-01T00:00:00Z"},
        {"spread_until": "2001-01-01T00:00:00Z"},
        {"personal": True, "text": "Hello {{first_nmae}}"},
        {"personal": "yes"},
    ],
    ids=str,
)
async def test_what_makes_no_sense_makes_no_campaign(world: Platform, changes: dict[str, Any]) -> None:
    new = {"title": a_name("campaign"), "text": "x", "from": "82830"} | changes

    answer = await call(world, "POST", "/campaigns", json=new)

    assert answer.status_code == 400, answer.text


# Before the launch


async def test_a_preview_shows_the_text_of_the_first_and_of_one_that_is_named(world: Platform) -> None:
    ann, bob, cy = people({"first_name": "ANN", "user1": "hat"}, {"user1": "coat"}, {"first_name": "cy"})
    campaign_id = await linked(world, ann, bob, cy, **HELLO)

    first = (await call(world, "GET", f"/campaigns/{campaign_id}/preview", params={"limit": 2})).json()
    named = (
        await call(world, "GET", f"/campaigns/{campaign_id}/preview", params={"number": cy["phone_number"]})
    ).json()
    nobody = await call(world, "GET", f"/campaigns/{campaign_id}/preview", params={"number": a_number()})

    assert first["from"] == "82830"
    assert [item["text"] for item in first["items"]] == [
        "Hello Ann, your hat is ready. STOP to 82830",
        "Hello friend, your coat is ready. STOP to 82830",
    ]
    assert named["items"] == [{"number": cy["phone_number"], "text": "", "missing": ["user1"]}]
    refused(nobody, "not_found")


async def test_a_missing_field_is_told_with_its_rows_before_the_launch_or_left_out(world: Platform) -> None:
    ann, bob = people({"first_name": "ann", "user1": "hat"}, {"first_name": "bob"})
    campaign_id = await linked(world, ann, bob, **HELLO)

    answer = await call(world, "POST", f"/campaigns/{campaign_id}/launch")
    problem = refused(answer, "missing_fields")
    assert answer.status_code == 409
    assert "user1" in problem["detail"]
    assert (await progress(world, campaign_id))["state"] == "draft"

    await launched(world, campaign_id, leave_out_incomplete=True)
    told = await until(world, campaign_id, "finished")
    assert (told["targeted"], told["left_out"]["incomplete"]) == (1, 1)
    texts = await world.simulator.messages_of(ann["phone_number"])
    assert [text["text"] for text in texts] == ["Hello Ann, your hat is ready. STOP to 82830"]
    assert await world.simulator.messages_of(bob["phone_number"]) == []


async def test_a_test_send_goes_to_the_named_numbers_alone_as_single_texts(world: Platform) -> None:
    ann, bob = people({"first_name": "ann", "user1": "hat"}, {"first_name": "bob", "user1": "coat"})
    campaign_id = await linked(world, ann, bob, **HELLO)
    to, key = [a_number(), "nobody", a_number()], {"Idempotency-Key": str(uuid7())}
    body = {"numbers": to, "like": bob["phone_number"]}

    answer = await call(world, "POST", f"/campaigns/{campaign_id}/test", json=body, headers=key)
    again = await call(world, "POST", f"/campaigns/{campaign_id}/test", json=body, headers=key)

    items = answer.json()["items"]
    assert [item.get("state") for item in items] == ["queued", None, "queued"]
    assert items[1]["error"]["code"] == "invalid_number"
    assert again.json() == answer.json()
    for number, item in zip(to[::2], items[::2], strict=True):

        async def arrived(number: str = number) -> list[str]:
            return [text["text"] for text in await world.simulator.messages_of(number)]

        assert await eventually(arrived) == ["Hello Bob, your coat is ready. STOP to 82830"]
        text = (await call(world, "GET", f"/messages/{item['id']}")).json()
        assert (text["to"], text["reference"]) == (number, f"test of campaign {campaign_id}")
    assert await world.simulator.messages_of(bob["phone_number"]) == []
    assert (await progress(world, campaign_id))["state"] == "draft"


@pytest.mark.parametrize(
    "body", [{}, {"numbers": []}, {"numbers": ["07700 900123"] * 11}, {"numbers": "07700 900123"}], ids=str
)
async def test_a_test_send_is_to_one_number_or_ten(world: Platform, body: dict[str, Any]) -> None:
    campaign_id = await linked(world, *people({}))

    assert (await call(world, "POST", f"/campaigns/{campaign_id}/test", json=body)).status_code == 400


async def test_a_test_send_without_values_is_refused_and_one_of_a_plain_text_needs_none(world: Platform) -> None:
    number = {"numbers": [a_number()]}
    personal, plain = await a_campaign(world, **HELLO), await a_campaign(world)
    lacking = await linked(world, *people({}), **HELLO)

    refused(await call(world, "POST", f"/campaigns/{personal}/test", json=number), "no_recipients")
    refused(await call(world, "POST", f"/campaigns/{lacking}/test", json=number), "missing_fields")
    assert (await call(world, "POST", f"/campaigns/{plain}/test", json=number)).json()["items"][0]["state"] == "queued"


async def test_nothing_of_a_campaign_of_a_test_key_leaves_the_platform(world: Platform) -> None:
    made = await call(world, "POST", "/api-keys", json={"name": a_name("key"), "permissions": ["send"], "test": True})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    new = {"title": a_name("campaign"), "text": "x", "from": "82830"}
    campaign_id = (await world.http.post("/v2/campaigns", headers=key, json=new)).json()["id"]
    body = {"numbers": [a_number()]}

    live = await call(world, "POST", f"/campaigns/{campaign_id}/test", json=body)
    test = await world.http.post(f"/v2/campaigns/{campaign_id}/test", headers=key, json=body)

    refused(live, "wrong_state")
    id_ = test.json()["items"][0]["id"]
    assert (await call(world, "GET", f"/messages/{id_}")).json()["test"] is True


async def test_a_dry_run_tells_what_a_launch_would_do_and_does_nothing(world: Platform) -> None:
    ann, bob, cy = people({"first_name": "ann", "user1": "hat"}, {"first_name": "😀", "user1": "coat"}, {})
    campaign_id = await linked(world, ann, bob, cy, **HELLO)
    refused(await call(world, "GET", f"/campaigns/{campaign_id}/dry-run"), "not_found")

    begun = await call(world, "POST", f"/campaigns/{campaign_id}/dry-run")

    async def done() -> dict[str, Any]:
        told: dict[str, Any] = (await call(world, "GET", f"/campaigns/{campaign_id}/dry-run")).json()
        return told if told["state"] in ("done", "failed") else {}

    told = await eventually(done, within_s=20)
    assert (begun.status_code, begun.json()["id"]) == (202, told["id"])
    assert (told["state"], told["numbers"], told["recipients"], told["would_get"]) == ("done", 3, 2, 2)
    assert (told["texts"], told["by_parts"]) == ({"gsm": 1, "ucs2": 1}, {"1": 2})
    assert told["left_out"]["incomplete"] == 1
    assert [(row["number"], row["missing"]) for row in told["incomplete"]] == [(cy["phone_number"], ["user1"])]
    assert (await progress(world, campaign_id))["state"] == "draft"
    assert await world.simulator.messages_of(ann["phone_number"]) == []


# Its course


async def test_a_paused_campaign_sends_nothing_further_and_a_resumed_one_to_those_who_remain(world: Platform) -> None:
    entries = people(*[{}] * 30)
    campaign_id = await linked(world, *entries, per_minute=600)
    await launched(world, campaign_id)

    async def begun() -> bool:
        return bool((await progress(world, campaign_id))["ended"])

    await eventually(begun)
    paused = await call(world, "POST", f"/campaigns/{campaign_id}/pause")
    again = await call(world, "POST", f"/campaigns/{campaign_id}/pause")
    told = await progress(world, campaign_id)

    assert (paused.status_code, again.status_code) == (200, 200)
    assert paused.json()["targeted"] == 30
    assert paused.json()["can_still_arrive"] <= paused.json()["handed_over"] < 30
    assert told["state"] == "paused"
    resumed = await call(world, "POST", f"/campaigns/{campaign_id}/resume")
    assert (resumed.status_code, resumed.content) == (204, b"")
    told = await until(world, campaign_id, "finished")
    assert (told["targeted"], told["ended"]) == (30, {"delivered": 30})
    for entry in entries:
        assert len(await world.simulator.messages_of(entry["phone_number"])) == 1
    for step in ("pause", "resume"):
        refused(await call(world, "POST", f"/campaigns/{campaign_id}/{step}"), "wrong_state")


async def test_a_stopped_campaign_tells_how_many_can_still_arrive_and_is_stopped_for_good(world: Platform) -> None:
    campaign_id = await linked(world, *people(*[{}] * 20), **SLOWLY)
    await launched(world, campaign_id)
    await until(world, campaign_id, "sending")

    stopped = await call(world, "POST", f"/campaigns/{campaign_id}/stop")

    told = stopped.json()
    assert (stopped.status_code, told["targeted"]) == (200, 20)
    assert told["can_still_arrive"] <= told["handed_over"] < 20
    assert (await progress(world, campaign_id))["state"] == "stopped"
    refused(await call(world, "POST", f"/campaigns/{campaign_id}/resume"), "wrong_state")


async def test_a_lease_is_extended_while_there_is_something_to_send(world: Platform) -> None:
    campaign_id = await linked(world, *people(*[{}] * 20), lease_hours=2, **SLOWLY)
    refused(await call(world, "POST", f"/campaigns/{campaign_id}/extend", json={"lease_hours": 9}), "wrong_state")
    await launched(world, campaign_id)
    before = await progress(world, campaign_id)

    extended = await call(world, "POST", f"/campaigns/{campaign_id}/extend", json={"lease_hours": 9})
    endless = await call(world, "POST", f"/campaigns/{campaign_id}/extend", json={"lease_hours": 0})

    assert extended.json()["id"] == campaign_id
    assert extended.json()["expires_at"] > before["expires_at"]
    assert endless.json()["expires_at"] is None
    assert (await call(world, "POST", f"/campaigns/{campaign_id}/extend", json={})).status_code == 400
    await call(world, "POST", f"/campaigns/{campaign_id}/stop")


@pytest.mark.parametrize("path", ["pause", "resume", "stop", "extend", "dry-run", "test"])
async def test_only_who_may_send_steers_it(world: Platform, path: str) -> None:
    campaign_id = await linked(world, *people({}))
    bodies = {"extend": {"lease_hours": 5}, "test": {"numbers": [a_number()]}}

    answer = await call(world, "POST", f"/campaigns/{campaign_id}/{path}", "reader", json=bodies.get(path))

    refused(answer, "permission_denied")


# What became of it


async def test_a_report_its_recipients_and_its_csv_tell_the_same(world: Platform) -> None:
    good, bad = people({}, {}), [{"phone_number": "+447700900980"}]
    campaign_id = await linked(world, *good, *bad)
    await launched(world, campaign_id)
    await until(world, campaign_id, "finished")

    report = (await call(world, "GET", f"/campaigns/{campaign_id}/report")).json()
    first = (await call(world, "GET", f"/campaigns/{campaign_id}/recipients", params={"limit": 2})).json()
    rest = (await call(world, "GET", f"/campaigns/{campaign_id}/recipients", params={"after": first["after"]})).json()
    exported = await call(world, "GET", f"/campaigns/{campaign_id}/report.csv")

    assert report["progress"]["ended"] == {"delivered": 2, "failed": 1}
    outcomes = {(each["state"], bool(each["reason"])): each["recipients"] for each in report["outcomes"]}
    assert outcomes == {("delivered", False): 2, ("failed", True): 1}
    rows = first["items"] + rest["items"]
    assert (len(first["items"]), len(rest["items"]), rest["after"]) == (2, 1, None)
    assert {row["number"]: row["state"] for row in rows} == {
        good[0]["phone_number"]: "delivered",
        good[1]["phone_number"]: "delivered",
        "+447700900980": "failed",
    }
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert exported.headers["content-disposition"] == f'attachment; filename="campaign-{campaign_id}.csv"'
    lines = list(csv.DictReader(io.StringIO(exported.text)))
    assert [(line["number"], line["state"], line["reason"]) for line in lines] == [
        (row["number"], row["state"], row["reason"]) for row in rows
    ]


async def test_a_csv_that_cannot_be_finished_is_cut(world: Platform) -> None:
    """200,000 rows are more than the connection holds, so the gateway is in the middle of them when the reader's session ends."""
    campaign_id, session = await linked(world, *people({})), await bearer(world)
    db = world.processes["campaign"].db
    assert db is not None
    async with db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO recipients (number, text_id, campaign_id, position)
            SELECT 447800000000 + n, gen_random_uuid(), $1, n FROM generate_series(1, 200000) AS n
            """,
            campaign_id,
        )
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            await _read_and_log_out(world, f"/v2/campaigns/{campaign_id}/report.csv", session)
    finally:
        async with db.transaction() as tx:
            await tx.execute("DELETE FROM recipients WHERE campaign_id = $1", campaign_id)


async def _read_and_log_out(world: Platform, path: str, session: dict[str, str]) -> None:
    async with world.http.stream("GET", path, headers=session) as answer:
        assert answer.status_code == 200
        chunks = answer.aiter_bytes()
        assert (await anext(chunks)).startswith(b"number,state,")
        await world.http.delete("/v2/sessions/current", headers=session)
        async for _ in chunks:
            pass
