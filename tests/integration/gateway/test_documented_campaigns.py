"""Campaigns of the documented surface, where a client that knows the help pages alone was once surprised."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from libs.common.clock import now
from tests.harness import eventually
from tests.integration.gateway.asking import a_list, ask, contract, xml
from tests.platform import Platform

_names = itertools.count(1)
A_MONTH_AHEAD = timedelta(days=30)


async def create(world: Platform, token: str, **changes: object) -> dict[str, Any]:
    fields = {"Title": f"Of the documented {next(_names)}", "Text": "Sale", "FromNumber": "82830"} | changes
    return await ask(world, "Campaigns/CreateCampaign", SessionToken=token, **fields)


async def linked(world: Platform, token: str, numbers: list[str], **changes: object) -> dict[str, Any]:
    """A new campaign, linked with a list of `numbers`: what Launch and Stop are called with."""
    campaign_id, list_id = (await create(world, token, **changes))["Result"], await a_list(world, token, numbers)
    named = {"SessionToken": token, "CampaignID": campaign_id}
    assert (await ask(world, "Campaigns/LinkCampaignAndPhonelist", **named, ListID=list_id))["Status"] == "Success"
    return named


async def database(world: Platform, sql: str, campaign_id: int) -> Any:
    db = world.processes["campaign"].db
    assert db is not None
    async with db.transaction() as tx:
        return await tx.fetchval(sql, campaign_id)


async def its_time_comes(world: Platform, campaign_id: int) -> None:
    await database(world, "UPDATE campaigns SET starts_at = now() WHERE id = $1 RETURNING id", campaign_id)


@pytest.mark.parametrize(
    "unset", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00-08:00", "0001-01-01", None]
)
async def test_an_unset_datetime_of_dotnet_is_no_launch_time(world: Platform, unset: str | None) -> None:
    token, number = await world.token(), f"+44740050{next(_names):04d}"

    named = await linked(world, token, [number], LaunchAt=unset, Lease=8)

    assert await database(world, "SELECT launch_at FROM campaigns WHERE id = $1", named["CampaignID"]) is None
    assert (await ask(world, "Campaigns/LaunchCampaign", **named))["Status"] == "Success"
    assert len(await eventually(lambda: world.simulator.messages_of(number))) == 1


async def test_an_unset_datetime_is_none_in_xml_too(world: Platform) -> None:
    token = await world.token()
    fields: dict[str, Any] = {"Title": "Unset", "Text": "Sale", "FromNumber": "82830", "Lease": 8}

    body = contract("CreateCampaignRequest", SessionToken=token, LaunchAt="0001-01-01T00:00:00", **fields)
    root = await xml(world, "Campaigns/CreateCampaign", body)

    campaign_id = int(next(each.text or "" for each in root.iter() if each.tag.endswith("}Result")))
    assert await database(world, "SELECT launch_at FROM campaigns WHERE id = $1", campaign_id) is None


async def test_a_campaign_that_would_be_over_before_it_begins_is_refused_when_it_is_made(world: Platform) -> None:
    token, yesterday = await world.token(), now() - timedelta(days=1)

    over = await create(world, token, LaunchAt=yesterday.isoformat(), Lease=23)
    running = await create(world, token, LaunchAt=yesterday.isoformat(), Lease=25)
    without_end = await create(world, token, LaunchAt=yesterday.isoformat())

    assert [each["Status"] for each in (over, running, without_end)] == ["InvalidDate", "Success", "Success"]


async def test_titles_may_come_again_each_week(world: Platform) -> None:
    token = await world.token()

    made = [await create(world, token, Title=title) for title in ("Weekly", "Weekly", "WEEKLY")]

    assert [each["Status"] for each in made] == ["Success"] * 3
    assert len({each["Result"] for each in made}) == 3


async def test_a_campaign_set_to_not_launch_and_to_launch_again_is_sent_once(world: Platform) -> None:
    token = await world.token()
    numbers = [f"+4474006000{n:02d}" for n in range(10)]
    named = await linked(world, token, numbers, LaunchAt=(now() + A_MONTH_AHEAD).isoformat(), Lease=4)

    steps = ["Stop", "Launch", "Stop", "Stop", "Launch"]
    answers = [await ask(world, f"Campaigns/{step}Campaign", **named) for step in steps]
    await its_time_comes(world, named["CampaignID"])

    assert [each["Status"] for each in answers] == ["Success"] * len(steps)
    assert {each["Result"] for each, step in zip(answers, steps, strict=True) if step == "Stop"} == {
        "nothing was handed over"
    }

    async def finished() -> bool:
        state = await database(world, "SELECT state FROM campaigns WHERE id = $1", named["CampaignID"])
        return bool(state == "finished")

    await eventually(finished)
    assert sorted(numbers) == sorted(entry["to"] for entry in await world.simulator.log())
    stopped = await ask(world, "Campaigns/StopCampaign", **named)
    assert stopped["Status"] == "WrongState"
