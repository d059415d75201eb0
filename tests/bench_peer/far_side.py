"""The far side, the same for every system: a simulator as a process, asked by its control, its log the truth about what arrived.

Owns how far the log was read. The simulator itself is started by whoever owns its folder.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.bench_peer.processes import cpu_s

RECEIPT_AFTER_S = 1.0  # of every text: at once, as the simulator does by itself, Jasmin has not noted the answer yet
ASK_LIMIT_S = 30.0
BULK_TEXTS_MAX = 10_000  # what the control takes at once
LOOK_EVERY_S = 0.05


@dataclass
class FarSide:
    log: Path
    control_port: int
    smpp_port: int
    pid: int
    read_bytes: int = 0
    arrived: Counter[int] = field(default_factory=Counter)  # number -> how often, since `forget`
    last_at: float = 0.0

    async def ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else orjson.dumps(body)
        return await asyncio.to_thread(self._ask, path, data)

    def _ask(self, path: str, data: bytes | None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.control_port}{path}", data=data)
        with urllib.request.urlopen(request, timeout=ASK_LIMIT_S) as answer:
            return json.loads(answer.read())

    async def behave(self) -> None:
        """Every handset's receipt comes after RECEIPT_AFTER_S."""
        await self.ask("/handsets/behaviour", {"number_prefix": "+44", "delay_ms": int(RECEIPT_AFTER_S * 1000)})

    async def bound(self, system_id: str) -> bool:
        sessions = (await self.ask("/stats"))["sessions"]
        return any(session["bind"] == system_id for session in sessions)

    async def text_in(self, account: str, to: str, text: str, numbers: range) -> None:
        """From handsets, one from each number, to whoever is bound as `account`."""
        for start in range(0, len(numbers), BULK_TEXTS_MAX):
            some = numbers[start : start + BULK_TEXTS_MAX]
            bulk = [{"from": f"+{number}", "to": to, "text": text} for number in some]
            await self.ask(f"/handsets/messages?account={account}", bulk)

    def forget(self) -> None:
        self.look()
        self.arrived.clear()
        self.last_at = 0.0

    def look(self) -> int:
        """Reads what is new in the log; how many different numbers have a text since `forget`."""
        with self.log.open("rb") as log:
            log.seek(self.read_bytes)
            lines = log.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self.read_bytes += len(whole)
        for line in whole.splitlines():
            entry = orjson.loads(line)
            if entry["outcome"] == "taken":
                self.arrived[int(entry["to"][1:])] += 1
                self.last_at = entry["at"]
        return len(self.arrived)

    def first_after(self, at: float) -> float | None:
        """When the first text after `at` arrived, by the whole log."""
        for line in self.log.read_bytes().splitlines():
            entry = orjson.loads(line)
            if entry["outcome"] == "taken" and entry["at"] > at:
                return float(entry["at"])
        return None

    def cpu_s(self) -> float:
        return cpu_s(self.pid)


async def until_all(count: Callable[[], int], wanted: int, still_s: float) -> int:
    """How many there were when all were there, or when nothing had come for `still_s`."""
    seen, changed = count(), time.monotonic()
    while seen < wanted and time.monotonic() < changed + still_s:
        await asyncio.sleep(LOOK_EVERY_S)
        if (now := count()) != seen:
            seen, changed = now, time.monotonic()
    return seen
