"""The real simulator as a process of its own, for any test that needs the far side.

Owns starting, killing, starting again on the same ports and log, and asking the control. Knows nothing of its inside.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

WAIT_LIMIT_S = 15.0


async def until(condition: Callable[[], Awaitable[Any] | Any], limit_s: float = WAIT_LIMIT_S) -> Any:
    """Asks until the answer is true, and answers it; says what it last was when the time is up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    while True:
        answer = condition()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return answer
        assert loop.time() < end, f"still {answer!r} after {limit_s} s"
        await asyncio.sleep(0.01)


class SimulatorProcess:
    def __init__(self, folder: Path, silence_limit_s: float, accounts: str = "[]") -> None:
        """`accounts`: of the message API, as its setting has them."""
        self.log_path = folder / "submits.log"
        self._accounts = accounts
        self._silence_limit_s = silence_limit_s
        self._ports = dict.fromkeys(("carrier_port", "smpp_port", "message_api_port", "control_port", "ops_port"), 0)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._before: dict[str, Any] = {}  # the counts when this test began

    async def start(self) -> None:
        """Returns when it says it is ready. The second time on the ports of the first."""
        environment = {f"HELIOGRAPH_{name.upper()}": str(port) for name, port in self._ports.items()}
        environment |= {
            "HELIOGRAPH_MODE": "development",
            "HELIOGRAPH_LOG_PATH": str(self.log_path),
            "HELIOGRAPH_SILENCE_LIMIT_S": str(self._silence_limit_s),
            "HELIOGRAPH_MESSAGE_API_ACCOUNTS": self._accounts,
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.simulator",
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_LIMIT_S):
            while True:
                line = await self._process.stdout.readline()
                assert line, "the simulator ended before it was ready"
                said = json.loads(line)
                if said["event"] == "ready":
                    break
        self._ports = {name: said[name] for name in self._ports}
        self.control = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._ports['control_port']}", timeout=WAIT_LIMIT_S
        )
        self._reading = asyncio.create_task(_read_away(self._process.stdout))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def carrier_port(self) -> int:
        return self._ports["carrier_port"]

    @property
    def smpp_port(self) -> int:
        return self._ports["smpp_port"]

    @property
    def message_api_port(self) -> int:
        return self._ports["message_api_port"]

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self._ports['ops_port']}"

    async def kill(self) -> None:
        """kill -9."""
        await self._end(kill=True)

    async def stop(self) -> int:
        return await self._end(kill=False)

    async def _end(self, kill: bool) -> int:
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill() if kill else self._process.terminate()
        code = await self._process.wait()
        await self._reading
        await self.control.aclose()
        return code

    async def begin_anew(self) -> "SimulatorProcess":
        """As if just started: log and counts are told from here on. A process of its own for each test costs a second."""
        (await self.control.post("/reset")).raise_for_status()
        self._before = (await self.control.get("/stats")).json()
        return self

    async def fault(self, kind: str, **options: Any) -> None:
        (await self.control.post("/faults", json={"kind": kind, **options})).raise_for_status()

    async def fired(self, kind: str) -> int:
        return sum(fault["fired"] for fault in (await self.control.get("/faults")).json() if fault["kind"] == kind)

    async def stats(self) -> dict[str, Any]:
        """What happened since this test began."""
        now = (await self.control.get("/stats")).json()
        return {
            name: now[name] - self._before.get(name, 0) if isinstance(now[name], int) else now[name] for name in now
        }

    async def messages_of(self, number: str) -> list[dict[str, Any]]:
        return list((await self.control.get(f"/handsets/{number}/messages")).json())

    async def log(self) -> list[dict[str, Any]]:
        """Every submit since this test began."""
        after, entries = self._before.get("submits", 0), list[dict[str, Any]]()
        while lines := (await self.control.get("/log", params={"after": after + len(entries), "limit": 10_000})).text:
            entries += map(json.loads, lines.splitlines())
        return entries


async def _read_away(stream: asyncio.StreamReader) -> None:
    """A full pipe would stop the process."""
    while await stream.read(65_536):
        pass


@asynccontextmanager
async def simulator_process(
    folder: Path, silence_limit_s: float = 15.0, accounts: str = "[]"
) -> AsyncIterator[SimulatorProcess]:
    simulator = SimulatorProcess(folder, silence_limit_s, accounts)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()
