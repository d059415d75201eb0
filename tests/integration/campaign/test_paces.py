"""How fast a campaign goes, and when it rests: by the database's clock, as it is handed over."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta
from typing import Any

import orjson
import pytest

from libs.common import clock
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    PauseCampaign,
    ReadProgress,
    RecipientsHandedOver,
    ResumeCampaign,
    SendingWindow,
)
from libs.common.service import Process
from services.campaign.schedules.rules import DAYS
from tests.harness import Client, eventually, grant, heard
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    new_list,
    number,
    progress,
    recipients_of,
    sender,
    value,
)

ALWAYS = [{"days": DAYS, "opens": "00:00", "closes": "00:00"}]
SET_WINDOWS = "UPDATE campaigns SET windows = $2::jsonb WHERE id = $1 RETURNING id"
HOW_FAR = "SELECT ARRAY[checkpoint, extract(epoch FROM clock_timestamp() - frozen_at)] FROM campaigns WHERE id = $1"


def another_day() -> list[dict[str, object]]:
    """A window that is closed for at least a day from now."""
    day = DAYS[(clock.now().astimezone(clock.UK).weekday() + 3) % 7]
    return [{"days": [day], "opens": "10:00", "closes": "11:00"}]


async def paced(gateway: Client, company_id: int, count: int, **pace: Any) -> int:
    """A campaign to so many, launched."""
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(n) for n in range(count)])
    create = CreateCampaign(title="Tea", body="Tea is served.", sender=HEADER, **pace)
    id_ = (await gateway.ask(create, may)).id
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), may)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    return id_


async def how_far(campaign: Process, id_: int) -> tuple[float, float]:
    """How many are handed over, and for how many seconds it has been sending; 0 before that."""
    far: Any = await value(campaign, HOW_FAR, id_)
    checkpoint, since_s = far
    return float(checkpoint), float(since_s or 0)


async def test_a_rate_a_minute_is_never_exceeded_and_is_kept(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    id_ = await paced(gateway, company_id, 1_000, per_minute=1_200)

    async def sixty_are_out() -> bool:
        gone, since_s = await how_far(campaign, id_)
        assert gone <= 1 + 20 * since_s
        return gone >= 60

    await eventually(sixty_are_out, within_s=10)


async def test_spread_it_leaves_evenly_until_its_end(campaign: Process, gateway: Client, company_id: int) -> None:
    until = clock.now() + timedelta(seconds=9)
    id_ = await paced(gateway, company_id, 900, spread_until=until)
    seen = list[tuple[float, float]]()

    async def all_are_out() -> bool:
        seen.append(await how_far(campaign, id_))
        return seen[-1][0] == 900

    await eventually(all_are_out, within_s=20)
    began = await value(campaign, "SELECT frozen_at FROM campaigns WHERE id = $1", id_)
    assert isinstance(began, datetime)
    lasts_s = (until - began).total_seconds()
    assert seen[-1][1] >= lasts_s - 2.5
    # Two ticks of the hand-over more than is even.
    assert all(gone <= 900 * (since_s + 2.5) / lasts_s for gone, since_s in seen if since_s < lasts_s - 2.5)


async def test_outside_its_windows_it_rests_and_what_messaging_has_rests_too(
    infra: Infra, campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    closed = [SendingWindow(**window) for window in another_day()]
    async with heard(infra, CampaignSteered) as told:
        id_ = await paced(gateway, company_id, 100, windows=closed)

        async def rests() -> bool:
            seen = await progress(gateway, company_id, id_)
            return seen.state is CampaignState.SENDING and seen.why.startswith("outside its windows until ")

        await eventually(rests)
        assert recipients_of(windows, id_) == {}

        await value(campaign, SET_WINDOWS, id_, orjson.dumps(ALWAYS).decode())
        await all_handed_over(windows, id_, 100)
        assert (await progress(gateway, company_id, id_)).why == ""

        local = clock.now().astimezone(clock.UK)
        closes = (local + timedelta(seconds=1)).time().isoformat()
        window = [{"days": [DAYS[local.weekday()]], "opens": "00:00", "closes": closes}]
        if closes < "00:00:02":
            pytest.skip("the day ends just now")
        await value(campaign, SET_WINDOWS, id_, orjson.dumps(window).decode())
        courses = ["hold", "go", "hold"]
        await eventually(lambda: _true([e.course for e in told] == courses))  # type: ignore[attr-defined]
        assert clock.now().astimezone(clock.UK) >= local + timedelta(seconds=1), "it rested before its window closed"
    assert [e.revision for e in told] == [1, 2, 3]  # type: ignore[attr-defined]


async def test_resumed_outside_its_windows_it_rests(
    infra: Infra, campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    always = [SendingWindow(days=list(DAYS), opens=time(0), closes=time(0))]
    id_ = await paced(gateway, company_id, 100, windows=always, per_minute=600)
    await all_handed_over(windows, id_, 1)
    await gateway.ask(PauseCampaign(campaign_id=id_), may)
    await value(campaign, SET_WINDOWS, id_, orjson.dumps(another_day()).decode())

    async with heard(infra, CampaignSteered) as told:
        await gateway.ask(ResumeCampaign(campaign_id=id_), may)
        await eventually(lambda: _true(len(told) > 0))
        handed_over = await value(campaign, "SELECT checkpoint FROM campaigns WHERE id = $1", id_)
        await asyncio.sleep(1.5)  # that nothing comes of it within its two seconds
    assert [event.course for event in told] == ["hold"]  # type: ignore[attr-defined]
    assert await value(campaign, "SELECT checkpoint FROM campaigns WHERE id = $1", id_) == handed_over


async def test_a_launch_that_comes_too_late_for_its_pace_is_refused(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    create = CreateCampaign(title="Tea", body="Tea.", sender=HEADER, spread_until=clock.now() + timedelta(hours=1))
    id_ = (await gateway.ask(create, may)).id
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), may)
    past = "UPDATE campaigns SET spread_until = now() WHERE id = $1 RETURNING id"
    await value(campaign, past, id_)

    assert await gateway.refused(LaunchCampaign(campaign_id=id_), may) is Code.INVALID_DATE
    assert (await gateway.ask(ReadProgress(campaign_id=id_), grant(company_id))).state is CampaignState.DRAFT


async def _true(answer: bool) -> bool:
    return answer
