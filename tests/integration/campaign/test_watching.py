"""A campaign whose errors burst is paused by itself, with the reason; a person resumes it, and it goes on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    Progress,
    Recipient,
    RecipientsHandedOver,
    ResumeCampaign,
    StopCampaign,
)
from libs.common.contracts.messaging import State
from libs.common.service import Process
from services.campaign.recipients import rules, store
from services.campaign.watching import loop
from tests.harness import Client, eventually, heard
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    all_handed_over,
    all_heard,
    launched,
    new_list,
    number,
    progress,
    sender,
    tell_ends,
    value,
)


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a campaign of some hundreds a part stays behind, to be kept from being sent."""
    monkeypatch.setattr(store, "OPEN_MAX", 500)
    monkeypatch.setattr(rules, "OPEN_MAX", 500)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)


async def half_handed_over(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> tuple[int, list[Recipient]]:
    list_id = await new_list(gateway, company_id, [number(n) for n in range(1_000)])
    id_ = await launched(gateway, company_id, list_id)
    return id_, await all_handed_over(windows, id_, 500)


async def paused(gateway: Client, company_id: int, campaign_id: int) -> Progress | None:
    seen = await progress(gateway, company_id, campaign_id)
    return seen if seen.state is CampaignState.PAUSED else None


async def tell(
    process: Process,
    messaging: Client,
    company_id: int,
    campaign_id: int,
    people: Sequence[Recipient],
    state: State,
    reason: str = "",
) -> None:
    await all_heard(process, await tell_ends(messaging, company_id, campaign_id, people, state, reason=reason))


async def test_a_burst_of_errors_pauses_it_and_tells_messaging(
    infra: Infra,
    campaign: Process,
    gateway: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    async with heard(infra, CampaignSteered) as steered:
        id_, people = await half_handed_over(gateway, company_id, windows)
        await tell(campaign, messaging, company_id, id_, people[:20], State.DELIVERED)
        await tell(campaign, messaging, company_id, id_, people[20:60], State.FAILED, "absent_subscriber")
        await tell(campaign, messaging, company_id, id_, people[60:300], State.FAILED, "call_barred")

        seen = await eventually(lambda: paused(gateway, company_id, id_), within_s=3)
        await eventually(lambda: _told(steered, id_))

    assert seen.why == "paused by itself: 280 of the last 500 failed, most with call_barred"
    assert (seen.waiting, seen.handed_over) == (500, 200)
    held = [event for event in steered if event.campaign_id == id_]  # type: ignore[attr-defined]
    assert [event.course for event in held] == ["hold"]  # type: ignore[attr-defined]

    await tell(campaign, messaging, company_id, id_, people[300:], State.FAILED, "call_barred")
    assert (await progress(gateway, company_id, id_)).ended == {State.DELIVERED: 20, State.FAILED: 480}

    await gateway.ask(ResumeCampaign(campaign_id=id_), sender(company_id))
    rest = (await all_handed_over(windows, id_, 1_000))[500:]
    await tell(campaign, messaging, company_id, id_, rest[:200], State.DELIVERED)
    await loop.watch(campaign.app)
    after = await progress(gateway, company_id, id_)
    assert (after.state, after.why) == (CampaignState.SENDING, "")
    await tell(campaign, messaging, company_id, id_, rest[200:], State.DELIVERED)
    await eventually(lambda: finished(gateway, company_id, id_))


async def _told(steered: Sequence[object], campaign_id: int) -> bool:
    return any(event.campaign_id == campaign_id for event in steered)  # type: ignore[attr-defined]


async def finished(gateway: Client, company_id: int, campaign_id: int) -> bool:
    return (await progress(gateway, company_id, campaign_id)).state is CampaignState.FINISHED


@pytest.mark.parametrize("state", [State.REJECTED, State.IN_DOUBT])
async def test_refusals_and_doubts_are_errors_too(
    state: State,
    campaign: Process,
    gateway: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    id_, people = await half_handed_over(gateway, company_id, windows)

    await tell(campaign, messaging, company_id, id_, people[:250], state, "not_allowed")

    await eventually(lambda: paused(gateway, company_id, id_), within_s=3)
    await gateway.ask(StopCampaign(campaign_id=id_), sender(company_id))


async def test_what_was_never_to_be_sent_and_errors_before_most_have_ended_pause_nothing(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_, people = await half_handed_over(gateway, company_id, windows)
    await tell(campaign, messaging, company_id, id_, people[120:200], State.SUPPRESSED)
    await tell(campaign, messaging, company_id, id_, people[200:250], State.EXPIRED)
    await tell(
        campaign, messaging, company_id, id_, people[:120], State.FAILED, "call_barred"
    )  # last: the loop looks too

    assert await loop.watch(campaign.app) == 0

    assert (await progress(gateway, company_id, id_)).state is CampaignState.SENDING
    await gateway.ask(StopCampaign(campaign_id=id_), sender(company_id))


async def test_a_campaign_that_was_resumed_after_it_was_looked_at_is_not_paused(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_, _ = await half_handed_over(gateway, company_id, windows)
    seen = loop.store.Watched(id_, company_id, 0, 500, [loop.rules.Block(300, 300, {"call_barred": 300})])
    await value(campaign, "UPDATE campaigns SET watched_from = 500 WHERE id = $1 RETURNING 1", id_)

    assert not await loop._pause_if_failing(campaign.app, seen)

    await gateway.ask(StopCampaign(campaign_id=id_), sender(company_id))
