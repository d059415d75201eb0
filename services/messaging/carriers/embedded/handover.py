"""Handing over what came in: one call of messaging at a time, in batches, acknowledged when the call returns.

Owns what has come and is not stored yet. What could not be stored is forgotten here and not acknowledged: the far side
sends it again after a while, which is the back-off.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from services.messaging.carriers.embedded.session import Session
from services.messaging.carriers.embedded.wire import BadFrame

log = structlog.get_logger()

ITEMS_PER_CALL_MAX = 500  # what travels in one event
UNACKED_BATCHES_MAX = 16  # protocol.md, section 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    items: Sequence[T]
    session: Session | None  # None: nothing to acknowledge
    number: int


class Handover(Generic[T]):
    def __init__(self, what: str) -> None:
        self._what = what
        self._waiting: deque[Batch[T]] = deque()
        self._in_work: list[Batch[T]] = []
        self._some = asyncio.Event()
        self._stopping = False

    def put(self, items: Sequence[T], session: Session | None = None, number: int = 0) -> None:
        """A batch that is still here comes again when storing is slow; it is the same one."""
        if self._stopping:
            return
        if session is not None:
            here = [batch.number for batch in (*self._waiting, *self._in_work) if batch.session is session]
            if number in here:
                return
            if len(here) >= UNACKED_BATCHES_MAX:
                raise BadFrame("more unacknowledged batches than the protocol allows")
        self._waiting.append(Batch(items, session, number))
        self._some.set()

    def stop(self) -> None:
        """Takes nothing more; `run` ends when what is here is handed over."""
        self._stopping = True
        self._some.set()

    async def run(self, hand_over: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
                continue
            self._in_work = self._next()
            items = [item for batch in self._in_work for item in batch.items]
            if items:
                await self._call(hand_over, items)
            self._in_work = []

    async def _call(self, hand_over: Callable[[Sequence[T]], Awaitable[None]], items: list[T]) -> None:
        try:
            await hand_over(items)
        except Exception:  # whatever it was, the items are not stored, and the far side still has them
            log.exception("not stored, so not acknowledged", what=self._what, items=len(items))
            return
        for batch in self._in_work:
            if batch.session is not None:
                batch.session.send("ack", batch.number)

    def _next(self) -> list[Batch[T]]:
        """Whole batches, as many as one call may carry. Those of a dead session are left out: they will come again."""
        batches: list[Batch[T]] = []
        room = ITEMS_PER_CALL_MAX
        while self._waiting and (not batches or len(self._waiting[0].items) <= room):
            batch = self._waiting.popleft()
            if batch.session is None or not batch.session.ended.done():
                batches.append(batch)
                room -= len(batch.items)
        return batches
