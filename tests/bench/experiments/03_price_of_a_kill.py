"""Experiment 3: what twenty kills of a worker cost, by the size of a claim, with and without a note of what is about to be written.

Starts a private durable PostgreSQL, RabbitMQ and the simulator, hands a campaign to messaging as campaign would, kills the one worker again and
again (kill -9 by the simulator's count of submits and a random moment more, or at a crash point) and starts the next at once. Compares the
simulator's log with the ledger when all is quiet. Owns everything it starts.
Run: python -m tests.bench.experiments.03_price_of_a_kill --help. What came of it: docs/decisions/0003-price-of-a-kill.md
"""

import argparse
import asyncio
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.db import migrator
from libs.common.ids import uuid7
from tests.bench.experiments.kill_worker import NOTE_TABLE
from tests.harness import PUBLIC_KEY, VERIFICATION_KEY, Client, client
from tests.infra import Infra, start_infra
from tests.integration.simulator.process import SimulatorProcess, simulator_process

READY_LIMIT_S = 60.0
QUIET_LIMIT_S = 120.0
MOMENT_S = 0.15  # a kill comes up to so long after its count: a claim's whole round takes a third of it
POINT_HITS = (4, 12)  # of a crash point, before it kills
BODY = "Our summer sale starts tomorrow at nine. Reply STOP to end."
BATCH = 500
LANE_WORKERS = 2  # loops of the bulk lane in one process, each with a claim of its own


@dataclass
class Death:
    """`held`: the texts in the dead worker's claims, by its bind."""

    worker: str
    held: list[str]


@dataclass
class Run:
    infra: Infra
    simulator: SimulatorProcess
    dsn: str
    claim_max: int
    note: str
    point: str
    folder: Path
    deaths: list[Death] = field(default_factory=list)
    lives: int = 0
    worker: asyncio.subprocess.Process = field(init=False)

    async def start_worker(self) -> None:
        """Returns once it is ready."""
        self.lives += 1
        log = self.folder / f"worker-{self.lives}.log"
        told = {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "HELIOGRAPH_MODE": "development",
            "HELIOGRAPH_DATABASE_URL": self.dsn,
            "HELIOGRAPH_BROKER_URL": self.infra.broker_url("messaging"),
            "HELIOGRAPH_GRANT_PUBLIC_KEY": PUBLIC_KEY,
            "HELIOGRAPH_VERIFICATION_KEY": VERIFICATION_KEY,
            "HELIOGRAPH_SIMULATOR_URL": f"tcp://127.0.0.1:{self.simulator.carrier_port}",
        }
        if self.point:
            told["HELIOGRAPH_CRASH_AT"] = f"{self.point}:{random.randint(*POINT_HITS)}"
        command = [sys.executable, "-m", "tests.bench.experiments.kill_worker", str(self.claim_max), self.note]
        with log.open("wb") as output:
            self.worker = await asyncio.create_subprocess_exec(
                *command, str(self.folder), env=told, stdout=output, stderr=output
            )
        await until(lambda: self.worker.returncode is not None or b'"event":"ready"' in log.read_bytes(), READY_LIMIT_S)
        assert self.worker.returncode in (None, 137), log.read_text()[-2000:]

    def said(self) -> list[dict[str, Any]]:
        """What the workers' logs say of claims of dead ones."""
        lines = [line for path in self.folder.glob("worker-*.log") for line in path.read_bytes().splitlines()]
        return [json.loads(line) for line in lines if b'"claim_abandoned"' in line]


async def until(condition: Any, limit_s: float) -> None:
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "not within the limit"
        await asyncio.sleep(0.003)


class Counted:
    """How many submits are in the simulator's log, without asking the simulator."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.submits = 0

    def now(self) -> int:
        self.submits += self._file.read().count(b"\n")
        return self.submits


async def publish(campaign: Client, texts: int) -> None:
    """The windows of one campaign, ten on their way at once."""
    for first in range(0, texts, BATCH * 10):
        events = []
        for start in range(first, min(first + BATCH * 10, texts), BATCH):
            items = [
                Recipient(id=uuid7(), position=n, number=f"+447{400_000_000 + n}")
                for n in range(start, min(start + BATCH, texts))
            ]
            events.append(RecipientsHandedOver(company_id=1, campaign_id=1, sender="82830", body=BODY, items=items))
        await asyncio.gather(*(campaign.publish(event) for event in events))


SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
HELD = """
SELECT c.worker, array_agg(o.id::text) FILTER (WHERE o.state = 'submitting') AS held
FROM claims c LEFT JOIN open_texts o ON o.claim_id = c.id GROUP BY c.worker
"""


async def write_down(run: Run, ledger: asyncpg.Connection) -> None:
    """What the dead worker leaves, once its last transactions have ended either way. Others' claims may be there too."""
    while await ledger.fetchval(SESSIONS):
        await asyncio.sleep(0.002)
    known = {death.worker for death in run.deaths}
    new = [row for row in await ledger.fetch(HELD) if row["worker"] not in known]
    run.deaths += [Death(row["worker"], row["held"] or []) for row in new] or [Death("", [])]


