"""StopCampaign sets a campaign to not launch: before its freezing begins it is a draft again, after that it is stopped for good."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from libs.common import clock
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    Halted,
    LaunchCampaign,
    LinkList,
    Progress,
    ReadCampaignBooks,
    RecipientsHandedOver,
    StopCampaign,
    UnlinkList,
)
from libs.common.contracts.messaging import State
from libs.common.service import Process
from services.campaign.campaigns import store as campaigns
from services.campaign.schedules import loop
from services.campaign.schedules import store as schedules
from tests.harness import Client, eventually, heard
from tests.integration.campaign.conftest import (
    all_handed_over,
    info,
    launched,
    new_campaign,
    new_list,
    number,
    progress,
    sender,
    tell_ends,
    value,
)

ITS_TIME_COMES = "UPDATE campaigns SET starts_at = now() WHERE id = $1 AND state = 'launched' RETURNING id"
NOTHING = Halted(targeted=0, handed_over=0)


async def waiting(gateway: Client, company_id: int, *lists: int) -> int:
    """A campaign that is launched and begins in an hour."""
    return await launched(gateway, company_id, *lists, launch_at=clock.now() + timedelta(hours=1))


async def no_faults(console: Client, *ids: int) -> bool:
    faults = (await console.ask(ReadCampaignBooks())).faults
    return not [fault for fault in faults if fault.startswith(tuple(f"campaign {id_}:" for id_ in ids))]


async def finished(gateway: Client, company_id: int, campaign_id: int) -> Progress:
    async def ended() -> Progress | None:
        seen = await progress(gateway, company_id, campaign_id)
        return seen if seen.state is CampaignState.FINISHED else None

    seen: Progress = await eventually(ended)
    return seen


async def test_stopping_a_draft_changes_nothing(gateway: Client, company_id: int) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await new_campaign(gateway, company_id, list_id)
    before = await info(gateway, company_id, id_)

    assert [await gateway.ask(StopCampaign(campaign_id=id_), may) for _ in range(2)] == [NOTHING, NOTHING]

    assert await info(gateway, company_id, id_) == before
    assert before.state is CampaignState.DRAFT


async def test_a_campaign_that_is_stopped_before_its_time_is_a_draft_in_every_respect(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    may = sender(company_id)
    list_id, other_list = [await new_list(gateway, company_id, [number(n)]) for n in (1, 2)]
    in_an_hour = clock.now() + timedelta(hours=1)
    id_ = await new_campaign(gateway, company_id, list_id, launch_at=in_an_hour, lease_hours=8)
    draft = await info(gateway, company_id, id_)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    assert await gateway.refused(LinkList(campaign_id=id_, list_id=other_list), may) is Code.WRONG_STATE

    assert await gateway.ask(StopCampaign(campaign_id=id_), may) == NOTHING

    assert await info(gateway, company_id, id_) == draft
    times = "SELECT num_nonnulls(launched_at, starts_at, expires_at) FROM campaigns WHERE id = $1"
    assert await value(campaign, times, id_) == 0
    await gateway.ask(LinkList(campaign_id=id_, list_id=other_list), may)
    await gateway.ask(UnlinkList(campaign_id=id_, list_id=list_id), may)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    assert (await info(gateway, company_id, id_)).list_ids == [other_list]


async def test_launched_stopped_and_launched_again_it_is_sent_once_to_each(
    campaign: Process,
    gateway: Client,
    console: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    may = sender(company_id)
    numbers = [number(n) for n in range(1_200)]
    list_id = await new_list(gateway, company_id, numbers)
    async with heard(gateway.infra, CampaignSteered) as told:
        id_ = await waiting(gateway, company_id, list_id)
        for _ in range(2):
            await gateway.ask(StopCampaign(campaign_id=id_), may)
            await gateway.ask(LaunchCampaign(campaign_id=id_), may)
        await value(campaign, ITS_TIME_COMES, id_)
        handed_over = await all_handed_over(windows, id_, len(numbers))
        await tell_ends(messaging, company_id, id_, handed_over)
        seen = await finished(gateway, company_id, id_)

    assert [recipient.number for recipient in handed_over] == numbers
    assert (seen.targeted, seen.ended) == (len(numbers), {State.DELIVERED: len(numbers)})
    assert id_ not in {event.campaign_id for event in told}, "messaging would cancel all of it"  # type: ignore[attr-defined]
    assert await no_faults(console, id_)


async def test_a_stop_that_waits_for_the_begin_of_freezing_stops_for_good(
    campaign: Process, gateway: Client, console: Client, company_id: int
) -> None:
    id_ = await waiting(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    async with campaign.app.db.transaction() as begin:
        await begin.execute("UPDATE campaigns SET starts_at = now() WHERE id = $1", id_)
        await schedules.begin_if_launched_and_due(begin)
        stop = asyncio.create_task(gateway.ask(StopCampaign(campaign_id=id_), sender(company_id)))
        await somebody_waits_for_a_row(campaign)
    await stop

    assert (await progress(gateway, company_id, id_)).state is CampaignState.STOPPED
    assert await gateway.refused(LaunchCampaign(campaign_id=id_), sender(company_id)) is Code.WRONG_STATE
    assert await no_faults(console, id_)


async def test_a_begin_of_freezing_that_waits_for_a_stop_does_not_happen(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    id_ = await waiting(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    await value(campaign, "UPDATE campaigns SET starts_at = now() + interval '2 s' WHERE id = $1 RETURNING id", id_)
    async with campaign.app.db.transaction() as stop:
        await campaigns.lock(stop, company_id, id_)
        await somebody_waits_for_a_row(campaign)  # the process's own loop, once the time has come
        assert await campaigns.draft_again_if_launched(stop, id_)
    await loop.begin(campaign.app)

    assert (await progress(gateway, company_id, id_)).state is CampaignState.DRAFT


async def test_a_stop_that_races_the_start_ends_in_one_of_two_ways(
    campaign: Process,
    gateway: Client,
    console: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(n) for n in range(20)])
    ids = [await waiting(gateway, company_id, list_id) for _ in range(30)]

    async def race(id_: int) -> Halted:
        stop, *_ = await asyncio.gather(
            gateway.ask(StopCampaign(campaign_id=id_), may),
            value(campaign, ITS_TIME_COMES, id_),
            loop.begin(campaign.app),
        )
        return stop

    async with heard(gateway.infra, CampaignSteered) as told:
        stops = dict(zip(ids, await asyncio.gather(*map(race, ids)), strict=True))
        states = {id_: (await progress(gateway, company_id, id_)).state for id_ in ids}
        for_good = {id_ for id_ in ids if states[id_] is CampaignState.STOPPED}
        await eventually(lambda: _true(for_good == {each.campaign_id for each in told}))  # type: ignore[attr-defined]
    drafts = set(ids) - for_good
    assert {states[id_] for id_ in drafts} <= {CampaignState.DRAFT}
    assert all(stops[id_] == NOTHING for id_ in drafts)

    for id_ in drafts:
        await gateway.ask(LaunchCampaign(campaign_id=id_), may)
        await value(campaign, ITS_TIME_COMES, id_)
    for id_ in drafts:
        await tell_ends(messaging, company_id, id_, await all_handed_over(windows, id_, 20))
    for id_ in drafts:
        assert (await finished(gateway, company_id, id_)).ended == {State.DELIVERED: 20}
    for id_ in for_good:
        seen, handed_over = await progress(gateway, company_id, id_), stops[id_].handed_over
        assert (seen.targeted, seen.handed_over) == (stops[id_].targeted, handed_over)
        assert len(await all_handed_over(windows, id_, handed_over)) == handed_over
    assert await no_faults(console, *ids)


async def somebody_waits_for_a_row(campaign: Process) -> None:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: value(campaign, sql))


async def _true(answer: bool) -> bool:
    return answer
