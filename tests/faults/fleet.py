"""The fleet of a fault run: two copies of each service and one network as real processes; what dies is started again, as an orchestrator would.

Owns the processes, the log of their deaths, and private PostgreSQL and RabbitMQ that can be killed. Knows nothing of texts.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.native.environment import COPIED, WITH_DATABASE, Instance, Ports, Secrets, environment_of
from deploy.native.fleet import inherited
from deploy.native.layout import Layout
from deploy.native.ports import free_ports
from tests.faults.history import Fault
from tests.harness import PRIVATE_KEY, PUBLIC_KEY, VERIFICATION_KEY
from tests.infra import PASSWORD, Infra

TREE = Path(__file__).resolve().parents[2]
READY_LIMIT_S = 60
DRAIN_LIMIT_S = 40
DIED = 137  # what libs.common.crash ends a process with
POLL_S = 0.05


@dataclass
class Life:
    """One process of the fleet, through all of its lives. `deaths`: where the next ones are to end."""

    instance: Instance
    deaths: list[str] = field(default_factory=list)
    armed: str = ""
    process: asyncio.subprocess.Process | None = None
    keeping: asyncio.Task[None] | None = None
    stopping: bool = False
    born: int = 0


class Fleet:
    def __init__(self, infra: Infra, folder: Path) -> None:
        assert infra.postgres is not None, "the plug can be pulled on native servers only"
        self.infra = infra
        self.folder = folder
        self.lives = {
            Instance(service, copy).name: Life(Instance(service, copy)) for service in COPIED for copy in (1, 2)
        }
        self.lives["simulator"] = Life(Instance("simulator", 1))
        self.faults: list[Fault] = []
        self.surprises: list[str] = []
        names = [
            "carrier",
            "smpp",
            "message-api",
            "control",
            "http:gateway",
            "http:gateway-2",
            *(f"ops:{name}" for name in self.lives),
        ]
        named = dict(zip(names, free_ports(len(names)), strict=True))
        self.ports = Ports(named | {"postgres": infra.postgres_port, "amqp": infra.amqp_port})
        for name in ("logs", "hits"):
            (folder / name).mkdir(parents=True)
        self._http = httpx.AsyncClient(timeout=5)

    @property
    def simulator_log(self) -> Path:
        return self.folder / "network.jsonl"

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    async def start(self, *names: str) -> None:
        """Starts those processes, armed with the first of their deaths, and waits until all are ready."""
        for name in names:
            life = self.lives[name]
            life.stopping = False
            life.keeping = asyncio.create_task(self._keep(life))
        await asyncio.gather(*(self._ready(name) for name in names))

    async def stop(self, *names: str) -> None:
        """SIGTERM; one that does not end well, within its time, is a surprise."""
        lives = [self.lives[name] for name in names]
        for life in lives:
            life.stopping = True
            if life.process is not None and life.process.returncode is None:
                life.process.send_signal(signal.SIGTERM)
        for life in lives:
            if life.keeping is None:
                continue
            done, _ = await asyncio.wait([life.keeping], timeout=DRAIN_LIMIT_S)
            if not done and life.process is not None:
                self.surprises.append(f"{life.instance.name} did not end within {DRAIN_LIMIT_S} s of SIGTERM")
                life.process.kill()
                await life.keeping

    async def close(self) -> None:
        """Services first, the far side last."""
        await self.stop(*(name for name in self.lives if name != "simulator"))
        await self.stop("simulator")
        await self._http.aclose()

    async def submits(self) -> int:
        """How many texts the network has seen."""
        return int((await self.stats())["submits"])

    async def stats(self) -> Mapping[str, int]:
        stats: Mapping[str, int] = (await self._http.get(f"{self.url('control')}/stats")).raise_for_status().json()
        return stats

    async def order(self, faults: list[dict[str, object]]) -> None:
        """Tells the network what to do wrong."""
        (await self._http.post(f"{self.url('control')}/faults", json=faults)).raise_for_status()

    async def ordered(self) -> list[Fault]:
        """The network's faults: whether each fired, and when the first of its kind did is in its log."""
        reports = (await self._http.get(f"{self.url('control')}/faults")).raise_for_status().json()
        return [
            Fault(f"network: {each['kind']} after {each['after_hits']}", 0.0 if each["fired"] else None)
            for each in reports
        ]

    async def kill_broker(self) -> None:
        """As the kernel would kill it; started again at once."""
        assert self.infra.rabbitmq is not None
        await asyncio.to_thread(self.infra.rabbitmq.kill)
        await self._note("broker killed")
        await asyncio.to_thread(self.infra.rabbitmq.start)

    async def crash_postgres(self) -> None:
        """Immediate stop: a crash; started again at once."""
        assert self.infra.postgres is not None
        await asyncio.to_thread(self.infra.postgres.stop, "immediate")
        await self._note("PostgreSQL stopped at once")
        await asyncio.to_thread(self.infra.postgres.start)

    def hits(self) -> Counter[tuple[str, str]]:
        """By service and crash point: how often it was passed."""
        hits: Counter[tuple[str, str]] = Counter()
        for path in (self.folder / "hits").iterdir():
            for line in path.read_text().splitlines():
                hits[path.stem.rpartition("-")[0] or path.stem, line.split()[1]] += 1
        return hits

    async def _note(self, name: str) -> None:
        self.faults.append(Fault(name, time.time(), await self.submits()))

    async def _keep(self, life: Life) -> None:
        while not life.stopping:
            life.armed = life.deaths.pop(0) if life.deaths else ""
            with (self.folder / "logs" / f"{life.instance.name}.log").open("ab") as log:
                life.process = await asyncio.create_subprocess_exec(
                    str(TREE / ".venv" / "bin" / "python"),
                    "-m",
                    life.instance.module,
                    env=self._told(life),
                    cwd=TREE,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            life.born += 1
            code = await life.process.wait()
            if life.stopping and code == 0:
                return
            if life.armed and code == DIED:
                await self._note(f"{life.instance.name}: {life.armed}")
            else:
                self.surprises.append(f"{life.instance.name} ended by itself with {code}")
                await asyncio.sleep(1)  # an orchestrator's back-off

    def _told(self, life: Life) -> dict[str, str]:
        secrets = Secrets(
            superuser=PASSWORD,
            database=dict.fromkeys(WITH_DATABASE, PASSWORD),
            broker=dict.fromkeys((*COPIED, "console"), PASSWORD),
            grant_private_key=PRIVATE_KEY,
            grant_public_key=PUBLIC_KEY,
            verification_key=VERIFICATION_KEY,
        )
        layout = Layout(TREE)
        told = inherited(layout) | environment_of(layout, life.instance, self.ports, secrets, "development")
        if life.instance.service == "simulator":
            return told | {"HELIOGRAPH_LOG_PATH": str(self.simulator_log)}
        told["HELIOGRAPH_CRASH_HITS"] = str(self.folder / "hits" / f"{life.instance.service}-{life.instance.copy}.hits")
        return told | ({"HELIOGRAPH_CRASH_AT": life.armed} if life.armed else {})

    async def _ready(self, name: str) -> None:
        give_up = time.monotonic() + READY_LIMIT_S
        lacks = ""
        while time.monotonic() < give_up:
            try:
                answer = await self._http.get(f"{self.url(f'ops:{name}')}/health/ready")
                if answer.status_code == httpx.codes.OK:
                    return
                lacks = answer.text
            except httpx.HTTPError as error:
                lacks = repr(error)
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"{name} is not ready after {READY_LIMIT_S} s: {lacks}")