async def kill_and_restart(run: Run, ledger: asyncpg.Connection, texts: int, kills: int) -> float:
    """Through all lives until every text was submitted or is in doubt. Answers the seconds in which no worker was up."""
    submitted, down_s = Counted(run.simulator.log_path), 0.0
    apart = (texts - kills * LANE_WORKERS * run.claim_max) // (kills + 1)  # what stays in doubt is never submitted
    assert apart > 0, "too few texts for so many kills"
    async with client(run.infra, "campaign") as campaign, asyncio.TaskGroup() as tasks:
        await run.start_worker()
        tasks.create_task(publish(campaign, texts))
        try:
            for n in range(1, kills + 1):
                if not run.point:
                    await until(lambda n=n: submitted.now() >= n * apart, QUIET_LIMIT_S)
                    await asyncio.sleep(random.uniform(0, MOMENT_S))
                    run.worker.kill()
                await run.worker.wait()
                died = time.monotonic()
                await write_down(run, ledger)
                run.point = run.point if n < kills else ""
                await run.start_worker()
                down_s += time.monotonic() - died
            await quiet(ledger, texts)
        finally:
            run.worker.kill()
            await run.worker.wait()
    return down_s


async def quiet(ledger: asyncpg.Connection, texts: int) -> None:
    """All texts are in the ledger, none of them is queued or claimed, and every receipt that will come is in."""
    give_up, before = time.monotonic() + QUIET_LIMIT_S, None
    while True:
        rows = await ledger.fetch("SELECT state, count(*) AS texts FROM open_texts GROUP BY state")
        states = {row["state"]: row["texts"] for row in rows}
        whole = sum(states.values()) + await ledger.fetchval("SELECT count(*) FROM texts") == texts
        if whole and states.keys() <= {"in_doubt"} and not await ledger.fetchval("SELECT count(*) FROM claims"):
            if states == before:
                return
            before = states
        assert time.monotonic() < give_up, f"not quiet: {states}"
        await asyncio.sleep(0.5)


async def measure(infra: Infra, options: argparse.Namespace, claim_max: int, note: str) -> dict[str, Any]:
    async with ledger_and_simulator(infra) as (dsn, ledger, simulator, folder):
        run = Run(infra, simulator, dsn, claim_max, note, options.at, folder)
        usage, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        down_s = await kill_and_restart(run, ledger, options.texts, options.kills)
        took_s, used = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        entries = await simulator.log()
        ends = {row["id"]: row["state"] for row in await ledger.fetch("SELECT id::text, state FROM texts")}
        in_doubt = {row["id"] for row in await ledger.fetch("SELECT id::text FROM open_texts WHERE state = 'in_doubt'")}
        said = run.said()
    at = [entry["at"] for entry in entries]
    copies = Counter(entry["own_ref"] for entry in entries)
    by_worker = {(entry["bind"], entry["own_ref"]) for entry in entries}
    held = [len(death.held) for death in run.deaths] or [0]
    unwritten = [sum((death.worker, id_) not in by_worker for id_ in death.held) for death in run.deaths] or [0]
    marked = [abandoned["in_doubt"] for abandoned in said]
    cpu_s = used.ru_utime + used.ru_stime - usage.ru_utime - usage.ru_stime
    return {
        "claim": claim_max,
        "note": note,
        "at": options.at or "any moment",
        "texts": options.texts,
        "kills": len(run.deaths),
        "doubles": sum(count - 1 for count in copies.values()),
        "lost": options.texts - len(ends) - len(in_doubt),
        "delivered_without_submit": sum(id_ not in copies for id_, state in ends.items() if state == "delivered"),
        "unknown_at_death": {"median": median(held), "max": max(held)},
        "of_it_never_written": {"median": median(unwritten), "max": max(unwritten), "sum": sum(unwritten)},
        "marked_in_doubt": {"max_a_claim": max(marked, default=0), "sum": sum(marked)},
        "queued_again": sum(abandoned.get("again", 0) for abandoned in said),
        "in_doubt_at_end": len(in_doubt),
        "in_doubt_though_written": len(in_doubt & copies.keys()),
        "per_s": round(len(entries) / (max(at) - min(at))),
        "per_s_while_up": round(len(entries) / (max(at) - min(at) - down_s)),
        "worker_cpu_us": round(cpu_s * 1e6 / options.texts, 1),
        "took_s": round(took_s, 1),
        "load": round(os.getloadavg()[0], 1),
    }


@asynccontextmanager
async def ledger_and_simulator(infra: Infra) -> AsyncIterator[tuple[str, asyncpg.Connection, SimulatorProcess, Path]]:
    dsn = infra.create_database("messaging")
    await migrator.migrate(dsn, "messaging")
    ledger = await asyncpg.connect(dsn)
    await ledger.execute(NOTE_TABLE)
    try:
        with tempfile.TemporaryDirectory(prefix="heliograph-exp3-") as folder:
            async with simulator_process(Path(folder)) as simulator:
                yield dsn, ledger, simulator, Path(folder)
    finally:
        await ledger.close()
        infra.drop_database(dsn)


async def experiment(options: argparse.Namespace) -> None:
    infra = start_infra(durable=True)
    try:
        for claim_max in options.claims:
            for note in options.notes:
                for _ in range(options.runs):
                    print(json.dumps(await measure(infra, options, claim_max, note)), flush=True)
    finally:
        infra.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--claims", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--notes", nargs="+", default=["none", "file", "row"])
    parser.add_argument("--at", default="", help="a crash point instead of any moment, for example claim.committed")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    random.seed(options.seed)
    asyncio.run(experiment(options))


if __name__ == "__main__":
    main()
