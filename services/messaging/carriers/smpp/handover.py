"""Handing over what came in: one call of messaging at a time, what waits together in one batch, answered when the call returns.

Owns what has come and is not stored yet. What could not be stored is answered with a temporary error and forgotten: the far side sends it again
after a while, which is the back-off.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from libs.common.smpp import RESPONSE, Command, Status, deliver_sm_resp, pdu
from services.messaging.carriers.smpp.session import Session

log = structlog.get_logger()

ITEMS_PER_CALL_MAX = 500  # what travels in one event
WAITING_MAX = 5_000  # a far side without a window of its own is told to wait

T = TypeVar("T")
Asked = tuple[Session, int, int]  # who asked, command and sequence number: what is to be answered


class Handover(Generic[T]):
    def __init__(self, what: str) -> None:
        self._what = what
        self._waiting: deque[tuple[T, Asked | None]] = deque()
        self._some = asyncio.Event()
        self._stopping = False

    def put(self, item: T, asked: Asked | None = None) -> None:
        if self._stopping:
            return  # not answered, so it comes again
        if len(self._waiting) >= WAITING_MAX and asked is not None:
            _answer([asked], Status.ESME_RMSGQFUL)
            return
        self._waiting.append((item, asked))
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
            batch = self._next()
            if batch:
                await self._call(hand_over, batch)

    async def _call(
        self, hand_over: Callable[[Sequence[T]], Awaitable[None]], batch: list[tuple[T, Asked | None]]
    ) -> None:
        status = Status.ESME_ROK
        try:
            await hand_over([item for item, _ in batch])
        except Exception:  # whatever it was, the items are not stored, and the far side still has them
            log.exception("not stored, so not acknowledged", what=self._what, items=len(batch))
            status = Status.ESME_RX_T_APPN
        _answer([asked for _, asked in batch if asked is not None], status)

    def _next(self) -> list[tuple[T, Asked | None]]:
        """As many as one call may carry. What a dead session brought is left out: it will come again."""
        batch: list[tuple[T, Asked | None]] = []
        while self._waiting and len(batch) < ITEMS_PER_CALL_MAX:
            item, asked = self._waiting.popleft()
            if asked is None or asked[0].alive:
                batch.append((item, asked))
        return batch


def _answer(asked: Sequence[Asked], status: int) -> None:
    """In one write a session: the order is that in which they came."""
    by_session: dict[Session, list[bytes]] = {}
    for session, command, sequence in asked:
        answer = (
            deliver_sm_resp(sequence, status)
            if command == Command.DELIVER_SM
            else pdu(command | RESPONSE, sequence, b"\0", status)
        )
        by_session.setdefault(session, []).append(answer)
    for session, answers in by_session.items():
        session.write(b"".join(answers))
