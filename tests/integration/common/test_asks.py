"""Asks and answers: folded, each item by itself, done once however often they are asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from libs.common import telemetry
from libs.common.bus import Unanswered, ask
from libs.common.bus.ask import READS_MAX
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import ReadRecipients
from libs.common.ids import uuid7
from tests.harness import client, eventually, grant, heard
from tests.infra import Infra
from tests.integration.common.conftest import GRANT, Toy
from tests.integration.common.toy import Count, Counted, CountMany, HowOften, HowOftenInJson


def folds(kind: str) -> float:
    return float(telemetry.FOLD_ITEMS.labels(kind)._sum.get()), sum(
        b.get() for b in telemetry.FOLD_ITEMS.labels(kind)._buckets
    )  # type: ignore[return-value]


async def test_asks_that_wait_together_travel_together(toy: Toy) -> None:
    items_before, folds_before = folds("phonelist.CountMany")  # type: ignore[misc]
    answers = await asyncio.gather(*(toy.gateway.ask(CountMany(what="together"), GRANT) for _ in range(300)))
    items, count = folds("phonelist.CountMany")  # type: ignore[misc]

    assert set(range(1, 301)) == {answer.times for answer in answers}
    assert items - items_before == 300
    assert count - folds_before < 30


async def test_those_who_ask_again_once_they_are_answered_travel_together(toy: Toy) -> None:
    """They would take turns in two halves: one asks while the other is answered."""
    rounds, clients = 20, 20

    async def client_() -> None:
        for _ in range(rounds):
            await toy.gateway.ask(CountMany(what="again"), GRANT)
            for _ in range(20):  # of the loop: its answer is written out and read before it asks again
                await asyncio.sleep(0)

    items_before, folds_before = folds("phonelist.CountMany")  # type: ignore[misc]
    await asyncio.gather(*(client_() for _ in range(clients)))
    items, count = folds("phonelist.CountMany")  # type: ignore[misc]

    assert items - items_before == rounds * clients
    assert count - folds_before < 1.5 * rounds


async def test_reads_that_wait_together_travel_in_small_folds(toy: Toy) -> None:
    """So that some are read while the answers to others are written out."""
    items_before, folds_before = folds("phonelist.HowOften")  # type: ignore[misc]
    await asyncio.gather(*(toy.gateway.ask(HowOften(what="x"), GRANT) for _ in range(10 * READS_MAX)))
    items, count = folds("phonelist.HowOften")  # type: ignore[misc]

    assert items - items_before == 10 * READS_MAX
    assert 10 <= count - folds_before <= 20


@pytest.mark.parametrize("fault", [None, ConnectionError("as asked")])
async def test_an_ask_that_was_lost_is_asked_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    bus, published = toy.gateway.bus, 0
    publish = bus.publish_light

    async def lose_the_first(*message: Any) -> None:
        nonlocal published
        published += 1
        if published > 1:
            await publish(*message)
        elif fault is not None:
            raise fault

    monkeypatch.setattr(bus, "publish_light", lose_the_first)
    monkeypatch.setattr(ask, "ASK_AGAIN_S", 0.2)
    what = f"lost: {fault}"
    assert (await toy.gateway.ask(Count(what=what), GRANT)).times == 1
    assert published == 2
    assert await toy.times(what) == 1


async def test_an_answer_may_be_made_and_taken_as_json(toy: Toy) -> None:
    await toy.gateway.ask(Count(what="in json"), GRANT)

    assert (await toy.gateway.ask(HowOftenInJson(what="in json"), GRANT)).times == 1
    assert await toy.gateway.asker.ask_json(HowOftenInJson(what="in json"), GRANT) == {"times": 1}
    assert await toy.gateway.asker.ask_json(HowOften(what="in json"), GRANT) == {"times": 1}
    assert await toy.gateway.refused(HowOftenInJson(what="refused"), GRANT) == Code.WRONG_STATE


async def test_a_bad_item_refuses_only_itself_and_undoes_only_itself(toy: Toy) -> None:
    whats = ["good 1", "refused", "good 2", "broken", "good 3"]
    answers = await asyncio.gather(*(toy.gateway.ask(Count(what=w), GRANT) for w in whats), return_exceptions=True)

    assert [
        a.code if isinstance(a, Refusal) else a.times
        for a in answers  # type: ignore[union-attr]
    ] == [1, Code.WRONG_STATE, 1, Code.UNAVAILABLE, 1]
    assert [await toy.times("refused"), await toy.times("broken")] == [0, 0]


async def test_the_same_id_again_gets_the_same_answer_and_changes_nothing(toy: Toy, infra: Infra) -> None:
    id_ = uuid7()
    async with heard(infra, Counted) as events:
        first = await toy.gateway.ask(Count(what="once"), GRANT, id_)
        async with client(infra, "gateway") as another:
            again = await asyncio.gather(
                *(another.ask(Count(what="once"), GRANT, id_) for _ in range(3)), return_exceptions=True
            )
        await toy.gateway.ask(Count(what="last"), GRANT)

        async def last() -> bool:
            return any(event.what == "last" for event in events)  # type: ignore[attr-defined]

        await eventually(last)

    assert {first.times} == {a.times for a in again if not isinstance(a, BaseException)}
    assert await toy.times("once") == 1
    assert sum(event.what == "once" for event in events) == 1  # type: ignore[attr-defined]


async def test_what_is_too_late_is_undone(toy: Toy) -> None:
    with pytest.raises((Unanswered, Refusal)):
        await toy.gateway.asker.ask(Count(what="slow"), GRANT, deadline_s=0.5)

    async def settled() -> bool:
        await toy.gateway.ask(Count(what="after slow"), GRANT)
        return True

    await eventually(settled)
    assert await toy.times("slow") == 0


async def test_what_nobody_answers_ends_at_its_deadline_with_its_id(toy: Toy) -> None:
    id_, began = uuid7(), time.monotonic()
    with pytest.raises(Unanswered) as unanswered:
        # The toy is no phonelist: its queue of bulk asks is nobody's.
        await toy.gateway.asker.ask(ReadRecipients(company_id=1, list_id=1), "", id_, deadline_s=1.0)

    assert id_ == unanswered.value.id
    assert time.monotonic() - began < 3


async def test_an_ask_that_makes_no_sense_is_refused_without_repeating_its_values(toy: Toy) -> None:
    broken = Count.model_construct(what=["secret"])  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refusal:
        await toy.gateway.ask(broken, GRANT)

    assert Code.INVALID_REQUEST is refusal.value.code
    assert "secret" not in refusal.value.detail


async def test_who_asks_is_proven_by_the_grant_or_by_the_broker(toy: Toy, infra: Infra) -> None:
    late = grant(1, user_id=2)[:-10]
    assert await toy.gateway.refused(HowOften(what="x"), late) == Code.SESSION_EXPIRED
    assert await toy.gateway.refused(HowOften(what="x")) == Code.SESSION_EXPIRED
    async with client(infra, "campaign") as campaign:  # a service by itself is no user of a company
        assert await campaign.refused(HowOften(what="x")) == Code.PERMISSION_DENIED
