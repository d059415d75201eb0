"""From launch to the last end: frozen, handed over by windows, settled, finished."""

from __future__ import annotations

from itertools import groupby

import pytest

from libs.common import clock
from libs.common.bus.consume import tell
from libs.common.contracts.base import PAGE_MAX
from libs.common.contracts.campaign import CampaignState, Recipient, RecipientsHandedOver, StopCampaign
from libs.common.contracts.messaging import CampaignsClaimed, ClaimedTo, RecipientsSettled, SettledText, State
from libs.common.ids import uuid7
from libs.common.service import Process
from services.campaign.__main__ import SERVICE
from services.campaign.recipients import loop, rules, store
from tests.harness import Client, eventually, heard, running
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    all_heard,
    launched,
    new_list,
    number,
    progress,
    recipients_of,
    sender,
    tell_ends,
    value,
)


async def finished(gateway: Client, company_id: int, campaign_id: int) -> bool:
    return (await progress(gateway, company_id, campaign_id)).state is CampaignState.FINISHED


async def sending(gateway: Client, company_id: int, campaign_id: int) -> bool:
    return (await progress(gateway, company_id, campaign_id)).state is CampaignState.SENDING


async def test_a_launched_campaign_reaches_each_number_once_and_is_finished_with_the_last_end(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    numbers = [number(n) for n in range(1_200)]
    list_id = await new_list(gateway, company_id, numbers)

    id_ = await launched(gateway, company_id, list_id)

    recipients = await all_handed_over(windows, id_, 1_200)
    assert [recipient.number for recipient in recipients] == numbers
    assert [recipient.position for recipient in recipients] == list(range(1, 1_201))
    assert len({recipient.id for recipient in recipients}) == 1_200
    mine = [window for window in windows if window.campaign_id == id_]
    assert {len(window.items) for window in mine} == {500, 200}
    assert {(w.company_id, w.sender, w.body, w.expires_at) for w in mine} == {
        (company_id, HEADER, "Tea is served.", None)
    }

    await tell_ends(messaging, company_id, id_, recipients[:-1])
    await tell_ends(messaging, company_id, id_, recipients[-1:], State.FAILED, reason="absent")
    await eventually(lambda: finished(gateway, company_id, id_))
    seen = await progress(gateway, company_id, id_)
    assert (seen.targeted, seen.waiting, seen.handed_over) == (1_200, 0, 0)
    assert seen.ended == {State.DELIVERED: 1_199, State.FAILED: 1}
    assert seen.launched_at is not None
    assert seen.finished_at is not None
    assert (
        await value(campaign, "SELECT reason FROM recipients WHERE campaign_id = $1 AND position = 1200", id_)
        == "absent"
    )


async def test_a_number_on_several_lists_gets_one_text_and_the_rest_is_left_out_as_duplicate(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    first = await new_list(gateway, company_id, [number(n) for n in range(300)])
    second = await new_list(gateway, company_id, [number(n) for n in range(200, 500)])

    id_ = await launched(gateway, company_id, first, second)

    recipients = await all_handed_over(windows, id_, 500)
    assert [recipient.number for recipient in recipients] == [number(n) for n in range(500)]
    seen = await progress(gateway, company_id, id_)
    assert (seen.targeted, seen.left_out) == (500, {"duplicate": 100, "excluded": 0, "incomplete": 0})


async def test_a_list_of_several_pages_is_frozen_whole_and_in_its_order(
    gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    numbers = [number(n) for n in range(PAGE_MAX + 700, 0, -1)]
    list_id = await new_list(gateway, company_id, numbers)

    id_ = await launched(gateway, company_id, list_id)

    recipients = await all_handed_over(windows, id_, len(numbers))
    assert [recipient.number for recipient in recipients] == numbers


async def test_a_campaign_of_empty_lists_is_finished_at_once(gateway: Client, company_id: int) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, []))

    await eventually(lambda: finished(gateway, company_id, id_))
    assert (await progress(gateway, company_id, id_)).targeted == 0


async def test_after_a_stop_nothing_further_is_handed_over_and_later_ends_are_still_noted(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(3_000)]))
    recipients = await all_handed_over(windows, id_, 1_000)

    stopped = await gateway.ask(StopCampaign(campaign_id=id_), sender(company_id))

    assert (stopped.targeted, stopped.handed_over) == (3_000, 1_000)
    await tell_ends(messaging, company_id, id_, recipients[:400], State.CANCELLED)
    await eventually(lambda: ended(gateway, company_id, id_, {State.CANCELLED: 400}))
    assert await loop.hand_over(campaign.app) == 0
    seen = await progress(gateway, company_id, id_)
    assert (seen.state, seen.waiting, seen.handed_over) == (CampaignState.STOPPED, 2_000, 600)
    assert len(recipients_of(windows, id_)) == 1_000


