"""The asking side: asks of one kind that arrive while the last ones are in flight are folded into one message.

An ask is written once more, with the same id, where no answer came for a while: the owner answers a repeat from its inbox. `Unanswered` after the
deadline means that the work may be done or not; asking again with the same id is safe.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import aio_pika
import orjson
import structlog
from aio_pika.abc import AbstractIncomingMessage

from libs.common import crash, telemetry
from libs.common.bus.connection import BROKER_ERRORS, REPLIES, REQUESTS, Bus
from libs.common.contracts.base import BYTES_MAX, ITEMS_MAX, Ask, Code, Contract, Lane, Refusal
from libs.common.ids import uuid7

log = structlog.get_logger()

A = TypeVar("A", bound=Contract)

DEADLINE_S = 10.0
ASK_AGAIN_S = 3.0  # a transient ask or its reply is lost where the broker or the owner died
# Of one kind: what comes meanwhile travels together. Two make smaller folds: 757 us of CPU a text against 576 (make bench, 2026-11-24), 777 us a read
# against 594 (2026-11-30).
FOLDS_IN_FLIGHT = 1
# Most of those who get an answer ask again: commands wait for as many as asked lately, at most for this part of the time that the last fold took. Without it
# two halves of the clients take turns, each in a fold of its own: 64 clients sent 2,390 texts a second, and 3,315 with it (docs/benchmarks.md).
LINGER = 0.5
LINGER_S_MAX = 0.02
# A full fold is not made larger by waiting: it goes out beside another. A fold of reads is full soon, so that the owner reads some while the answers to
# others are written out: with all 64 in one fold, one core of two was idle (GetStops 1,658 a second, now 2,537; docs/benchmarks.md).
FULL_IN_FLIGHT = 2
READS_MAX = 16
WAITING_MAX = 5_000  # items of one kind: beyond it the owner is not keeping up, and the caller is told at once


class Unanswered(Exception):
    """No answer before the deadline: done or not done. `id` may be asked again."""

    def __init__(self, id_: UUID) -> None:
        super().__init__(str(id_))
        self.id = id_


@dataclass(slots=True)
class _Item:
    id: UUID
    wire: bytes
    deadline_s: float  # Unix time
    answer: asyncio.Future[dict[str, Any]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class _Kind:
    waiting: deque[_Item] = field(default_factory=deque)
    in_flight: int = 0
    wanted: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)  # as many wait as are wanted

    async def linger(self, wanted: int, limit_s: float) -> None:
        self.wanted = wanted
        self.enough.clear()
        try:
            async with asyncio.timeout(min(limit_s, LINGER_S_MAX)):
                await self.enough.wait()
        except TimeoutError:
            pass


class Asker:
    """Asks other services on behalf of whoever holds the grant, or, without one, of this service itself."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._queue = f"reply.{bus.user}.{bus.process}"
        self._kinds: dict[type[Ask[Any]], _Kind] = {}
        self._asked: dict[UUID, list[_Item]] = {}  # several where a client repeats an ask that is still in flight
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        await self._bus.consume(
            self._queue, {REPLIES: [self._queue]}, self._on_reply, prefetch=0, exclusive=True, no_ack=True
        )

    async def ask(self, ask: Ask[A], grant: str = "", id_: UUID | None = None, deadline_s: float = DEADLINE_S) -> A:
        """The owner's answer. Raises its Refusal, or Unanswered after `deadline_s` seconds."""
        return type(ask).answer_type().model_validate(await self.ask_json(ask, grant, id_, deadline_s))

    async def ask_json(
        self, ask: Ask[Any], grant: str = "", id_: UUID | None = None, deadline_s: float = DEADLINE_S
    ) -> dict[str, Any]:
        """As `ask`: the answer as JSON values, for whoever passes its rows on and would make a model of each in vain."""
        kind = type(ask)
        until_s = time.time() + deadline_s
        id_ = id_ or uuid7()
        item = _Item(id_, _wire(id_, ask, grant, until_s), until_s)
        waiting = self._kinds.setdefault(kind, _Kind()).waiting
        if len(waiting) >= WAITING_MAX:
            raise Refusal(Code.UNAVAILABLE, "too much is waiting for this service")
        with telemetry.ASK_SECONDS.labels(kind.kind()).time():
            answer = await self._answer(kind, item)
        if (refused := answer.get("refused")) is not None:
            telemetry.ASKED.labels(kind.kind(), refused).inc()
            raise Refusal(Code(refused), answer.get("detail", ""), answer.get("retry_after_s", 0))
        telemetry.ASKED.labels(kind.kind(), "answered").inc()
        values: dict[str, Any] = answer["ok"]
        return values

    async def _answer(self, kind: type[Ask[Any]], item: _Item) -> dict[str, Any]:
        self._asked.setdefault(item.id, []).append(item)
        late = asyncio.get_running_loop().call_later(item.deadline_s - time.time(), _unanswered, item)
        try:
            self._kinds[kind].waiting.append(item)
            self._fold(kind)
            return await item.answer
        except Unanswered:
            telemetry.ASKED.labels(kind.kind(), "unanswered").inc()
            raise
        finally:
            late.cancel()
            self._asked[item.id].remove(item)
            if not self._asked[item.id]:
                del self._asked[item.id]
            item.answer.cancel()

    def _fold(self, kind: type[Ask[Any]]) -> None:
        state = self._kinds[kind]
        if len(state.waiting) >= state.wanted:
            state.enough.set()
        most = READS_MAX if kind.lane is Lane.READS else ITEMS_MAX
        while state.waiting and state.in_flight < (FOLDS_IN_FLIGHT if len(state.waiting) < most else FULL_IN_FLIGHT):
            items: list[_Item] = []
            size = 0
            while state.waiting and len(items) < most and size + len(state.waiting[0].wire) < BYTES_MAX:
                item = state.waiting.popleft()
                if not item.answer.done():
                    items.append(item)
                    size += len(item.wire)
            if not items and state.waiting:  # one item larger than a fold may be: it travels alone
                items = [state.waiting.popleft()]
            if items:
                state.in_flight += 1
                task = asyncio.create_task(self._send(kind, items))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _send(self, kind: type[Ask[Any]], items: list[_Item]) -> None:
        """One fold, until it is answered or its place is needed: the next may go out then."""
        telemetry.FOLD_ITEMS.labels(kind.kind()).observe(len(items))
        state, began_s = self._kinds[kind], time.time()
        left_s = max(0.001, max(item.deadline_s for item in items) - began_s)
        again = asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._again, kind, items)
        message = aio_pika.Message(
            b'{"items":[' + b",".join(item.wire for item in items) + b"]}",
            type=kind.kind(),
            reply_to=self._queue,
            expiration=left_s,
            content_type="application/json",
        )
        try:
            await self._bus.publish_light(REQUESTS, f"{kind.owner}.{kind.lane}", message)
            crash.point("ask.published")
            _, unanswered = await asyncio.wait([item.answer for item in items], timeout=ASK_AGAIN_S)
            if not unanswered:
                again.cancel()
                if len(items) > 1 and kind.lane is not Lane.READS:
                    await state.linger(len(items) + len(state.waiting), LINGER * (time.time() - began_s))
        except BROKER_ERRORS as error:
            log.warning("ask_not_published", kind=kind.kind(), items=len(items), error=repr(error))
        finally:
            state.in_flight -= 1
            self._fold(kind)

    def _again(self, kind: type[Ask[Any]], items: list[_Item]) -> None:
        self._kinds[kind].waiting.extend(items)  # what is done by now is left out of the fold
        self._fold(kind)

    async def _on_reply(self, message: AbstractIncomingMessage) -> None:
        crash.point("ask.answered")
        for answer in orjson.loads(message.body)["answers"]:
            for item in self._asked.get(UUID(answer["id"]), ()):
                if not item.answer.done():
                    item.answer.set_result(answer)


def _unanswered(item: _Item) -> None:
    if not item.answer.done():
        item.answer.set_exception(Unanswered(item.id))


def _wire(id_: UUID, ask: Ask[Any], grant: str, until_s: float) -> bytes:
    return orjson.dumps(
        {"id": str(id_), "grant": grant, "until": until_s, "body": orjson.Fragment(ask.model_dump_json())}
    )
