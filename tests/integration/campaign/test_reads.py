"""Campaigns as they were made: shown one by one, listed by pages and filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from libs.common import clock
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Ask, Code, Refusal
from libs.common.contracts.campaign import (
    CAMPAIGNS_PAGE_MAX,
    CampaignInfo,
    CampaignPage,
    CampaignState,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    ListCampaigns,
    RecipientsHandedOver,
    ShowCampaign,
    StopCampaign,
)
from libs.common.service import Process
from tests.harness import Client, eventually, grant
from tests.integration.campaign.conftest import (
    BRAND,
    FOLDER_ID,
    HEADER,
    all_handed_over,
    info,
    launched,
    new_campaign,
    new_list,
    number,
    provision,
    sender,
    value,
)


async def ids(gateway: Client, company_id: int, **filters: object) -> list[int]:
    page = await gateway.ask(ListCampaigns.model_validate(filters), grant(company_id))
    return [item.id for item in page.items]


async def test_a_campaign_is_shown_as_it_was_made_with_its_lists(gateway: Client, company_id: int) -> None:
    launch_at = clock.now() + timedelta(days=3)
    made = CreateCampaign(
        title=" Spring Offers ",
        body="Tea is served. €1 ☕",
        folder_id=FOLDER_ID,
        brand=BRAND.upper(),
        sender=HEADER.lower(),
        launch_at=launch_at,
        lease_hours=12,
    )
    id_ = (await gateway.ask(made, sender(company_id))).id
    lists = sorted([await new_list(gateway, company_id, [number(n)]) for n in range(3)])
    for list_id in reversed(lists):
        await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), sender(company_id))

    shown = await info(gateway, company_id, id_)

    assert shown == CampaignInfo(
        id=id_,
        title="Spring Offers",
        body="Tea is served. €1 ☕",
        sender=HEADER,
        brand=BRAND,
        folder_id=FOLDER_ID,
        launch_at=launch_at,
        lease_hours=12,
        state=CampaignState.DRAFT,
        test=False,
        list_ids=lists,
        created_at=shown.created_at,
        launched_at=None,
        finished_at=None,
    )
    assert CampaignPage(items=[shown], more=False) == await gateway.ask(ListCampaigns(), grant(company_id))
    assert timedelta(0) <= clock.now() - shown.created_at < timedelta(minutes=1)


async def test_a_campaigns_times_are_told_as_it_moves(gateway: Client, company_id: int) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, []))

    async def finished() -> bool:
        return (await info(gateway, company_id, id_)).state is CampaignState.FINISHED

    await eventually(finished)
    shown = await info(gateway, company_id, id_)
    assert shown.launched_at is not None
    assert shown.finished_at is not None
    assert shown.created_at < shown.launched_at < shown.finished_at


async def test_campaigns_are_listed_by_id_of_one_folder_and_in_one_state(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    rooted = await new_campaign(gateway, company_id)
    filed = (await gateway.ask(CreateCampaign(title="Filed", body="Tea.", sender=HEADER, folder_id=FOLDER_ID), may)).id
    list_id = await new_list(gateway, company_id, [number(1)])
    stopped = await launched(gateway, company_id, list_id)
    await all_handed_over(windows, stopped, 1)
    await gateway.ask(StopCampaign(campaign_id=stopped), may)
    waiting = await new_campaign(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    await gateway.ask(LaunchCampaign(campaign_id=waiting), may)

    assert await ids(gateway, company_id) == [rooted, filed, stopped, waiting]
    assert await ids(gateway, company_id, folder_id=0) == [rooted, stopped, waiting]
    assert await ids(gateway, company_id, folder_id=FOLDER_ID) == [filed]
    assert await ids(gateway, company_id, state="stopped") == [stopped]
    assert await ids(gateway, company_id, state="launched", folder_id=0) == [waiting]
    assert await ids(gateway, company_id, state="launched", folder_id=FOLDER_ID) == []
    assert await ids(gateway, company_id, after=filed) == [stopped, waiting]
    assert await ids(gateway, company_id, after=2**62) == []


async def test_many_campaigns_are_read_by_pages_none_twice_and_none_left_out(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    many = (
        "INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, lease_hours, test)"
        " SELECT $1, 0, n::text, 'Tea.', '', 'Heliograph', 0, false FROM generate_series(1, $2) n RETURNING 1"
    )
    await value(campaign, many, company_id, CAMPAIGNS_PAGE_MAX + 2)

    first = await gateway.ask(ListCampaigns(limit=5_000), grant(company_id))
    rest = await gateway.ask(ListCampaigns(after=first.items[-1].id), grant(company_id))

    assert (len(first.items), first.more, rest.more) == (CAMPAIGNS_PAGE_MAX, True, False)
    expected = [str(n) for n in range(1, CAMPAIGNS_PAGE_MAX + 3)]
    assert [item.title for item in first.items + rest.items] == expected
    two = await gateway.ask(ListCampaigns(limit=2), grant(company_id))
    assert CampaignPage(items=first.items[:2], more=True) == two


async def test_another_companys_campaigns_and_folders_are_as_if_they_were_not(
    campaign: Process, gateway: Client, auth: Client, company_id: int
) -> None:
    theirs = await new_campaign(gateway, await provision(campaign, auth))
    mine = await new_campaign(gateway, company_id)

    answers = set()
    for unknown in (theirs, 2**31 + 5, 2**62, 0, -1):
        with pytest.raises(Refusal) as refusal:
            await gateway.ask(ShowCampaign(campaign_id=unknown), grant(company_id))
        answers.add((refusal.value.code, refusal.value.detail))
    assert answers == {(Code.NOT_FOUND, "the company has no such campaign")}
    assert await ids(gateway, company_id) == [mine]
    for unknown in (FOLDER_ID + 1, 2**62, -1):
        assert await gateway.refused(ListCampaigns(folder_id=unknown), grant(company_id)) is Code.NOT_FOUND


async def test_whoever_is_logged_in_may_look_and_nobody_else(gateway: Client, console: Client, company_id: int) -> None:
    id_ = await new_campaign(gateway, company_id)

    asks: list[Ask[Any]] = [ListCampaigns(), ShowCampaign(campaign_id=id_)]
    for ask in asks:
        await gateway.ask(ask, grant(company_id))
        assert await gateway.refused(ask) is Code.SESSION_EXPIRED
        assert await console.refused(ask) is Code.PERMISSION_DENIED
    assert await ids(gateway, company_id) == [id_]
    assert (await gateway.ask(ShowCampaign(campaign_id=id_), grant(company_id, SEND))).id == id_
