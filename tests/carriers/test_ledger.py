"""Each carrier under the whole of messaging, hundreds of texts under every fault: what the handsets show is what the ledger says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest

from libs.common.contracts.messaging import State, TextsArrived
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from services.simulator.faults import Kind
from tests.carriers.candidates import ANSWER_LIMIT_S, CANDIDATES, WINDOW, Candidate
from tests.carriers.ledger import (
    LONG,
    LONG_GSM,
    Ledger,
    company_of,
    ledger,
)
from tests.carriers.line import NUMBERS, Bench
from tests.harness import eventually, heard
from tests.infra import Infra
from tests.integration.simulator.process import SimulatorProcess

TEXTS = 200
LATE_MS = int(ANSWER_LIMIT_S * 1000) + 500


@dataclass(frozen=True)
class Weather:
    """Faults that come together, each by its own chance."""

    name: str
    chances: tuple[tuple[Kind, float | int], ...]  # a whole number: so many of the first
    delay_ms: int = LATE_MS
    losses: bool = False  # some may be refused for good

    def __str__(self) -> str:
        return self.name


WEATHERS = (
    Weather("calm", ()),
    Weather(
        "answers_lost",
        ((Kind.NO_ANSWER, 0.02), (Kind.LATE_ANSWER, 0.02), (Kind.WRONG_SEQUENCE, 0.02), (Kind.EMPTY_ID, 0.02)),
    ),
    Weather(
        "sessions_broken",
        (
            (Kind.DISCONNECT, 0.012),
            (Kind.ANSWER_AFTER_DISCONNECT, 0.012),
            (Kind.GARBAGE, 0.012),
            (Kind.OVERSIZE, 0.012),
            (Kind.UNKNOWN_COMMAND, 0.012),
            (Kind.MALFORMED, 0.012),
        ),
    ),
    Weather("full_window", ((Kind.DISCONNECT_FULL_WINDOW, 0.015),), delay_ms=300),
    Weather("half_open", ((Kind.HALF_OPEN, 0.008),)),
    Weather(
        "receipts",
        (
            (Kind.RECEIPT_BEFORE_ANSWER, 0.05),
            (Kind.RECEIPT_TWICE, 0.1),
            (Kind.RECEIPT_OUT_OF_ORDER, 0.1),
            (Kind.RECEIPT_NEVER, 0.05),
        ),
        delay_ms=400,
    ),
    Weather(
        "refusals",
        ((Kind.THROTTLE, 2), (Kind.QUEUE_FULL, 2), (Kind.REFUSE, 0.03), (Kind.GENERIC_NACK, 0.03)),
        losses=True,
    ),
)


@pytest.fixture(scope="module")
async def done(infra: Infra, simulator: SimulatorProcess) -> AsyncIterator[Ledger]:
    embedded = partial(EmbeddedCarrier, window=WINDOW, answer_limit_s=ANSWER_LIMIT_S)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.messaging.connections.loop.EmbeddedCarrier", embedded)
        async with ledger(infra, simulator) as running:
            yield running


RAN: dict[Weather, dict[str, asyncio.Task[Counter[State]]]] = {}


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda one: one.name)
@pytest.mark.parametrize("weather", WEATHERS, ids=str)
async def test_what_the_handsets_show_is_what_the_ledger_says(
    done: Ledger, weather: Weather, candidate: Candidate
) -> None:
    """All carriers at once, each with its own company, faults and handsets."""
    if weather not in RAN:
        await done.simulator.begin_anew()
        RAN[weather] = {one.name: asyncio.create_task(_run(done, weather, one)) for one in CANDIDATES}
        await asyncio.wait(RAN[weather].values())

    states = await RAN[weather][candidate.name]

    print(f"{candidate.name} in {weather}: {dict(states)}")
    assert sum(states.values()) == TEXTS
    if not weather.losses:
        assert states[State.REJECTED] + states[State.FAILED] == 0
    if weather.name == "calm":
        assert states[State.DELIVERED] == TEXTS


async def _run(done: Ledger, weather: Weather, candidate: Candidate) -> Counter[State]:
    bench = Bench(candidate, done.simulator)
    strange = "0x0455" if candidate.protocol == "smpp" else "strange"
    kinds = [(kind, chance) for kind, chance in weather.chances if kind not in candidate.not_here]
    for seed, (kind, chance) in enumerate(kinds):
        when = {"count": chance} if isinstance(chance, int) else {"probability": chance, "seed": seed}
        await bench.fault(kind, **when, delay_ms=weather.delay_ms, reason=strange, retry_after_s=2)
    sent = await done.send(company_of(candidate), TEXTS)
    states = await done.agrees(candidate, sent)
    for kind, _ in kinds:
        assert await bench.fired(kind) > 0, f"{kind} never happened: the run shows nothing of it"
    return states


async def test_texts_from_handsets_are_announced_whole_however_they_come(done: Ledger, infra: Infra) -> None:
    await done.simulator.begin_anew()
    expected: set[tuple[str, str]] = set()
    async with heard(infra, TextsArrived) as events:
        for candidate in CANDIDATES:
            bench = Bench(candidate, done.simulator)
            for kind in (Kind.DUPLICATE_TEXT, Kind.PARTS_SHUFFLED, Kind.PART_TWICE):
                if kind not in candidate.not_here:
                    await bench.fault(kind, every=3, seed=1)
            for n in range(30):
                number = f"+44792{next(NUMBERS):07d}"
                body = f"{candidate.name} {n} {('', LONG, LONG_GSM)[n % 3]}".strip()
                await bench.text_in(number, body)
                expected.add((number, body))

        def came() -> set[tuple[str, str]]:
            return {(text.number, text.body) for event in events for text in event.items}  # type: ignore[attr-defined]

        async def all_came() -> bool:
            return came() >= expected

        await eventually(all_came, 15)
    assert came() == expected
