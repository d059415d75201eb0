"""What is done to each system, and from when to when it counts; docs/reference/peers.md says what each figure means. The same code for all of them.

Each function does one run and answers its values. Own nothing: the system and the driver are given.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.bench.machine import quantile
from tests.bench_peer.driver import Answered, Load
from tests.bench_peer.far_side import RECEIPT_AFTER_S, until_all
from tests.bench_peer.systems import System, Webhooks


@dataclass
class Run:
    """`items`: what CPU seconds are divided by. `missing`: what did not come within the system's patience: the rates are of what came."""

    items: int
    values: dict[str, float] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True)
class Job:
    """`counts`: of a run, by system: each as many as take it some 5 to 20 s. `row`: which promise it counts."""

    name: str
    title: str
    row: str
    counts: Mapping[str, int]
    run: Callable[[System, int], Awaitable[Run]]

    def count(self, key: str, quick: bool) -> int:
        return self.counts[key] // (QUICK_PART if quick else 1)


QUICK_PART = 4


def single_texts(clients: int) -> Callable[[System, int], Awaitable[Run]]:
    async def run(system: System, count: int) -> Run:
        answered, arrived = await _offered(system, count, clients, receipts=False)
        await system.quiet()
        return Run(count, _of_answers(answered, arrived, system.far.last_at), count - arrived)

    return run


async def receipts(system: System, count: int) -> Run:
    """From the first request, without the time that the network waits before a receipt, to the last receipt."""
    await system.receipts_begin()
    answered, arrived = await _offered(system, count, 16, receipts=True)
    handled, last_at = await system.receipts_handled(count)
    await system.quiet()
    values = _of_answers(answered, arrived, system.far.last_at)
    values = {"receipts handled a second": handled / (last_at - answered.begun_at - RECEIPT_AFTER_S)} | values
    return Run(count, values, count - handled)


async def _offered(system: System, count: int, clients: int, *, receipts: bool) -> tuple[Answered, int]:
    numbers = system.numbers(count)
    requests = [system.request([number], receipts=receipts) for number in numbers]
    system.far.forget()
    answered = await Load(system.port, clients, requests.__getitem__, system.accepts, lambda n: n < count).run()
    answered.all_or_raise()
    return answered, await until_all(system.far.look, count, system.still_s)


def _of_answers(answered: Answered, arrived: int, last_at: float) -> dict[str, float]:
    took_ms = [took * 1000 for took in answered.took_s]
    return {
        "arrived a second": arrived / (last_at - answered.begun_at),
        "answered a second": len(took_ms) / (answered.ended_at - answered.begun_at),
        "to the answer, p50 ms": quantile(took_ms, 50),
        "to the answer, p99 ms": quantile(took_ms, 99),
    }


async def inbound(system: System, count: int) -> Run:
    begun = time.time()
    came, last_at = await system.texts_out(system.numbers(count))
    await system.quiet()
    return Run(count, {"out to a subscriber a second": came / (last_at - begun)}, count - came)


async def webhook(system: System, count: int) -> Run:
    begun = time.time()
    assert isinstance(system, Webhooks)
    came, last_at = await system.webhook_out(system.numbers(count))
    await system.quiet()
    return Run(count, {"out to a subscriber a second": came / (last_at - begun)}, count - came)


async def bulk(system: System, count: int) -> Run:
    run = await system.bulk(count)
    await system.quiet()
    waits = RECEIPT_AFTER_S if run.with_receipts else 0.0
    values = {
        "recipients a second": run.handled / (run.handled_at - run.begun_at - waits),
        "arrived a second": len(system.far.arrived) / (system.far.last_at - run.begun_at),
    }
    return Run(count, values, count - run.handled)


SMPP, EMBEDDED, JASMIN, KANNEL, MEMORY = "smpp", "embedded", "jasmin", "kannel", "kannel-memory"


def _counts(smpp: int, embedded: int, jasmin: int, kannel: int) -> dict[str, int]:
    return {SMPP: smpp, EMBEDDED: embedded, JASMIN: jasmin, KANNEL: kannel}


JOBS = (
    Job("single-1", "Single texts, 1 client", "a 2xx", _counts(500, 500, 1_200, 8_000), single_texts(1)),
    Job("single-16", "Single texts, 16 clients", "a 2xx", _counts(8_000, 8_000, 2_000, 16_000), single_texts(16)),
    Job("single-64", "Single texts, 64 clients", "a 2xx", _counts(10_000, 10_000, 2_000, 16_000), single_texts(64)),
    Job(
        "receipts",
        "Texts with receipts, 16 clients",
        "a receipt",
        _counts(8_000, 8_000, 600, 5_000) | {MEMORY: 5_000},
        receipts,
    ),
    Job("inbound", "Texts in, to a subscriber", "a text in", _counts(20_000, 20_000, 2_500, 10_000), inbound),
    Job("webhook", "Texts in, to a webhook", "a text in", {SMPP: 10_000}, webhook),  # the peers' inbound is that
    Job("bulk", "Bulk, a recipient", "bulk", _counts(30_000, 40_000, 2_500, 40_000), bulk),
)
