"""On all services and the simulator: a campaign whose errors burst is paused by itself and goes on when it is resumed; what comes back of one is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness import eventually
from tests.integration.gateway.test_v2 import call
from tests.integration.gateway.test_v2_campaigns import a_list, launched, linked, progress, until
from tests.platform import Platform

BURST_S = 3.0
GOOD, BAD = 300, 3_000
PER_MINUTE = 24_000  # so that some wait when it bursts


@pytest.fixture
async def handsets(world: Platform) -> AsyncIterator[Platform]:
    yield world
    (await world.simulator.control.delete("/handsets/behaviour")).raise_for_status()


async def behave(world: Platform, prefix: str, **how: Any) -> None:
    order = [{"number_prefix": prefix, **how}]
    (await world.simulator.control.post("/handsets/behaviour", json=order)).raise_for_status()


async def test_a_burst_of_errors_pauses_a_campaign_and_when_resumed_everybody_else_gets_it_once(
    handsets: Platform,
) -> None:
    world = handsets
    await behave(world, "+4477121", receipt="failed", error="call_barred", delay_ms=700)
    good = [{"phone_number": f"+4477120{n:05d}"} for n in range(GOOD)]
    bad = [{"phone_number": f"+4477121{n:05d}"} for n in range(BAD)]
    campaign_id = await linked(world, *good, per_minute=PER_MINUTE)
    for first in range(0, BAD, 500):
        link = {"list_id": await a_list(world, *bad[first : first + 500])}
        assert (await call(world, "POST", f"/campaigns/{campaign_id}/lists", json=link)).status_code == 201
    await launched(world, campaign_id)

    async def bursting() -> bool:
        told = await progress(world, campaign_id)
        return bool(told["ended"].get("failed", 0) >= 250)

    await eventually(bursting, within_s=20)
    burst_at = time.monotonic()
    paused = await until(world, campaign_id, "paused")
    took_s = time.monotonic() - burst_at

    assert took_s < BURST_S
    assert paused["why"].startswith("paused by itself: ")
    assert paused["why"].endswith(" of the last 500 failed, most with call_barred")

    async def nothing_can_arrive() -> bool:
        halted = await call(world, "POST", f"/campaigns/{campaign_id}/pause")
        return bool(halted.json()["can_still_arrive"] == 0)

    await eventually(nothing_can_arrive)
    submits = (await world.simulator.stats())["submits"]
    held = await progress(world, campaign_id)
    assert sum(held["ended"].values()) == submits < GOOD + BAD

    (await world.simulator.control.delete("/handsets/behaviour")).raise_for_status()
    assert (await call(world, "POST", f"/campaigns/{campaign_id}/resume")).status_code < 300
    finished = await until(world, campaign_id, "finished")

    assert finished["why"] == ""
    assert sum(finished["ended"].values()) == GOOD + BAD
    stats = await world.simulator.stats()
    assert (stats["submits"], stats["doubles"]) == (GOOD + BAD, 0)


async def test_texts_that_come_back_and_opt_outs_are_told_in_the_report(handsets: Platform) -> None:
    world = handsets
    await behave(world, "+447712200001", reply="Thank you")
    campaign_id = await linked(world, *({"phone_number": f"+44771220000{n}"} for n in range(3)))
    await launched(world, campaign_id)
    await until(world, campaign_id, "finished")
    stop = {"to": "82830", "text": "STOP"}
    (await world.simulator.control.post("/handsets/+447712200002/messages", json=stop)).raise_for_status()

    async def told() -> dict[str, Any]:
        report: dict[str, Any] = (await call(world, "GET", f"/campaigns/{campaign_id}/report")).json()
        return report if (report["replies"], report["opt_outs"]) == (2, 1) else {}

    report = await eventually(told)
    rows = (await call(world, "GET", f"/campaigns/{campaign_id}/recipients")).json()["items"]

    assert report["parts"] == 3
    assert 0 < report["delivery"]["p50_s"] <= report["delivery"]["max_s"] < 10
    assert {row["number"]: (row["replied"], row["opted_out"]) for row in rows} == {
        "+447712200000": (False, False),
        "+447712200001": (True, False),
        "+447712200002": (True, True),
    }
    assert [row["parts"] for row in rows] == [1, 1, 1]
    assert all(row["took_ms"] >= 0 for row in rows)
