"""Caps: what goes out in a second by one carrier, or under one sender by whatever carrier, in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from libs.common.contracts.messaging import State
from libs.common.contracts.routing import SetSenderCap
from tests.harness import eventually
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, CABLE, LONG, Operated

CAP = 10.0
BURST = CAP  # what was not used for a second is kept
ONE_TEXT_MORE = 3  # the last text before the debt may be long


async def all_delivered(operated: Operated, texts: int, within_s: float) -> None:
    async def so() -> bool:
        [row] = await operated.rows(
            "SELECT count(*) AS n FROM texts WHERE company_id = $1 AND state = 'delivered'", operated.company
        )
        return int(row["n"]) == texts

    await eventually(so, within_s)


async def parts_taken(operated: Operated, of: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[float]:
    """When the far side took each part, by its own clock."""
    return sorted(entry["at"] for entry in await operated.simulator.log() if entry["outcome"] == "taken" and of(entry))


def holds(times: list[float], cap: float, window_s: float) -> bool:
    """In no window of that length more than the cap allows, with its burst."""
    most = cap * window_s + BURST + ONE_TEXT_MORE
    return all(sum(begin <= at < begin + window_s for at in times) <= most for begin in times)


async def test_a_carriers_cap_is_kept_in_parts_over_all_lanes_and_is_used(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.set(BEACON, parts_per_s=CAP)
    texts = [operated.send(number(300 + n % 50), f"{n} {LONG}" if n % 2 else f"Text {n}") for n in range(30)]
    await asyncio.gather(*texts)
    await all_delivered(operated, 30, within_s=30)

    times = await parts_taken(operated)
    assert len(times) == 15 + 15 * 3
    for window_s in (1.0, 2.0, 3.0):
        assert holds(times, CAP, window_s), window_s
    took_s = times[-1] - times[0]
    assert took_s >= (60 - BURST - ONE_TEXT_MORE) / CAP
    assert took_s < 2.5 * 60 / CAP, "it is a cap, and no brake"


async def test_a_senders_cap_counts_by_whatever_carrier_and_leaves_others_alone(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.route(CABLE)
    await operated.console.ask(SetSenderCap(sender="HELIOGRAPH", parts_per_s=CAP))
    await operated.seen()
    texts = [operated.send(number(350 + n), f"Text {n}", sender="Heliograph") for n in range(40)]
    texts += [operated.send(number(350 + n), f"Text {n}", sender="82830") for n in range(40)]
    await asyncio.gather(*texts)
    await all_delivered(operated, 80, within_s=30)

    slow = await parts_taken(operated, lambda entry: entry["from"] == "Heliograph")
    others = await parts_taken(operated, lambda entry: entry["from"] == "82830")
    assert (len(slow), len(others)) == (40, 40)
    for window_s in (1.0, 2.0):
        assert holds(slow, CAP, window_s), window_s
    assert others[-1] < slow[-1] - 1, "they did not wait for the capped ones"


@pytest.mark.parametrize("cap", [0.5, 1.0])
async def test_a_cap_below_one_part_a_second_still_lets_texts_out(operated: Operated, cap: float) -> None:
    await operated.route(BEACON)
    await operated.set(BEACON, parts_per_s=cap)
    ids = [await operated.send(number(390 + n)) for n in range(3)]
    for id_ in ids:
        await operated.messaging.becomes(id_, State.DELIVERED, within_s=20)
    times = await parts_taken(operated)
    assert times[-1] - times[0] >= 2 / cap - 1.5


async def test_a_cap_that_is_lifted_is_felt_at_once(operated: Operated) -> None:
    await operated.route(BEACON)
    await operated.set(BEACON, parts_per_s=0.01)
    ids = [await operated.send(number(395 + n)) for n in range(3)]
    await operated.messaging.becomes(ids[0], State.DELIVERED)
    assert await operated.messaging.state_of(ids[2]) == State.QUEUED
    await operated.set(BEACON, parts_per_s=0)
    for id_ in ids:
        await operated.messaging.becomes(id_, State.DELIVERED)
