"""What every system under measurement is to the jobs, and what it promises. Owns the words of the promises; starts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from tests.bench_peer.far_side import LOOK_EVERY_S, FarSide

HEADER = "82830"
TEXT = "Your parcel comes today, 9 to 11"
NUMBERS_FROM = 447_500_000_000  # a mobile range; nothing but the simulator is reached
WINDOW = 200  # submits without an answer, of those who know a window
BOUND_LIMIT_S = 60.0


class Unavailable(Exception):
    """A system, or a part of one, that is not to be had here; the report says why."""


class System(Protocol):
    """One that runs. Its numbers are its own: those that `numbers` gave nobody had before."""

    key: str
    promises: Mapping[str, str]  # row -> what is true once it is counted
    far: FarSide
    port: int  # of its HTTP
    still_s: float  # after so long without anything new, nothing more comes

    def numbers(self, count: int) -> range: ...

    def request(self, numbers: Sequence[int], *, receipts: bool) -> bytes:
        """A whole HTTP request, of one text to each of these."""

    def accepts(self, status: int, body: bytes) -> bool: ...

    async def receipts_begin(self) -> None: ...

    async def receipts_handled(self, count: int) -> tuple[int, float]:
        """Waits for the receipts of `count` texts since `receipts_begin`: how many were handled, and when the last one was."""

    async def texts_out(self, numbers: range) -> tuple[int, float]:
        """Texts from these handsets to a subscriber: how many came out, and when the last one did."""

    async def bulk(self, count: int) -> BulkRun: ...

    async def quiet(self) -> None:
        """What one run began does not fall into the next."""

    def cpu_s(self) -> dict[str, float]:
        """Of each process, its broker and its database among them, since it began; without the far side."""

    async def kill(self) -> None:
        """SIGKILL to all of it."""

    async def start_again(self) -> None:
        """As it was left. Answers when its HTTP answers."""

    async def after_kill(self, accepted: Sequence[int]) -> Verdict:
        """Waits until nothing more comes, and counts. `accepted`: the numbers of what was answered with a 2xx."""


@runtime_checkable
class Webhooks(Protocol):
    """A system that has another way out too; the peers have no other than HTTP."""

    async def webhook_out(self, numbers: range) -> tuple[int, float]:
        """As `texts_out`, by an HTTP request a text."""


class BulkRun:
    """`begun_at` to `handled_at`; `handled` counts receipts, where they are part of it."""

    def __init__(self, count: int, begun_at: float, handled: int, handled_at: float, *, with_receipts: bool) -> None:
        self.count, self.begun_at, self.handled, self.handled_at = count, begun_at, handled, handled_at
        self.with_receipts = with_receipts


class Verdict:
    """`in_doubt`: numbers that the system itself says it does not know of; None where it has no such word. `receipts`: numbers whose receipt it has
    handled. `note`: what a person had to do."""

    def __init__(self, receipts: set[int], in_doubt: set[int] | None = None, note: str = "") -> None:
        self.receipts, self.in_doubt, self.note = receipts, in_doubt, note


async def until(what: str, condition: Callable[[], Awaitable[bool]], limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while not await condition():
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:.0f} s: {what}") from None


class OwnNumbers:
    """Numbers that were not used before, in one row."""

    def __init__(self, first: int) -> None:
        self._next = first

    def numbers(self, count: int) -> range:
        first, self._next = self._next, self._next + count
        return range(first, first + count)
