"""`make bench`: figures of this machine, each the median of three runs, beside the limits of the parts. About ten minutes; nothing is left running.

Owns the order of things and the measuring around each run. What is measured is in jobs.py, what it means in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import uvloop

from tests.bench import figures, jobs, machine, report
from tests.bench.figures import World
from tests.bench.fleet import TREE, Fleet, new_fleet
from tests.bench.jobs import BESIDE, JOBS, Job
from tests.bench.load import Refused
from tests.bench.report import DRIVER, Figure, Measured

OUT = TREE / ".heliograph" / "bench"
WHOLE, PART = "report", "part"  # what is written: of everything, or of some figures or a quick look
RUNS = 3
SETTLE_S = 5.0  # after the start, before idle memory is read
IDLE_S, IDLE_QUICK_S = 20.0, 3.0
WARM_TEXTS = 300
NOTES = (
    "durable: persistent messages with publisher confirms to quorum queues; PostgreSQL as its settings say; a 2xx answer is committed",
    "each figure: median, lowest and highest of its runs; CPU: user and system time until all is quiet again",
    "postgresql <database>: its backends; postgresql, the rest: WAL, checkpoints, autovacuum",
    "the simulator answers at once and sends each receipt 50 ms later: no real carrier does",
)


@dataclass
class Meter:
    """What each process, the driver and everybody else used since it was made."""

    fleet: Fleet
    begun: float = field(default_factory=time.monotonic)
    own: float = field(default_factory=time.process_time)
    busy: float = field(default_factory=machine.busy_s)
    cpu: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cpu = self.fleet.cpu_s()

    def measured(self, values: dict[str, float], items: int, others: dict[str, float] | None = None) -> Measured:
        """`others`: CPU of processes that are none of the fleet's."""
        took_s = time.monotonic() - self.begun
        spent = {name: seconds - self.cpu.get(name, 0.0) for name, seconds in self.fleet.cpu_s().items()}
        spent |= {DRIVER: time.process_time() - self.own} | (others or {})
        foreign = machine.foreign_percent(machine.busy_s() - self.busy, spent, took_s)
        return Measured(values, items, spent, foreign, os.getloadavg()[0], self.fleet.pss_mb(), took_s)


async def measured(world: World, job: Job, count: int) -> Measured:
    prepared = [await job.prepare(world, count)] if job.prepare else []
    meter = Meter(world.fleet)
    run = await job.run(world, count, *prepared)
    return meter.measured(run.values, 0 if job.apart else run.items, run.spent_s)


def start_up(fleet: Fleet, runs: int) -> Figure:
    """The last one started is left running."""
    figure = Figure("start", "Start of all services, servers up")
    for n in range(runs):
        if n:
            fleet.stop_services()
        figure.runs.append(Measured({"seconds until the last is ready": fleet.start()}, load=os.getloadavg()[0]))
    return figure


async def idle(fleet: Fleet, for_s: float) -> Figure:
    await asyncio.sleep(SETTLE_S)
    meter = Meter(fleet)
    await asyncio.sleep(for_s)
    found = meter.measured({}, 0)
    ours = {name: seconds for name, seconds in found.cpu_s.items() if name in fleet.running}
    of_ours = sum(mb for name, mb in found.pss_mb.items() if name in fleet.running)
    found.values = {
        "services, PSS, MB": of_ours,
        "with PostgreSQL and RabbitMQ, PSS, MB": sum(found.pss_mb.values()),
        "services, % of a core": 100 * sum(ours.values()) / found.took_s,
        "PostgreSQL, % of a core": _percent(found, "postgresql"),
        "RabbitMQ, % of a core": _percent(found, "rabbitmq"),
        **{f"{name}, % of a core": 100 * seconds / found.took_s for name, seconds in ours.items()},
    }
    return Figure("idle", f"Idle, over {for_s:.0f} s", [found])


def _percent(found: Measured, server: str) -> float:
    return 100 * sum(seconds for name, seconds in found.cpu_s.items() if name.startswith(server)) / found.took_s


async def figure_of(world: World, job: Job, options: argparse.Namespace) -> Figure:
    if world.fleet.copies != job.copies:
        await asyncio.to_thread(world.fleet.stop_services)
        await asyncio.to_thread(world.fleet.start, job.copies)
        await figures.single_texts(jobs.CLIENTS_MAX)(world, WARM_TEXTS)
    count = job.quick_count if options.quick else job.count
    title = job.title.replace(f"{job.count:,}", f"{count:,}")
    figure = Figure(job.name, title, [], job.carrier, job.limits, job.is_limit)
    for _ in range(options.runs):
        figure.runs.append(await measured(world, job, count))
    return figure


async def figures_of(world: World, wanted: Sequence[Job], options: argparse.Namespace, done: list[Figure]) -> list[str]:
    """Adds to `done`. One that fails does not take the others along: a sentence for each that did."""
    failed = []
    for job in wanted:
        try:
            done.append(await figure_of(world, job, options))
        except (AssertionError, Refused, OSError, TimeoutError, asyncpg.PostgresError) as error:
            failed.append(f"FAILED: {job.name}: {error or type(error).__name__}")
            print(f"{failed[-1]}\n", flush=True)
        else:
            print(report.as_text(done[-1:], report.parts_of(done)), flush=True)
    return failed


async def bench(options: argparse.Namespace) -> int:
    wanted = jobs.chosen(options.only)
    options.runs = 1 if options.quick else options.runs
    fleet = await new_fleet()
    done: list[Figure] = []
    try:
        done.append(start_up(fleet, options.runs))
        described = machine.describe(fleet.infra)
        print("\n".join(f"{name}: {value}" for name, value in described.items()), flush=True)
        done.append(await idle(fleet, IDLE_QUICK_S if options.quick else IDLE_S))
        print(f"\n{report.as_text(done)}", flush=True)
        async with figures.world_of(fleet) as world:
            await figures.single_texts(jobs.CLIENTS_MAX)(world, WARM_TEXTS)
            failed = await figures_of(world, wanted, options, done)
        print("\n".join(report.beside(done, BESIDE)))
        if options.keep:
            await asyncio.to_thread(input, f"kept until Enter: {fleet.layout.home}, {fleet.port.by_name}")
        name = PART if options.only or options.quick else WHOLE
        report.write(OUT, name, described, done, BESIDE, (*NOTES, *failed))
        print(f"written to {OUT.relative_to(TREE)}/{name}.md and {name}.json", flush=True)
    finally:
        fleet.stop_services()
        fleet.infra.stop()
        shutil.rmtree(fleet.layout.tree)
    return 1 if failed else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=sorted({job.name for job in JOBS} | {job.group for job in JOBS if job.group}),
        help=f"these figures, with the limits they are told against and what costs nothing; written to {PART}.md, never over the whole report",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"one run of each, smaller: to see that it works; {PART}.md"
    )
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--keep", action="store_true", help="leave all running at the end, to look at it, until Enter")
    sys.exit(uvloop.run(bench(parser.parse_args())))


if __name__ == "__main__":
    main()
