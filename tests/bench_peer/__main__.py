"""`make bench-peer`: Heliograph beside Jasmin and Kannel, in one run on this machine, with one simulator and one driver. Nothing is left running.

Owns the order of things and the measuring around each run. What is measured is in jobs.py, what it means in docs/reference/peers.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
import uvloop

from deploy.native.terminal import say
from tests.bench import machine
from tests.bench.fleet import TREE
from tests.bench_peer import report
from tests.bench_peer.heliograph import heliograph
from tests.bench_peer.jasmin import jasmin
from tests.bench_peer.jobs import EMBEDDED, JASMIN, JOBS, KANNEL, MEMORY, QUICK_PART, SMPP, Job, single_texts
from tests.bench_peer.kannel import kannel
from tests.bench_peer.kill import kill
from tests.bench_peer.report import NAMES, Measured, Results
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import System, Unavailable

OUT = TREE / ".heliograph" / "bench-peer"
RUNS = 3
KILLS = 2
KILL = "kill"
KILL_AFTER = {
    SMPP: 4_000,
    EMBEDDED: 4_000,
    JASMIN: 300,
    KANNEL: 2_000,
    MEMORY: 2_000,
}  # texts that have arrived by then
WARM_TEXTS = 400
SYSTEMS = ("heliograph", "jasmin", "kannel")

Opened = Callable[[], AbstractAsyncContextManager[Sequence[System]]]


async def measured(system: System, job: Job, count: int) -> Measured:
    cpu, far, own, busy, begun = (
        system.cpu_s(),
        system.far.cpu_s(),
        time.process_time(),
        machine.busy_s(),
        time.monotonic(),
    )
    run = await job.run(system, count)
    took_s = time.monotonic() - begun
    spent = {name: seconds - cpu.get(name, 0.0) for name, seconds in system.cpu_s().items()}
    driver_s, far_side_s = time.process_time() - own, system.far.cpu_s() - far
    all_ours = spent | {"driver": driver_s, "far side": far_side_s}
    foreign = machine.foreign_percent(machine.busy_s() - busy, all_ours, took_s)
    return Measured(run.values, run.items, spent, driver_s, far_side_s, foreign, run.missing)


async def measure(systems: Sequence[System], options: argparse.Namespace, results: Results) -> None:
    """Each run of a job goes round the systems that run at once. A job that fails costs its own rows only."""
    for system in systems:
        results.promises[system.key] = system.promises
        if system.key != MEMORY:
            await single_texts(16)(system, WARM_TEXTS)
    for job in JOBS:
        if options.only and job.name not in options.only:
            continue
        for system in systems:
            if system.key in job.counts:
                await _runs(system, job, options, results)
    if not options.only or KILL in options.only:
        for system in systems:
            await _kills(system, options, results)


async def _runs(system: System, job: Job, options: argparse.Namespace, results: Results) -> None:
    count = job.count(system.key, options.quick)
    done = results.runs.setdefault(job.name, {}).setdefault(system.key, [])
    try:
        for _ in range(1 if options.quick else options.runs):
            done.append(await measured(system, job, count))
            told = ", ".join(f"{name} {value:,.1f}" for name, value in done[-1].values.items())
            foreign = f"{done[-1].foreign_percent:.0f} % foreign"
            say(f"{NAMES[system.key]}: {job.title}, {count:,}: {told}; CPU {done[-1].cpu_us:,.0f} us each, {foreign}")
    except Exception as failure:
        results.failed.append(f"{job.title}, {NAMES[system.key]}: FAILED, {type(failure).__name__}: {failure}")
        say(results.failed[-1])
    if not done:
        del results.runs[job.name][system.key]


async def _kills(system: System, options: argparse.Namespace, results: Results) -> None:
    after = KILL_AFTER[system.key] // (QUICK_PART if options.quick else 1)
    try:
        for _ in range(1 if options.quick else min(KILLS, options.runs)):
            killed = await kill(system, after)
            results.kills.setdefault(system.key, []).append(killed)
            say(f"{NAMES[system.key]}: {killed}")
    except Exception as failure:
        results.failed.append(f"kill, {NAMES[system.key]}: FAILED, {type(failure).__name__}: {failure}")
        say(results.failed[-1])


def installations(
    sink: Sink, options: argparse.Namespace, described: dict[str, str]
) -> list[tuple[tuple[str, ...], Opened]]:
    """One after the other, so that each has the machine for itself."""

    @asynccontextmanager
    async def alone(opened: AbstractAsyncContextManager[System]) -> AsyncIterator[Sequence[System]]:
        async with opened as system:
            yield [system]

    opened: dict[str, list[tuple[tuple[str, ...], Opened]]] = {
        "heliograph": [((SMPP, EMBEDDED), lambda: heliograph(sink, described))],
        "jasmin": [((JASMIN,), lambda: alone(jasmin(sink, without_nagle=not options.jasmin_with_nagle)))],
        "kannel": [
            ((KANNEL,), lambda: alone(kannel(sink, KANNEL, redis=True))),
            ((MEMORY,), lambda: alone(kannel(sink, MEMORY, redis=False))),
        ],
    }
    return [each for name in options.systems for each in opened[name]]


async def compare(options: argparse.Namespace) -> int:
    results, begun = Results(), time.monotonic()
    described = described_run(options)
    async with Sink().serve() as sink:
        for keys, opened in installations(sink, options, described):
            try:
                async with opened() as systems:
                    await measure(systems, options, results)
            except Unavailable as why:
                results.absent |= dict.fromkeys(keys, str(why))
                say(f"{NAMES[keys[0]]} is not to be had here: {why}")
            except Exception as failure:  # what it has given so far is told, and the others are measured
                results.failed.append(f"{NAMES[keys[0]]}: FAILED, {type(failure).__name__}: {failure}")
                say(results.failed[-1])
    print("\n", *(f"{name}: {value}\n" for name, value in described.items()), sep="")
    print(f"{report.as_text(results)}\n", flush=True)
    report.write(OUT, described, results)
    say(f"written to {OUT.relative_to(TREE)}/report.md and report.json; {time.monotonic() - begun:.0f} s in all")
    return int(bool(results.failed))


def described_run(options: argparse.Namespace) -> dict[str, str]:
    """More of the machine is told by Heliograph's servers, once they run."""
    runs = "1, of fewer texts" if options.quick else str(options.runs)
    nagle = "as published, with Nagle's algorithm" if options.jasmin_with_nagle else "its daemons with TCP_NODELAY"
    asked = {"runs of each": runs, "Jasmin": f"0.11.1, receipts corrected, {nagle}", "Kannel": "as Debian has it"}
    return asked | {"load before": f"{os.getloadavg()[0]:.1f}"}


async def _ending_well(running: Coroutine[Any, Any, int]) -> int:
    """SIGTERM stops what the run has started."""
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench_peer", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*(job.name for job in JOBS), KILL], help="these rows")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--quick", action="store_true", help="one run of each, smaller: to see that it works")
    parser.add_argument("--runs", type=int, default=RUNS, help="of which the median is told; a kill is done twice")
    parser.add_argument(
        "--jasmin-with-nagle",
        action="store_true",
        help="Jasmin as published: each text waits for a delayed TCP acknowledgement",
    )
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    try:
        return uvloop.run(_ending_well(compare(options)))
    except asyncio.CancelledError:
        say("ended by SIGTERM; all that was started is stopped")
        return 1


if __name__ == "__main__":
    sys.exit(main())