async def test_the_next_windows_wait_until_enough_of_the_last_have_ended(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(2_000)]))
    recipients = await all_handed_over(windows, id_, 1_000)
    assert await loop.hand_over(campaign.app) == 0

    await tell_ends(messaging, company_id, id_, recipients[:499])
    await eventually(lambda: ended(gateway, company_id, id_, {State.DELIVERED: 499}))
    assert await loop.hand_over(campaign.app) == 0
    await tell_ends(messaging, company_id, id_, recipients[499:500], State.SUPPRESSED)

    assert len(await all_handed_over(windows, id_, 1_500)) == 1_500


async def test_receipts_that_take_long_hold_nobody_up_once_the_texts_are_claimed(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "OPEN_MAX", 1_000)
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(2_500)]))
    await all_handed_over(windows, id_, 1_000)

    claimed = ClaimedTo(campaign_id=id_, carrier=1, position=1_000)
    await tell(messaging.bus, CampaignsClaimed(items=[claimed]))

    assert len(await all_handed_over(windows, id_, 2_000)) == 2_000
    assert len(recipients_of(windows, id_)) == 2_000, "what is not claimed bounds it still"


async def test_only_a_higher_version_of_the_recipients_own_text_changes_its_end(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1), number(2)]))
    first, second = await all_handed_over(windows, id_, 2)
    stranger = Recipient(id=uuid7(), position=first.position, number=first.number)

    await tell_ends(messaging, company_id, id_, [first], State.IN_DOUBT, version=4)
    await eventually(lambda: ended(gateway, company_id, id_, {State.IN_DOUBT: 1}))
    for stale in (
        await tell_ends(messaging, company_id, id_, [first], State.FAILED, version=3),
        await tell_ends(messaging, company_id, id_, [first], State.FAILED, version=4),
        await tell_ends(messaging, company_id, id_, [stranger], State.FAILED, version=9),
        await tell_ends(messaging, company_id, id_, [first], State.SUBMITTED, version=9),
    ):
        await all_heard(campaign, stale)
    assert (await progress(gateway, company_id, id_)).ended == {State.IN_DOUBT: 1}
    await tell_ends(messaging, company_id, id_, [first], State.DELIVERED, version=5)
    await eventually(lambda: ended(gateway, company_id, id_, {State.DELIVERED: 1}))

    await tell_ends(messaging, company_id, id_, [second], State.IN_DOUBT)
    await eventually(lambda: finished(gateway, company_id, id_))
    await tell_ends(messaging, company_id, id_, [second], State.DELIVERED, version=4)
    await eventually(lambda: ended(gateway, company_id, id_, {State.DELIVERED: 2}))


async def test_news_of_texts_that_no_campaign_sent_passes_by(
    gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(1)]))
    recipients = await all_handed_over(windows, id_, 1)
    single = SettledText(id=uuid7(), to=number(1), state=State.DELIVERED, at=clock.now(), version=3)
    unknown = single.model_copy(update={"campaign_id": 2**31 - 1, "position": 1})

    await messaging.publish(RecipientsSettled(company_id=company_id, items=[single, unknown]))
    await tell_ends(messaging, company_id, id_, recipients)

    await eventually(lambda: finished(gateway, company_id, id_))


async def test_two_campaigns_take_turns(
    campaign: Process,
    gateway: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "HAND_OVER_MAX", 500)
    monkeypatch.setattr(rules, "OPEN_MAX", 0)  # nobody begins before both can
    list_id = await new_list(gateway, company_id, [number(n) for n in range(3_000)])
    both = [await launched(gateway, company_id, list_id) for _ in range(2)]
    for id_ in both:
        await eventually(lambda id_=id_: sending(gateway, company_id, id_))  # type: ignore[misc]

    monkeypatch.setattr(rules, "OPEN_MAX", 3_000)

    for id_ in both:
        await all_handed_over(windows, id_, 3_000)
    turns = [window.campaign_id for window in windows if window.campaign_id in both]
    assert max(len(list(run)) for _, run in groupby(turns)) <= 2, turns


async def test_two_copies_side_by_side_hand_over_each_recipient_once(
    infra: Infra, campaign: Process, gateway: Client, messaging: Client, company_id: int
) -> None:
    async with (
        running(infra, SERVICE, dsn=str(campaign.settings.database_url)),  # type: ignore[attr-defined]
        heard(infra, RecipientsHandedOver) as windows,
    ):
        list_id = await new_list(gateway, company_id, [number(n) for n in range(6_000)])
        ids = [await launched(gateway, company_id, list_id) for _ in range(2)]
        for id_ in ids:
            recipients = await all_handed_over(windows, id_, 6_000)  # type: ignore[arg-type]
            await tell_ends(messaging, company_id, id_, recipients)
        for id_ in ids:
            await eventually(lambda id_=id_: finished(gateway, company_id, id_))  # type: ignore[misc]
            assert len([w for w in windows if w.campaign_id == id_]) == 12  # type: ignore[attr-defined]


async def ended(gateway: Client, company_id: int, campaign_id: int, states: dict[State, int]) -> bool:
    return (await progress(gateway, company_id, campaign_id)).ended == states
