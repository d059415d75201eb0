"""Pause, resume, stop, extend: what is legal, what is told to messaging, what is answered; and what is handed over meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from libs.common import clock
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CampaignState,
    CampaignSteered,
    ExtendCampaign,
    Halted,
    LaunchCampaign,
    LinkList,
    PauseCampaign,
    ReadCampaignBooks,
    RecipientsHandedOver,
    ResumeCampaign,
    StopCampaign,
)
from libs.common.contracts.messaging import State, SteerCampaign
from libs.common.contracts.phonelist import AddEntries, Entry, RemoveEntry
from libs.common.service import Process
from services.campaign.recipients import loop, rules, store
from services.campaign.schedules import loop as schedules
from tests.harness import Client, eventually, heard
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    Steering,
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

COUNT, ROOM = 3_000, 1_000
LEASED = "UPDATE campaigns SET freeze_again_at = now() + interval '1 h' WHERE id = $1 RETURNING id"


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ROOM may be open at a time: the rest waits until the test says that some have ended."""
    monkeypatch.setattr(store, "OPEN_MAX", ROOM)
    monkeypatch.setattr(rules, "OPEN_MAX", ROOM)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)


@pytest.fixture(autouse=True)
def messaging_answers(steering: Steering) -> None:
    steering.asked.clear()
    steering.can_still_arrive, steering.away = 0, False


async def books_balance(console: Client, id_: int) -> bool:
    return not [f for f in (await console.ask(ReadCampaignBooks())).faults if f.startswith(f"campaign {id_}:")]


async def test_paused_it_hands_over_nothing_and_resumed_exactly_the_rest(
    infra: Infra,
    campaign: Process,
    gateway: Client,
    console: Client,
    messaging: Client,
    steering: Steering,
    company_id: int,
    windows: list[RecipientsHandedOver],
    little_room: None,
) -> None:
    may = sender(company_id)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(COUNT)]))
    first = await all_handed_over(windows, id_, ROOM)
    steering.can_still_arrive = 123

    async with heard(infra, CampaignSteered) as told:
        paused = await gateway.ask(PauseCampaign(campaign_id=id_), may)
        assert paused == Halted(targeted=COUNT, handed_over=ROOM, can_still_arrive=123)
        assert await gateway.ask(PauseCampaign(campaign_id=id_), may) == paused
        hold = SteerCampaign(company_id=company_id, campaign_id=id_, course="hold", revision=1)
        assert steering.asked == [hold, hold]

        await all_heard(campaign, await tell_ends(messaging, company_id, id_, first))
        assert await loop.hand_over(campaign.app) == 0
        assert (await progress(gateway, company_id, id_)).state is CampaignState.PAUSED
        assert await books_balance(console, id_)
        for _ in range(2):
            assert (await gateway.ask(ResumeCampaign(campaign_id=id_), may)).id == id_

        both = [CampaignSteered(company_id=company_id, campaign_id=id_, course=c, revision=r) for c, r in COURSES]
        await eventually(lambda: _true(told == both))
    await all_heard(
        campaign, await tell_ends(messaging, company_id, id_, (await all_handed_over(windows, id_, 2 * ROOM))[ROOM:])
    )
    everyone = await all_handed_over(windows, id_, COUNT)
    await tell_ends(messaging, company_id, id_, everyone[2 * ROOM :])
    await eventually(lambda: is_in(gateway, company_id, id_, CampaignState.FINISHED))
    assert [recipient.number for recipient in everyone] == [number(n) for n in range(COUNT)]
    assert await books_balance(console, id_)


COURSES = [("hold", 1), ("go", 2)]


