"""One seed, from nothing to a report: servers, fleet, load under faults, drain, dump, check.

Owns the order of a run and the folder it is written to. Leaves no process behind.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.native.environment import WITH_DATABASE
from libs.common.contracts.auth import SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddHeader
from libs.common.db import migrator
from tests.faults import dump, load, plan
from tests.faults.checker import Report, check
from tests.faults.fleet import Fleet
from tests.harness import client
from tests.infra import Infra, start_infra

ROUNDS_MIN, ROUNDS_MAX = 4, 10
FAULT_LIMIT_S = 60.0  # for a server that was killed to be there again
LOAD_LIMIT_S = 300.0  # for all rounds


@dataclass(frozen=True, slots=True)
class Ran:
    seed: int
    report: Report
    hits: Counter[tuple[str, str]]
    rounds: int
    load_s: float
    drain_s: float
    whole_s: float


async def run(seed: int, texts: int, recipients: int, folder: Path) -> Ran:
    """`texts` and `recipients`: of a round."""
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    infra = await asyncio.to_thread(start_infra, durable=True)
    fleet = Fleet(infra, folder)
    try:
        await _prepare(fleet)
        async with asyncio.timeout(LOAD_LIMIT_S):
            offered = await _load(fleet, seed, texts, recipients)
        load_s = time.monotonic() - began
        left, drain_s = await dump.drain(fleet)
        history = await dump.history_of(fleet, offered.load, left)
    finally:
        await fleet.close()
        await asyncio.to_thread(infra.stop)
    (folder / "history.json").write_text(json.dumps(history.as_json()))
    report = check(history)
    (folder / "report.json").write_text(json.dumps(asdict(report), indent=1))
    return Ran(seed, report, fleet.hits(), offered.rounds, load_s, drain_s, time.monotonic() - began)


async def _prepare(fleet: Fleet) -> None:
    """Databases, and one copy of each service to provision with."""
    infra = fleet.infra
    await asyncio.to_thread(_keep_commit_times, infra)
    for service in WITH_DATABASE:
        await migrator.migrate(infra.dsn(service), service)
    await dump.record_settled(infra)
    await fleet.start(
        "simulator", *(name for name, life in fleet.lives.items() if life.instance.copy == 1 and name != "simulator")
    )


def _keep_commit_times(infra: Infra) -> None:
    """When a STOP was committed is read from PostgreSQL itself."""
    assert infra.postgres is not None
    infra.sql("ALTER SYSTEM SET track_commit_timestamp = on;")
    infra.postgres.stop()
    infra.postgres.start()


async def _provision(infra: Infra) -> dict[str, int]:
    """The companies' ids by header."""
    ids = {}
    async with client(infra, "console") as console:
        for company in plan.COMPANIES:
            id_ = (await console.ask(CreateCompany(name=company.name))).id
            await console.ask(
                CreateUser(company_id=id_, username=company.username, password=load.PASSWORD, permissions=[SEND])
            )
            await console.ask(AddHeader(company_id=id_, header=company.header))
            ids[company.header] = id_
    return ids


@dataclass(frozen=True, slots=True)
class _Loaded:
    load: load.Load
    rounds: int


async def _load(fleet: Fleet, seed: int, texts: int, recipients: int) -> _Loaded:
    """Rounds of load, at least ROUNDS_MIN, until each fault has fired."""
    listed = plan.numbers(recipients)
    offered = load.Load(fleet, await _provision(fleet.infra), listed)
    try:
        await offered.make_list()
        planned = plan.plan(seed, ROUNDS_MIN * (texts + recipients))
        await _arm(fleet, planned)
        servers = asyncio.create_task(_pull_plugs(fleet, planned))
        rounds = 0
        while rounds < ROUNDS_MIN or (rounds < ROUNDS_MAX and not (servers.done() and _all_died(fleet))):
            await offered.run(rounds, plan.round_of(seed, rounds, texts, recipients))
            rounds += 1
            if servers.done():
                await servers  # raises what went wrong there
        await asyncio.wait_for(servers, FAULT_LIMIT_S)
    finally:
        await offered.close()
    return _Loaded(offered, rounds)


async def _arm(fleet: Fleet, planned: plan.Plan) -> None:
    """The second copies come, armed; then the first are stopped, as in a rolling deploy, and come again armed. So relays are led by second copies."""
    for (service, copy), deaths in planned.deaths.items():
        fleet.lives[service if copy == 1 else f"{service}-{copy}"].deaths = list(deaths)
    first = [name for name, life in fleet.lives.items() if life.instance.copy == 1 and name != "simulator"]
    await fleet.start(*(name for name, life in fleet.lives.items() if life.instance.copy == 2))
    await fleet.stop(*first)
    async with asyncio.timeout(FAULT_LIMIT_S):
        while not await dump.relays_led(fleet.infra):
            await asyncio.sleep(0.05)
    await fleet.start(*first)
    await fleet.order(planned.network)


async def _pull_plugs(fleet: Fleet, planned: plan.Plan) -> None:
    """The broker and PostgreSQL, each when the network has seen so many texts."""
    for at, pull in sorted(
        [(planned.broker_at, fleet.kill_broker), (planned.postgres_at, fleet.crash_postgres)], key=lambda each: each[0]
    ):
        while await fleet.submits() < at:
            await asyncio.sleep(0.02)
        await pull()


def _all_died(fleet: Fleet) -> bool:
    return not any(life.armed or life.deaths for life in fleet.lives.values())
