"""Each carrier under the whole of messaging, hundreds of texts under every fault: what the handsets show is what the ledger says."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from libs.common.contracts.messaging import State, TextsArrived
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from services.messaging.receipts.loop import adopt
from services.simulator.faults import Kind
from tests.carriers.candidates import ANSWER_LIMIT_S, CANDIDATES, WINDOW, Candidate
from tests.carriers.ledger import (
    HANDSETS,
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
SURELY_WITHIN = 80  # hits: of a broken session, not all that was written is one
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
    Weather("sessions_hang", ((Kind.DISCONNECT_FULL_WINDOW, 0.012), (Kind.HALF_OPEN, 0.008)), delay_ms=300),
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
    assert (await done.simulator.stats())["doubles"] == 0
    if not weather.losses:
        assert states[State.REJECTED] + states[State.FAILED] == 0
    if weather.name == "calm":
        assert states[State.DELIVERED] == TEXTS


async def _run(done: Ledger, weather: Weather, candidate: Candidate) -> Counter[State]:
    bench = Bench(candidate, done.simulator)
    strange = "0x0455" if candidate.protocol == "smpp" else "strange"
    kinds = [(kind, chance) for kind, chance in weather.chances if kind not in candidate.not_here]
    seeds = itertools.count(1)
    for kind, chance in kinds:
        when = {"count": chance} if isinstance(chance, int) else {"probability": chance, "seed": _seed(chance, seeds)}
        await bench.fault(kind, **when, delay_ms=weather.delay_ms, reason=strange, retry_after_s=2)
    sent = await done.send(company_of(candidate), TEXTS)
    states = await done.agrees(candidate, sent)
    for kind, _ in kinds:
        assert await bench.fired(kind) > 0, f"{kind} never happened: the run shows nothing of it"
    return states


def _seed(chance: float, seeds: Iterator[int]) -> int:
    """The next under which the fault's dice (faults.py) fall for it early in the run: one that never comes shows nothing."""
    for seed in seeds:
        dice = random.Random(seed)
        if any(dice.random() < chance for _ in range(SURELY_WITHIN)):
            return seed
    raise AssertionError("seeds do not end")


async def test_a_lost_answer_over_smpp_is_settled_by_the_one_receipt_that_can_be_its_own(
    done: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reference is known to nobody, and its number has just one text in doubt."""
    candidate = next(one for one in CANDIDATES if one.protocol == "smpp")
    await done.simulator.begin_anew()
    await Bench(candidate, done.simulator).fault(Kind.NO_ANSWER, count=5)
    sent = await done.send(company_of(candidate), HANDSETS, long=False)
    before = await done.agrees(candidate, sent)
    monkeypatch.setattr("services.messaging.receipts.loop.ORPHANED_AFTER_S", 0.0)  # nothing else is under way

    async def settled() -> bool:
        await adopt(done.process.app)
        return State.IN_DOUBT not in await done.agrees(candidate, sent)

    await eventually(settled)
    assert before == {State.DELIVERED: HANDSETS - 5, State.IN_DOUBT: 5}
    assert await done.agrees(candidate, sent) == {State.DELIVERED: HANDSETS}


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