async def test_messaging_that_does_not_answer_leaves_it_paused_and_asked_again_it_tells(
    infra: Infra,
    gateway: Client,
    steering: Steering,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    for ask, state, course in (
        (PauseCampaign, CampaignState.PAUSED, "hold"),
        (StopCampaign, CampaignState.STOPPED, "stop"),
    ):
        id_ = await launched(gateway, company_id, list_id)
        await all_handed_over(windows, id_, 1)
        async with heard(infra, CampaignSteered) as told:
            steering.away = True
            with pytest.raises(Refusal) as refusal:
                await gateway.ask(ask(campaign_id=id_), may)
            assert (refusal.value.code, state in refusal.value.detail) == (Code.UNAVAILABLE, True)
            assert (await progress(gateway, company_id, id_)).state is state
            steering.away, steering.can_still_arrive = False, 1
            assert (await gateway.ask(ask(campaign_id=id_), may)).can_still_arrive == 1
            steered = CampaignSteered.model_validate(
                {"company_id": company_id, "campaign_id": id_, "course": course, "revision": 1}
            )
            await eventually(lambda told=told, steered=steered: _true(told == [steered]))  # type: ignore[misc]


async def test_paused_while_it_is_frozen_it_goes_on_there(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver], steering: Steering
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(n) for n in range(5)])
    id_ = await new_campaign(gateway, company_id, list_id)
    await value(campaign, LEASED, id_)  # no freezer takes it
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    await eventually(lambda: is_in(gateway, company_id, id_, CampaignState.FREEZING))

    assert await gateway.ask(PauseCampaign(campaign_id=id_), may) == Halted(targeted=0, handed_over=0)
    assert steering.asked == [], "messaging has nothing of it"
    await gateway.ask(ResumeCampaign(campaign_id=id_), may)

    assert len(await all_handed_over(windows, id_, 5)) == 5


async def test_every_step_out_of_place_is_refused_and_changes_nothing(
    gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(1)])
    draft = await new_campaign(gateway, company_id, list_id)
    in_an_hour = clock.now() + timedelta(hours=1)
    waiting = await launched(gateway, company_id, list_id, launch_at=in_an_hour)
    stopped, finished = [await launched(gateway, company_id, list_id) for _ in range(2)]
    await all_handed_over(windows, stopped, 1)
    await gateway.ask(StopCampaign(campaign_id=stopped), may)
    await tell_ends(messaging, company_id, finished, await all_handed_over(windows, finished, 1))
    await eventually(lambda: is_in(gateway, company_id, finished, CampaignState.FINISHED))

    before = [await progress(gateway, company_id, id_) for id_ in (draft, waiting, stopped, finished)]
    for id_ in (draft, waiting, stopped, finished):
        assert await gateway.refused(PauseCampaign(campaign_id=id_), may) is Code.WRONG_STATE
        assert await gateway.refused(ResumeCampaign(campaign_id=id_), may) is Code.WRONG_STATE
    for id_ in (draft, stopped, finished):
        assert await gateway.refused(ExtendCampaign(campaign_id=id_, lease_hours=5), may) is Code.WRONG_STATE
    assert await gateway.refused(StopCampaign(campaign_id=finished), may) is Code.WRONG_STATE
    for hours in (-1, 366 * 24 + 1):
        assert (
            await gateway.refused(ExtendCampaign(campaign_id=waiting, lease_hours=hours), may) is Code.INVALID_REQUEST
        )

    assert [await progress(gateway, company_id, id_) for id_ in (draft, waiting, stopped, finished)] == before


async def test_extended_it_is_told_to_messaging_and_counted_from_its_start(
    infra: Infra,
    campaign: Process,
    gateway: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    little_room: None,
) -> None:
    may = sender(company_id)
    launch_at = clock.now() - timedelta(hours=3)
    list_id = await new_list(gateway, company_id, [number(n) for n in range(COUNT)])
    id_ = await new_campaign(gateway, company_id, list_id, launch_at=launch_at, lease_hours=4)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    await all_handed_over(windows, id_, ROOM)

    assert await gateway.refused(ExtendCampaign(campaign_id=id_, lease_hours=3), may) is Code.INVALID_DATE
    async with heard(infra, CampaignSteered) as told:
        ends_at = launch_at + timedelta(hours=9)
        assert (await gateway.ask(ExtendCampaign(campaign_id=id_, lease_hours=9), may)).expires_at == ends_at
        await gateway.ask(PauseCampaign(campaign_id=id_), may)
        assert (await gateway.ask(ExtendCampaign(campaign_id=id_, lease_hours=0), may)).expires_at is None
        steered = [("go", ends_at), ("hold", ends_at), ("hold", None)]
        await eventually(lambda: _true([(e.course, e.expires_at) for e in told] == steered))  # type: ignore[attr-defined]

    waiting = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    async with heard(infra, CampaignSteered) as told:
        await gateway.ask(ExtendCampaign(campaign_id=waiting, lease_hours=2), may)
        assert (await info(gateway, company_id, waiting)).lease_hours == 2
        await gateway.ask(ResumeCampaign(campaign_id=id_), may)
        await eventually(lambda: _true(len(told) > 0))
    assert {event.campaign_id for event in told} == {id_}  # type: ignore[attr-defined]


