"""Campaigns of test keys: marked, handed over as tests, and no test key touches a live one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from libs.common.contracts.base import Ask, Code
from libs.common.contracts.campaign import (
    CampaignState,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    RecipientsHandedOver,
    StopCampaign,
    UnlinkList,
)
from tests.harness import Client
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    by_test_key,
    info,
    new_campaign,
    new_list,
    number,
    progress,
    sender,
)


async def new_test_campaign(gateway: Client, company_id: int) -> int:
    create = CreateCampaign(title=str(uuid4()), body="Tea is served.", sender=HEADER)
    return (await gateway.ask(create, by_test_key(company_id))).id


async def test_a_test_keys_campaign_is_handed_over_as_a_test(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    list_id = await new_list(gateway, company_id, [number(n) for n in range(600)])
    id_ = await new_test_campaign(gateway, company_id)
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id), by_test_key(company_id))
    await gateway.ask(LaunchCampaign(campaign_id=id_), by_test_key(company_id))

    await all_handed_over(windows, id_, 600)

    assert {window.test for window in windows if window.campaign_id == id_} == {True}
    assert (await info(gateway, company_id, id_)).test


async def test_a_test_campaign_stays_one_in_whoevers_hands(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    live, list_id = sender(company_id), await new_list(gateway, company_id, [number(1)])
    id_ = await new_test_campaign(gateway, company_id)
    for step in (LinkList, UnlinkList, LinkList):
        await gateway.ask(step(campaign_id=id_, list_id=list_id), live)
    await gateway.ask(LaunchCampaign(campaign_id=id_), live)

    await all_handed_over(windows, id_, 1)

    assert {window.test for window in windows if window.campaign_id == id_} == {True}
    await gateway.ask(StopCampaign(campaign_id=id_), live)
    assert (await info(gateway, company_id, id_)).test


async def test_a_live_campaign_obeys_no_test_key(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    linked = await new_list(gateway, company_id, [number(1)])
    other = await new_list(gateway, company_id, [number(2)])
    id_ = await new_campaign(gateway, company_id, linked)
    steps: list[Ask[Any]] = [
        LinkList(campaign_id=id_, list_id=other),
        UnlinkList(campaign_id=id_, list_id=linked),
        LaunchCampaign(campaign_id=id_),
        StopCampaign(campaign_id=id_),
    ]

    for step in steps:
        assert await gateway.refused(step, by_test_key(company_id)) is Code.PERMISSION_DENIED

    seen = await info(gateway, company_id, id_)
    assert (seen.state, seen.list_ids, seen.test) == (CampaignState.DRAFT, [linked], False)
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    await all_handed_over(windows, id_, 1)
    assert await gateway.refused(StopCampaign(campaign_id=id_), by_test_key(company_id)) is Code.PERMISSION_DENIED
    assert {window.test for window in windows if window.campaign_id == id_} == {False}
    assert (await progress(gateway, company_id, id_)).state is CampaignState.SENDING
