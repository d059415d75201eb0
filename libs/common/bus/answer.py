"""The answering side: one fold is one transaction; each item is let in or refused, answered and remembered by its own id.

The inbox keeps a command's answer, so a repeat changes nothing. The deadline is looked at before the work and again before the commit. Where a
fold fails as a whole, its items are tried alone, so that one bad item refuses only itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import orjson
import structlog
from aio_pika.abc import AbstractIncomingMessage
from pydantic import ValidationError

from libs.common import crash, telemetry
from libs.common.bus.connection import BROKER_ERRORS, REPLIES, REQUESTS, Bus
from libs.common.bus.registry import Asked, Asks, Registered
from libs.common.contracts.base import Ask, Code, Command, Contract, Lane, Refusal
from libs.common.db import Database, Tx, inbox
from libs.common.grants import Caller, Verifier

log = structlog.get_logger()

PREFETCH = {
    Lane.URGENT: 3,
    Lane.ORDINARY: 3,
    Lane.BULK: 2,
    Lane.READS: 3,
}  # folds in hand: the lane's share of the pool


@dataclass(frozen=True, slots=True)
class _Item:
    asked: Asked[Any]
    until_s: float


class _TooLate(Exception):
    """The deadline of `ids` passed while they were worked on: undo, and do the others again."""

    def __init__(self, ids: set[UUID]) -> None:
        super().__init__()
        self.ids = ids


class Answerer:
    """Answers the asks of one service's tables."""

    def __init__(self, bus: Bus, db: Database, service: str, asks: Asks, verifier: Verifier) -> None:
        self._bus = bus
        self._db = db
        self._service = service
        self._asks = {kind.kind(): (kind, registered) for kind, registered in asks.items()}
        self._verifier = verifier
        self._stops: list[Any] = []
        self._busy: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        for lane in sorted({kind.lane for kind, _ in self._asks.values()}):
            queue = f"{self._service}.ask.{lane}"
            self._stops.append(
                await self._bus.consume(
                    queue, {REQUESTS: [f"{self._service}.{lane}"]}, self._on_message, prefetch=PREFETCH[lane]
                )
            )

    async def drain(self, limit_s: float) -> None:
        """Takes nothing more and finishes what is in hand, up to `limit_s`."""
        for stop in self._stops:
            await stop()
        if self._busy:
            await asyncio.wait(self._busy, timeout=limit_s)

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            await self._answer(message)
        finally:
            self._busy.discard(task)

    async def _answer(self, message: AbstractIncomingMessage) -> None:
        known = self._asks.get(message.type or "")
        raw = orjson.loads(message.body)["items"]
        if known is None:
            answers = {UUID(item["id"]): _refused(Refusal(Code.INVALID_REQUEST, "unknown ask")) for item in raw}
        else:
            answers = await self._answer_all(*known, raw, message.user_id or "")
        if known:
            for answer in answers.values():
                outcome = orjson.loads(answer).get("refused", "ok") if len(answer) < 200 else "ok"
                telemetry.ANSWERED.labels(known[0].kind(), outcome).inc()
        try:
            reply = b",".join(b'{"id":"%b",%b' % (str(id_).encode(), answer[1:]) for id_, answer in answers.items())
            await self._bus.publish_light(
                REPLIES, message.reply_to or "", aio_pika.Message(b'{"answers":[' + reply + b"]}")
            )
            crash.point("answer.replied")
            await message.ack()
        except BROKER_ERRORS as error:
            log.warning("reply_not_sent", kind=message.type, error=repr(error))

    async def _answer_all(
        self, kind: type[Ask[Any]], registered: Registered, raw: Sequence[dict[str, Any]], user: str
    ) -> dict[UUID, bytes]:
        answers: dict[UUID, bytes] = {}
        items: list[_Item] = []
        for wire in raw:
            id_ = UUID(wire["id"])
            try:
                caller = self._caller(registered, wire["grant"], user)
                items.append(_Item(Asked(id_, caller, kind.model_validate(wire["body"])), wire["until"]))
            except ValidationError as error:
                answers[id_] = _refused(Refusal(Code.INVALID_REQUEST, _first(error)))
            except Refusal as refusal:
                answers[id_] = _refused(refusal)
        return answers | await self._handle(kind, registered, items)

    def _caller(self, registered: Registered, grant: str, user: str) -> Caller:
        """A grant says who; without one it is the service itself, for whose name the broker vouches. The gateway is no one by itself."""
        if grant:
            caller = self._verifier.verify(grant)
        elif user != "gateway":
            caller = Caller(service=user)
        elif registered.open:
            return Caller()
        else:
            raise Refusal(Code.SESSION_EXPIRED)
        if not registered.may(caller):
            raise Refusal(Code.PERMISSION_DENIED)
        return caller

    async def _handle(self, kind: type[Ask[Any]], registered: Registered, items: list[_Item]) -> dict[UUID, bytes]:
        late = {item.asked.id for item in items if item.until_s < time.time()}
        answers = {id_: _refused(Refusal(Code.DEADLINE_PASSED)) for id_ in late}
        items = [item for item in items if item.asked.id not in late]
        if not items:
            return answers
        try:
            if issubclass(kind, Command):
                return answers | await self._command(registered, items, remembered=kind.remembered)
            return answers | await self._query(registered, items)
        except _TooLate:
            return answers | await self._handle(kind, registered, items)
        except Exception as error:
            if len(items) > 1:
                log.warning("fold_failed", kind=kind.kind(), items=len(items), error=repr(error))
                for item in items:
                    answers |= await self._handle(kind, registered, [item])
                return answers
            log.error("ask_failed", kind=kind.kind(), id=str(items[0].asked.id), exc_info=True)
            return answers | {items[0].asked.id: _refused(Refusal(Code.UNAVAILABLE, "it can be asked again"))}

    async def _query(self, registered: Registered, items: list[_Item]) -> dict[UUID, bytes]:
        async with self._db.reading() as tx:
            return await _run(registered, tx, [item.asked for item in items])

    async def _command(self, registered: Registered, items: list[_Item], *, remembered: bool) -> dict[UUID, bytes]:
        try:
            async with self._db.transaction() as tx:
                answers = await inbox.answers(tx, [item.asked.id for item in items]) if remembered else {}
                fresh = {item.asked.id: item for item in items if item.asked.id not in answers}
                if fresh:
                    done = await _run(registered, tx, [item.asked for item in fresh.values()])
                    crash.point("answer.handled")
                    late = {id_ for id_, item in fresh.items() if item.until_s < time.time()}
                    if late:
                        raise _TooLate(late)
                    if remembered:
                        await inbox.remember(tx, {id_: done[id_] for id_ in done if done[id_][:6] == b'{"ok":'})
                    answers |= done
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "inbox_pkey":
                raise
            # Another copy did one of them meanwhile: it is known now.
            return await self._command(registered, items, remembered=remembered)
        crash.point("answer.committed")
        return answers


async def _run(registered: Registered, tx: Tx, asked: Sequence[Asked[Any]]) -> dict[UUID, bytes]:
    answers = await registered.handle(tx, asked)
    assert len(answers) == len(asked), "a handler answers each item, in order"
    return {one.id: _refused(a) if isinstance(a, Refusal) else _ok(a) for one, a in zip(asked, answers, strict=True)}


def _ok(answer: Contract | bytes) -> bytes:
    return b'{"ok":' + (answer if isinstance(answer, bytes) else answer.model_dump_json().encode()) + b"}"


def _refused(refusal: Refusal) -> bytes:
    later = {"retry_after_s": refusal.retry_after_s} if refusal.retry_after_s else {}
    return orjson.dumps({"refused": refusal.code, "detail": refusal.detail} | later)


def _first(error: ValidationError) -> str:
    """The first thing wrong, without the value: it may be a text or a password."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
