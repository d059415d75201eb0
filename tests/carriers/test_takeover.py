"""Two connectors and one bind: who is paused or killed is followed by the other within seconds, and nothing is written by two."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from libs.common.contracts.messaging import State
from services.messaging.connections.rules import LEASE_S
from tests.carriers.candidates import CANDIDATES, WINDOW
from tests.carriers.ledger import Ledger, company_of, messaging
from tests.carriers.tap import Tap, tap
from tests.harness import PUBLIC_KEY, VERIFICATION_KEY, eventually
from tests.infra import Infra
from tests.integration.simulator.process import SimulatorProcess, until

SMPP = next(candidate for candidate in CANDIDATES if candidate.protocol == "smpp")
TEXTS = 500
PARTS_PER_S = 100.0
TAKEOVER_S_MAX = LEASE_S + 5.0


@dataclass
class Connector:
    process: asyncio.subprocess.Process
    said: list[dict[str, Any]] = field(default_factory=list)

    def signal(self, signum: int) -> None:
        os.kill(self.process.pid, signum)

    def has_said(self, event: str) -> bool:
        return any(line.get("event") == event for line in self.said)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(json.loads(line))


@asynccontextmanager
async def connector(infra: Infra, done: Ledger) -> AsyncIterator[Connector]:
    environment = {
        "HELIOGRAPH_MODE": "development",
        "HELIOGRAPH_DATABASE_URL": done.dsn,
        "HELIOGRAPH_BROKER_URL": infra.broker_url("messaging"),
        "HELIOGRAPH_GRANT_PUBLIC_KEY": PUBLIC_KEY,
        "HELIOGRAPH_VERIFICATION_KEY": VERIFICATION_KEY,
        "HELIOGRAPH_SIMULATOR_URL": done.told["simulator_url"],
        "HELIOGRAPH_DRAIN_S": "3",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.messaging.connector",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    started = Connector(process)
    reading = asyncio.create_task(started.read())
    try:
        yield started
    finally:
        if process.returncode is None:
            started.signal(signal.SIGCONT)
            process.terminate()
        await process.wait()
        await reading
        print(f"connector {process.pid} said:", *started.said, sep="\n  ")


async def test_a_paused_owner_and_a_killed_one_are_followed_in_seconds_and_write_nothing_more(
    infra: Infra, simulator: SimulatorProcess
) -> None:
    await simulator.begin_anew()
    async with messaging(infra, simulator) as done, tap(simulator.smpp_port) as tapped:
        settings = SMPP.settings(simulator, WINDOW)
        # Only the lease may tell the paused one that its time is over.
        settings |= {"port": tapped.port, "parts_per_s": PARTS_PER_S, "enquire_link_s": 20, "silence_limit_s": 60}
        await done.use(SMPP, settings)
        async with connector(infra, done) as first:
            await until(lambda: first.has_said("carrier session bound"))
            async with connector(infra, done) as second:
                sending = asyncio.create_task(done.send(company_of(SMPP), TEXTS))
                await _submits(tapped, 0, 60)
                paused_s = await _paused(first, second, tapped)
                killed_s = await _killed(done, first, second, tapped)
                sent = await sending
                states = await done.agrees(SMPP, sent)
                why = await done.rows("SELECT reason, count(*) FROM open_texts WHERE state = 'in_doubt' GROUP BY 1")

    print(
        f"taken over from a paused owner in {paused_s:.1f} s, from a killed one in {killed_s:.1f} s; {dict(states)}, {list(map(tuple, why))}"
    )
    assert max(paused_s, killed_s) < TAKEOVER_S_MAX
    assert states[State.DELIVERED] + states[State.IN_DOUBT] == TEXTS


async def _submits(tapped: Tap, of: int, count: int) -> None:
    """Until the connection that is the n-th to submit has submitted so many."""

    def so_many() -> bool:
        submitting = tapped.submitting()
        return len(submitting) > of and len(submitting[of].submits_at) >= count

    await until(so_many, 30)


async def _paused(first: Connector, second: Connector, tapped: Tap) -> float:
    """The first is paused in the middle of its texts, and goes on once the second has the bind."""
    first.signal(signal.SIGSTOP)
    began = time.monotonic()
    [old] = tapped.submitting()
    await _submits(tapped, 1, 30)
    written, frames = len(old.submits_at), old.frames
    assert not second.has_said("bind_lost")
    assert not old.closed  # as far as the paused one can tell, it is still bound
    first.signal(signal.SIGCONT)
    await until(lambda: first.has_said("bind_lost"))
    await until(lambda: old.closed)
    assert (len(old.submits_at), old.frames) == (written, frames), "it wrote after its lease"
    assert old.submits_at[-1] < began + 0.5  # what was on its way to us when it was paused
    return tapped.submitting()[1].submits_at[0] - began


async def _killed(done: Ledger, first: Connector, second: Connector, tapped: Tap) -> float:
    await _submits(tapped, 1, 120)
    [row] = await done.rows("SELECT owner FROM binds WHERE connected")
    second.process.kill()
    began = time.monotonic()
    await _submits(tapped, 2, 1)
    took_s = tapped.submitting()[2].submits_at[0] - began
    # As though the lease of its claims and the grace of their answers had passed.
    assert done.process.db is not None
    async with done.process.db.transaction() as tx:
        await tx.execute(
            "UPDATE claims SET lease_until = lease_until - interval '1 minute' WHERE worker = $1", row["owner"]
        )

    async def claims_taken_over() -> bool:
        return not await done.rows("SELECT FROM claims WHERE worker = $1", row["owner"])

    await eventually(claims_taken_over)
    return took_s
