"""What the clock does: LaunchAt comes, a lease runs out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from libs.common import clock
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    LaunchCampaign,
    ReadCampaignBooks,
    RecipientsHandedOver,
)
from libs.common.contracts.messaging import State
from libs.common.service import Process
from services.campaign.campaigns import rules as campaign_rules
from services.campaign.recipients import loop as recipients
from services.campaign.recipients import rules, store
from services.campaign.schedules import loop
from tests.harness import Client, eventually, heard
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    all_handed_over,
    all_heard,
    info,
    launched,
    new_campaign,
    new_list,
    number,
    progress,
    recipients_of,
    sender,
    tell_ends,
    value,
)

RUN_OUT = "UPDATE campaigns SET expires_at = now() WHERE id = $1 RETURNING id"


async def test_a_campaign_waits_for_its_launch_time(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))

    await loop.begin(campaign.app)

    assert (await progress(gateway, company_id, id_)).state is CampaignState.LAUNCHED
    await value(campaign, "UPDATE campaigns SET starts_at = now() WHERE id = $1 RETURNING id", id_)
    await all_handed_over(windows, id_, 1)


async def test_a_launch_time_in_the_past_is_now(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    list_id = await new_list(gateway, company_id, [number(1)])

    id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() - timedelta(days=3))

    await all_handed_over(windows, id_, 1)


async def test_a_campaign_whose_lease_has_run_out_since_it_was_made_is_not_launched(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await new_campaign(gateway, company_id, list_id, launch_at=clock.now(), lease_hours=2)
    past = "UPDATE campaigns SET launch_at = now() - interval '2 hours' WHERE id = $1 RETURNING id"
    await value(campaign, past, id_)

    assert await gateway.refused(LaunchCampaign(campaign_id=id_), sender(company_id)) is Code.INVALID_DATE


async def test_the_windows_say_when_the_lease_ends(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    launch_at = clock.now() - timedelta(hours=1)
    id_ = await new_campaign(
        gateway, company_id, await new_list(gateway, company_id, [number(1)]), launch_at=launch_at, lease_hours=2
    )
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))

    await all_handed_over(windows, id_, 1)
    assert {w.expires_at for w in windows if w.campaign_id == id_} == {launch_at + timedelta(hours=2)}


async def test_a_campaign_whose_lease_runs_out_is_expired_and_messaging_is_told(
    infra: Infra, campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    async with heard(infra, CampaignSteered) as told:
        await value(campaign, RUN_OUT, id_)
        await loop.expire(campaign.app)

        async def said() -> bool:
            return (id_, "stop") in {(event.campaign_id, event.course) for event in told}  # type: ignore[attr-defined]

        await eventually(said)
    assert (await progress(gateway, company_id, id_)).state is CampaignState.EXPIRED
    assert recipients_of(windows, id_) == {}


async def test_of_a_campaign_whose_lease_runs_out_the_rest_is_never_handed_over_and_accounted_for(
    infra: Infra,
    campaign: Process,
    gateway: Client,
    console: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(3_000)]))
    handed_over = await all_handed_over(windows, id_, 1_000)
    async with heard(infra, CampaignSteered) as told:
        await value(campaign, RUN_OUT, id_)
        # Room for more, before the expire loop has looked and after it: none leaves.
        await all_heard(campaign, await tell_ends(messaging, company_id, id_, handed_over[:600]))
        await recipients.hand_over(campaign.app)
        await loop.expire(campaign.app)
        await recipients.hand_over(campaign.app)

        async def said() -> bool:
            return (id_, "stop") in {(event.campaign_id, event.course) for event in told}  # type: ignore[attr-defined]

        await eventually(said)

    # Messaging cancels what no carrier has, and goes on to tell of what one has.
    await all_heard(campaign, await tell_ends(messaging, company_id, id_, handed_over[600:900], State.CANCELLED))
    await all_heard(campaign, await tell_ends(messaging, company_id, id_, handed_over[900:]))
    seen = await progress(gateway, company_id, id_)
    assert (seen.state, seen.targeted, seen.waiting, seen.handed_over) == (CampaignState.EXPIRED, 3_000, 2_000, 0)
    assert seen.ended == {State.DELIVERED: 700, State.CANCELLED: 300}
    assert len(recipients_of(windows, id_)) == 1_000
    books = await console.ask(ReadCampaignBooks())
    assert [fault for fault in books.faults if fault.startswith(f"campaign {id_}:")] == []


@pytest.mark.parametrize(
    ("launch_at", "starts_at", "expires_at"),
    [
        ("2027-03-27T12:00:00", "2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z"),  # 13:00 by the UK's clocks
        ("2027-10-30T12:00:00", "2027-10-30T11:00:00Z", "2027-10-31T11:00:00Z"),  # 11:00
        ("2027-03-28T01:30:00", "2027-03-28T01:30:00Z", "2027-03-29T01:30:00Z"),  # a time that the clocks leap over
        ("2027-10-31T01:30:00", "2027-10-31T00:30:00Z", "2027-11-01T00:30:00Z"),  # one that comes twice: the first
        ("2027-03-28T09:00:00+09:00", "2027-03-28T00:00:00Z", "2027-03-29T00:00:00Z"),
    ],
)
async def test_a_lease_of_a_day_is_24_hours_also_when_the_clocks_change(
    campaign: Process,
    gateway: Client,
    company_id: int,
    monkeypatch: pytest.MonkeyPatch,
    launch_at: str,
    starts_at: str,
    expires_at: str,
) -> None:
    monkeypatch.setattr(campaign_rules, "LAUNCH_AHEAD_DAYS_MAX", 366 * 10)
    list_id = await new_list(gateway, company_id, [number(1)])
    at = datetime.fromisoformat(launch_at)

    id_ = await new_campaign(gateway, company_id, list_id, launch_at=at, lease_hours=24)
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))

    for column, expected in (("launch_at", starts_at), ("starts_at", starts_at), ("expires_at", expires_at)):
        assert await value(campaign, f"SELECT {column} FROM campaigns WHERE id = $1", id_) == datetime.fromisoformat(
            expected
        )
    shown = await info(gateway, company_id, id_)
    assert (shown.launch_at, shown.lease_hours) == (datetime.fromisoformat(starts_at), 24)


async def test_nothing_is_handed_over_between_the_end_of_a_lease_and_the_expire_loops_round(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id, [number(1)])
    id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    sending = "UPDATE campaigns SET state = 'sending', frozen_at = now(), targeted = 1, expires_at = now() WHERE id = $1 RETURNING id"
    await value(campaign, sending, id_)

    assert await recipients.hand_over(campaign.app) == 0

    await loop.expire(campaign.app)
    assert (await progress(gateway, company_id, id_)).state is CampaignState.EXPIRED
    await value(campaign, "UPDATE campaigns SET targeted = 0 WHERE id = $1 RETURNING id", id_)


async def test_a_campaign_that_only_waits_for_receipts_is_finished_though_its_lease_is_over(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    handed_over = await all_handed_over(windows, id_, 1)
    await value(campaign, RUN_OUT, id_)

    await loop.expire(campaign.app)
    await tell_ends(messaging, company_id, id_, handed_over)

    async def finished() -> bool:
        return (await progress(gateway, company_id, id_)).state is CampaignState.FINISHED

    await eventually(finished)
