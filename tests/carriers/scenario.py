"""A scenario runs for all candidates at once, under its faults; what came of each candidate is a test of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from services.simulator.faults import Kind
from tests.carriers.candidates import CANDIDATES, Candidate
from tests.carriers.line import Bench
from tests.integration.simulator.process import SimulatorProcess

LIMIT_S = 60.0

Scenario = Callable[..., Awaitable[None]]


def every_carrier(cases: Sequence[Any] = ("",)) -> Callable[[Scenario], Any]:
    """`cases`: what the scenario is run with, one after the other; a Kind that a candidate cannot have leaves that candidate out."""

    def decorated(scenario: Scenario) -> Any:
        ran: dict[Any, dict[str, asyncio.Task[None]]] = {}

        @pytest.mark.parametrize(
            ("case", "candidate"),
            [(case, one) for case in cases for one in _having(case)],
            ids=lambda value: value.name if isinstance(value, Candidate) else str(value),
        )
        async def test(case: Any, candidate: Candidate, simulator: SimulatorProcess) -> None:
            if case not in ran:
                await simulator.begin_anew()
                given = (case,) if case != "" else ()
                ran[case] = {
                    one.name: asyncio.create_task(_run(scenario, Bench(one, simulator), *given))
                    for one in _having(case)
                }
                await asyncio.wait(ran[case].values(), timeout=LIMIT_S)
            await ran[case][candidate.name]

        test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
        return test

    return decorated


def _having(case: Any) -> list[Candidate]:
    return [one for one in CANDIDATES if not (isinstance(case, Kind) and case in one.not_here)]


async def _run(scenario: Scenario, bench: Bench, *case: Any) -> None:
    await scenario(bench, *case)
