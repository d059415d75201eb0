"""`make bench`: first figures of this machine, each the median of three runs. Takes some minutes; nothing is left running.

Owns the order of things and the measuring around each run. What is measured is in figures.py, what it means in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from tests.bench import carrier_figures, figures, machine, report, text_figures, verification_figures
from tests.bench.figures import Run, World
from tests.bench.fleet import TREE, Fleet, new_fleet
from tests.bench.report import DRIVER, Figure, Measured

OUT = TREE / ".heliograph" / "bench"
RUNS = 3
SETTLE_S = 5.0  # after the start, before idle memory is read
WARM_TEXTS = 300
CLIENTS_MAX = 64


@dataclass(frozen=True)
class Job:
    """`prepare` makes what a run needs and is not measured; what it answers is given to the run. `apart`: no process of the fleet has a part in it."""

    name: str
    title: str
    count: int
    quick_count: int
    run: Callable[..., Awaitable[Run]]
    prepare: Callable[[World, int], Awaitable[object]] | None = None
    apart: bool = False


JOBS = (
    Job("text-1", "SendInstantMessage, 1 client", 500, 200, figures.single_texts(1)),
    Job("text-64", f"SendInstantMessage, {CLIENTS_MAX} clients", 10_000, 2_000, figures.single_texts(CLIENTS_MAX)),
    Job("inbound", "Texts in, given in bulk", 20_000, 5_000, figures.inbound),
    Job("import", "AddMultipleEntries of 100,000", 100_000, 10_000, figures.import_rows),
    Job(
        "campaign",
        "Campaign of 100,000 with receipts",
        100_000,
        10_000,
        figures.campaign,
        prepare=figures.prepare_campaign,
    ),
    Job(
        "smpp",
        "Campaign of 30,000 by SMPP, and by the embedded carrier",
        30_000,
        5_000,
        carrier_figures.carriers,
        prepare=carrier_figures.prepare,
    ),
    Job(
        "verification",
        f"Codes sent and checked, {CLIENTS_MAX} clients",
        5_000,
        1_000,
        verification_figures.send_and_check(CLIENTS_MAX),
    ),
    Job("text", "Encode and segment, one core", 10_000, 1_000, text_figures.encode_and_segment, apart=True),
    Job("far-side", "The simulator's SMPP, one core", 50_000, 10_000, carrier_figures.far_side, apart=True),
)


async def measured(world: World, job: Job, count: int) -> Measured:
    prepared = [await job.prepare(world, count)] if job.prepare else []
    fleet = world.fleet
    cpu, own, busy, begun = fleet.cpu_s(), time.process_time(), machine.busy_s(), time.monotonic()
    run = await job.run(world, count, *prepared)
    took_s = time.monotonic() - begun
    spent = {name: seconds - cpu[name] for name, seconds in fleet.cpu_s().items()}
    spent |= {DRIVER: time.process_time() - own} | run.spent_s
    foreign = machine.foreign_percent(machine.busy_s() - busy, spent, took_s)
    return Measured(run.values, 0 if job.apart else run.items, spent, foreign, os.getloadavg()[0])


def start_up(fleet: Fleet, runs: int) -> Figure:
    """The last one started is left running."""
    figure = Figure("start", "Start of all services")
    for n in range(runs):
        if n:
            fleet.stop_services()
        figure.runs.append(Measured({"seconds until the last is ready": fleet.start()}, load=os.getloadavg()[0]))
    return figure


async def memory(fleet: Fleet) -> Figure:
    await asyncio.sleep(SETTLE_S)
    share = fleet.pss_mb()
    values = {f"{name}, MB": mb for name, mb in share.items()}
    return Figure("memory", "Memory, idle (PSS)", [Measured(values | {"all together, MB": sum(share.values())})])


async def bench(options: argparse.Namespace) -> None:
    jobs = [job for job in JOBS if not options.only or job.name in options.only]
    runs = 1 if options.quick else options.runs
    fleet = await new_fleet()
    try:
        described = machine.describe(fleet.infra)
        print("\n".join(f"{name}: {value}" for name, value in described.items()), flush=True)
        done = [start_up(fleet, runs), await memory(fleet)]
        print(f"\n{report.as_text(done)}", flush=True)
        async with figures.world_of(fleet) as world:
            await figures.single_texts(CLIENTS_MAX)(world, WARM_TEXTS)
            for job in jobs:
                count = job.quick_count if options.quick else job.count
                figure = Figure(job.name, job.title.replace(f"{job.count:,}", f"{count:,}"))
                for _ in range(runs):
                    figure.runs.append(await measured(world, job, count))
                done.append(figure)
                print(report.as_text([figure]), flush=True)
        if len(jobs) == len(JOBS) and not options.quick:
            report.write(OUT, described, done)
            print(f"written to {OUT.relative_to(TREE)}/report.md and report.json", flush=True)
        if options.keep:
            await asyncio.to_thread(input, f"kept until Enter: {fleet.layout.home}, {fleet.port.by_name}")
    finally:
        fleet.stop_services()
        fleet.infra.stop()
        shutil.rmtree(fleet.layout.tree)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[job.name for job in JOBS],
        help="these figures, and what costs nothing; only printed",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one run of each, smaller: to see that it works; only printed"
    )
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--keep", action="store_true", help="leave all running at the end, to look at it, until Enter")
    uvloop.run(bench(parser.parse_args()))


if __name__ == "__main__":
    main()
