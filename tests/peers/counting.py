"""Waiting for what is under way, and what a run through a peer found.

Owns the patience: as long as something comes, it waits; it looks once more after the last, for what comes twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from deploy.native.terminal import say
from tests.peers.texts import Compared

LOOK_EVERY_S = 0.25
SAY_EVERY_S = 15.0
STILL_S = 60.0  # nothing came for so long: what is missing does not come any more
TWICE_S = 6.0  # the simulator gives again after 5 s what was not acknowledged


async def until_all(what: str, count: Callable[[], Awaitable[int]], wanted: int) -> float:
    """The moment when all were there, or when the last one came."""
    changed, seen, said = time.monotonic(), await count(), time.monotonic()
    while seen < wanted and time.monotonic() < changed + STILL_S:
        await asyncio.sleep(LOOK_EVERY_S)
        now = await count()
        if now != seen:
            changed, seen = time.monotonic(), now
        if time.monotonic() > said + SAY_EVERY_S:
            said = time.monotonic()
            say(f"  {what}: {seen:,} of {wanted:,}")
    return changed


@dataclass
class Ran:
    """One direction through a peer. `troubles`: faults that no comparison of texts shows."""

    title: str
    compared: Compared
    seconds: float
    facts: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not self.compared.faults and not self.troubles

    def __str__(self) -> str:
        rate = f"{self.compared.texts:,} texts in {self.seconds:.1f} s, {self.compared.texts / self.seconds:,.0f}/s"
        lines = [f"{self.title}: {rate}; {self.compared}", *self.facts]
        lines += [f"FAULT: {trouble}" for trouble in self.troubles]
        lines += [f"FAULT: {example}" for example in self.compared.examples]
        return "\n  ".join(lines)
