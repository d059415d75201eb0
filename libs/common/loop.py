"""The skeleton of every duty that starts by itself: call the step again at once while it finds work, else wait for a wake-up or the poll.

Wake-ups are hints, the poll is the truth. A step that raises is logged and tried again after a pause; it leaves nothing half done, since all
it does is in transactions. `step` can be called once by a test.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from libs.common import telemetry

log = structlog.get_logger()

PAUSE_AFTER_ERROR_S = 1.0


@dataclass
class Loop:
    """`step(app)` does one round and answers how much it did; 0 lets the loop rest for `every_s` or until one of `woken_by`."""

    name: str
    step: Callable[[Any], Awaitable[int]]
    every_s: float
    woken_by: frozenset[str] = frozenset()
    limit_s: float = 60.0  # a step that hangs is cancelled
    side_by_side: int = 1  # how many of it run in one process, so that one's database work overlaps another's wait
    plenty: int = 1  # a step that did so much wakes another: there is more than one can do
    _resting: list[asyncio.Event] = field(default_factory=list, repr=False)
    _missed: bool = False  # woken while nobody rested

    def woken(self, names: set[str]) -> None:
        if not self.woken_by.isdisjoint(names):
            self._wake_one()

    def _wake_one(self) -> None:
        """One, not all: each that wakes for nothing costs a transaction."""
        if self._resting:
            self._resting.pop().set()
        else:
            self._missed = True

    def start(self, app: Any, stopping: asyncio.Event) -> list[asyncio.Task[None]]:
        """As many tasks as run side by side."""
        return [asyncio.create_task(self._run(app, stopping)) for _ in range(self.side_by_side)]

    async def _run(self, app: Any, stopping: asyncio.Event) -> None:
        """Until `stopping` is set: the step in hand is finished."""
        await asyncio.sleep(random.uniform(0, min(0.2, self.every_s / 10)))  # noqa: S311  staggered: copies do not march in step
        while not stopping.is_set():
            self._missed = False
            rest_s = self.every_s
            try:
                with telemetry.LOOP_SECONDS.labels(self.name).time():
                    async with asyncio.timeout(self.limit_s):
                        done = await self.step(app)
                telemetry.LOOP_STEPS.labels(self.name, "worked" if done else "idle").inc()
                if done >= self.plenty:
                    self._wake_one()
                if done or self._missed:
                    continue
            except Exception as error:
                telemetry.LOOP_STEPS.labels(self.name, "failed").inc()
                log.warning(
                    "loop_step_failed", loop=self.name, error=repr(error), exc_info=not isinstance(error, OSError)
                )
                rest_s = min(self.every_s, PAUSE_AFTER_ERROR_S)
            await self._rest(rest_s, stopping)

    async def _rest(self, rest_s: float, stopping: asyncio.Event) -> None:
        wake = asyncio.Event()
        self._resting.append(wake)
        waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(stopping.wait())]
        await asyncio.wait(waits, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if wake in self._resting:
            self._resting.remove(wake)
