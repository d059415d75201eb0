"""One open carrier in one process: its client, what listens to it, and the loops that claim texts for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from libs.common.loop import Loop
from services.messaging.carriers.carrier import Arrivals, Carrier
from services.messaging.routing.rules import Doing
from services.messaging.submitting.floors import Floors

log = structlog.get_logger()

STOP_LIMIT_S = 20.0  # for the steps in hand; a carrier's answers have their own limit


@dataclass(slots=True)
class Held:
    """The bind that this process holds, which owner of it that is, and until when it may write (monotonic)."""

    bind: int
    epoch: int
    write_until: float


@dataclass
class Desk:
    id: int
    carrier: Carrier
    version: int
    held: Held | None = None
    paused: bool = False
    parts_per_s: float | None = None
    floors: Floors = field(default_factory=Floors)
    _up_at: float = field(default_factory=time.monotonic)
    _doing: Doing = field(default_factory=Doing)
    _loops: Sequence[Loop] = ()
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _listening: asyncio.Task[None] | None = None

    @property
    def keeps_references(self) -> bool:
        """Whether its receipts, or what it says when asked, must be matched by its own references."""
        can = self.carrier.capabilities
        return can.query or not can.own_reference

    @property
    def down_s(self) -> float:
        """For how long it has had no session."""
        if self.carrier.connected:
            self._up_at = time.monotonic()
        return time.monotonic() - self._up_at

    def open(self, arrivals: Arrivals, loops: Sequence[Loop], app: object) -> None:
        self._loops = loops
        self._listening = asyncio.create_task(self.carrier.listen(arrivals))
        self._tasks = [task for loop in loops for task in loop.start(app, self._stopping)]

    def woken(self, names: set[str]) -> None:
        for loop in self._loops:
            loop.woken(names)

    async def close(self) -> None:
        """Claims nothing more, lets the steps in hand end, then takes the last answers and receipts."""
        self._stopping.set()
        if self._tasks:
            _, hanging = await asyncio.wait(self._tasks, timeout=STOP_LIMIT_S)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
        await self.carrier.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    # -- how it does, until it is written down ---------------------------------------------------------------------

    def did(self, answered: int = 0, errors: int = 0, delivered: int = 0, slow: int = 0) -> None:
        self._doing += Doing(answered, errors, delivered, slow)

    def take_doing(self) -> Doing:
        done, self._doing = self._doing, Doing()
        return done
