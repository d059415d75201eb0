"""Watches: one question for all who watch a campaign, asked as one whose session is good; and how many may watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState, Progress
from libs.common.contracts.messaging import State
from libs.common.ids import uuid7
from services.gateway import watching
from services.gateway.watching import Watches, told

NOW = 0.01  # seconds: instead of ASK_EACH_S


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ASK_EACH_S", NOW)


def progress(delivered: int = 0, state: CampaignState = CampaignState.SENDING, handed_over: int = 10) -> Progress:
    return Progress(
        id=7,
        title="Spring",
        state=state,
        targeted=1000,
        waiting=1000 - delivered - handed_over,
        handed_over=handed_over,
        ended={State.DELIVERED: delivered},
        left_out={},
        launched_at=None,
        finished_at=None,
    )


def answering(*answers: Progress | Exception) -> tuple[Callable[[], Awaitable[Progress]], list[int]]:
    """Asks that are answered so, the last one again and again; and how many there were."""
    left, asked = list(answers), [0]

    async def ask() -> Progress:
        asked[0] += 1
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, asked


async def test_all_watchers_of_a_campaign_are_told_from_one_question() -> None:
    watches = Watches()
    first, asked = answering(progress(1), progress(2), progress(3))
    other, asked_as_others = answering(progress(99))
    async with AsyncExitStack() as stack:
        watch = await stack.enter_async_context(watches.watch(1, 7, first))
        others = [await stack.enter_async_context(watches.watch(1, 7, other)) for _ in range(99)]
        await watch.news(5)
        await watch.news(5)

        assert {id(watch)} == {id(each) for each in others}
        assert watch.newest == told(progress(3))
        assert (asked[0], asked_as_others[0]) == (3, 0)


async def test_another_company_is_asked_for_anew_and_told_what_the_owner_says_to_it() -> None:
    watches = Watches()
    ours, _ = answering(progress())
    theirs, _ = answering(Refusal(Code.NOT_FOUND))
    async with watches.watch(1, 7, ours):
        with pytest.raises(Refusal) as refusal:
            async with watches.watch(2, 7, theirs):
                pass

    assert refusal.value.code is Code.NOT_FOUND


async def test_one_whose_session_is_over_does_not_keep_the_others_from_news() -> None:
    watches = Watches()
    gone, _ = answering(progress(1), Refusal(Code.SESSION_EXPIRED))
    there, _ = answering(progress(2))
    async with watches.watch(1, 7, gone) as watch, watches.watch(1, 7, there):
        await watch.news(5)

        assert watch.newest == told(progress(2))


async def test_an_owner_that_is_away_for_a_while_ends_nothing() -> None:
    watches = Watches()
    ask, _ = answering(progress(1), Unanswered(uuid7()), Refusal(Code.UNAVAILABLE), progress(2))
    async with watches.watch(1, 7, ask) as watch:
        await watch.news(5)

        assert watch.newest == told(progress(2))


async def test_nobody_is_asked_when_nobody_watches_or_nothing_can_change() -> None:
    watches = Watches()
    ask, asked = answering(progress())
    async with watches.watch(1, 7, ask):
        pass
    over, asked_when_over = answering(progress(1000, CampaignState.FINISHED, handed_over=0))
    async with watches.watch(1, 7, over) as watch:
        await asyncio.sleep(NOW * 10)

        assert watch.newest.over
    assert (asked[0], asked_when_over[0]) == (1, 1)


@pytest.mark.parametrize("state", [CampaignState.STOPPED, CampaignState.EXPIRED])
def test_it_is_over_when_carriers_have_nothing_of_it_any_more(state: CampaignState) -> None:
    assert not told(progress(5, state, handed_over=1)).over
    assert told(progress(5, state, handed_over=0)).over
    assert not told(progress(5, CampaignState.PAUSED, handed_over=0)).over


async def test_a_company_may_not_take_all_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WATCHERS_OF_A_COMPANY_MAX", 3)
    monkeypatch.setattr(watching, "WATCHERS_MAX", 4)
    watches = Watches()
    ask, _ = answering(progress())

    async def refused(company_id: int) -> Code:
        with pytest.raises(Refusal) as refusal:
            async with watches.watch(company_id, 9, ask):
                pass
        return refusal.value.code

    async with watches.watch(1, 7, ask), watches.watch(1, 7, ask), watches.watch(1, 8, ask):
        assert await refused(1) is Code.LIMIT_REACHED
        async with watches.watch(2, 7, ask):
            assert await refused(3) is Code.UNAVAILABLE
    async with watches.watch(1, 7, ask):
        pass