async def test_a_paused_campaign_expires_with_its_lease(
    infra: Infra, campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    await all_handed_over(windows, id_, 1)
    await gateway.ask(PauseCampaign(campaign_id=id_), sender(company_id))

    async with heard(infra, CampaignSteered) as told:
        await value(campaign, "UPDATE campaigns SET expires_at = now() WHERE id = $1 RETURNING id", id_)
        await schedules.expire(campaign.app)
        await eventually(lambda: _true((id_, "stop", 2) in {(e.campaign_id, e.course, e.revision) for e in told}))  # type: ignore[attr-defined]
    assert (await progress(gateway, company_id, id_)).state is CampaignState.EXPIRED


async def test_who_comes_onto_a_list_after_the_launch_gets_nothing_nor_who_is_taken_off_before_the_freezing(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    list_id = await new_list(gateway, company_id, [number(n) for n in range(5)])
    id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))

    await gateway.ask(AddEntries(list_id=list_id, entries=[Entry(phone_number=number(7))]), may)
    await gateway.ask(RemoveEntry(list_id=list_id, number=number(2)), may)
    await value(campaign, "UPDATE campaigns SET starts_at = now() WHERE id = $1 RETURNING id", id_)

    assert [r.number for r in await all_handed_over(windows, id_, 4)] == [number(n) for n in (0, 1, 3, 4)]
    await gateway.ask(RemoveEntry(list_id=list_id, number=number(3)), may)
    seen = await progress(gateway, company_id, id_)
    assert (seen.targeted, len(recipients_of(windows, id_))) == (4, 4)

    # Stopped before its time and launched anew, it takes the lists as they are then.
    again = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    await gateway.ask(StopCampaign(campaign_id=again), may)
    other_list = await new_list(gateway, company_id, [number(8)])
    await gateway.ask(LinkList(campaign_id=again, list_id=other_list), may)
    await gateway.ask(AddEntries(list_id=list_id, entries=[Entry(phone_number=number(9))]), may)
    await gateway.ask(LaunchCampaign(campaign_id=again), may)
    await value(campaign, "UPDATE campaigns SET starts_at = now() WHERE id = $1 RETURNING id", again)
    numbers = {r.number for r in await all_handed_over(windows, again, 6)}
    assert numbers == {number(n) for n in (0, 1, 4, 7, 8, 9)}


async def test_ends_that_come_while_it_is_paused_are_noted(
    gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    may = sender(company_id)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1), number(2)]))
    recipients = await all_handed_over(windows, id_, 2)
    await gateway.ask(PauseCampaign(campaign_id=id_), may)

    await tell_ends(messaging, company_id, id_, recipients)

    async def both_ended() -> bool:
        return (await progress(gateway, company_id, id_)).ended == {State.DELIVERED: 2}

    await eventually(both_ended)
    assert (await progress(gateway, company_id, id_)).state is CampaignState.PAUSED
    await gateway.ask(ResumeCampaign(campaign_id=id_), may)
    await eventually(lambda: is_in(gateway, company_id, id_, CampaignState.FINISHED))


async def is_in(gateway: Client, company_id: int, campaign_id: int, state: CampaignState) -> bool:
    return (await progress(gateway, company_id, campaign_id)).state is state


async def _true(answer: bool) -> bool:
    return answer
