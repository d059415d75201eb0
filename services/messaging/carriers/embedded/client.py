"""The embedded carrier's client: texts out over one session, and what comes back, handed to messaging.

Owns the session, its reconnecting, the window and what waits for an answer. Never writes a part a second time, and never
calls refused what it has written: without an answer that is Unknown.
See services/simulator/protocol.md.
"""

import asyncio
import contextlib
import itertools
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from libs.common import crash
from services.messaging.carriers.carrier import (
    Answer,
    Arrivals,
    Arrived,
    Capabilities,
    LateAnswer,
    Part,
    Receipt,
    Refusal,
    Refused,
    Taken,
    Unknown,
)
from services.messaging.carriers.embedded import wire
from services.messaging.carriers.embedded.handover import Handover
from services.messaging.carriers.embedded.session import CLOSED, HELLO_LIMIT_S, Session

log = structlog.get_logger()

WINDOW = 2_000  # a fifth of a second at 10,000 a second, and the most that one lost connection leaves in doubt
ANSWER_LIMIT_S = 10.0
HAND_OVER_LIMIT_S = 10.0  # at `close`, for what has come and is not stored; after it, it will come again
LATE_MAX = 10_000  # parts whose late answer is still awaited; a receipt settles the others
BIND_INTERVAL_S = 1.0  # between two attempts, at least
BIND_INTERVAL_S_MAX = 2.0  # the far side is our own, next door: it is there again as soon as it has started
CAPABILITIES = Capabilities()
NOT_CONNECTED = Refused(Refusal.NOT_CONNECTED, retry_after_s=BIND_INTERVAL_S)
TOO_LATE = Refused(Refusal.TOO_LATE, retry_after_s=0.0)
TOO_LONG = Refused(Refusal.BAD_TEXT)


@dataclass(slots=True)
class Written:
    """Parts written in one frame, with seqs counting from `first_seq`, until each has its answer."""

    first_seq: int
    parts: Sequence[Part]
    answers: list[Answer | None]
    left: int
    done: asyncio.Future[None]
    limit: asyncio.TimerHandle | None = None
    abandoned: bool = False  # its caller was cancelled: answers go the way of late ones

    def settle(self, seq: int, answer: Answer) -> None:
        self.answers[seq - self.first_seq] = answer
        self.left -= 1
        if self.left == 0:
            self.finish()

    def finish(self) -> None:
        if self.limit is not None:
            self.limit.cancel()
        if not self.done.done():
            self.done.set_result(None)


class EmbeddedCarrier:
    name = "embedded"

    def __init__(
        self,
        host: str,
        port: int,
        bind: str,
        epoch: int,
        window: int = WINDOW,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        """`bind` names this process among its copies; `epoch` must grow each time a process of that name starts."""
        self.window = window
        self.silence_limit_s = math.inf  # until a session has said
        self._address = (host, port)
        self._bind, self._epoch = bind, epoch
        self._answer_limit_s = answer_limit_s
        self._seqs = itertools.count(1)
        self._session: Session | None = None
        self._open: dict[int, Written] = {}
        self._late: dict[int, UUID] = {}
        self._freed = asyncio.Event()
        self._closing = asyncio.Event()
        self._listening = False
        self._over = asyncio.Event()
        self._receipts: Handover[Receipt] = Handover("receipts")
        self._texts: Handover[Arrived] = Handover("texts")
        self._late_answers: Handover[LateAnswer] = Handover("late answers")

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def trouble(self) -> str:
        return "" if self.connected else "no session with the simulator"

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        raise NotImplementedError("the embedded carrier cannot be asked")

    @property
    def connected(self) -> bool:
        return self._session is not None and not self._session.ended.done() and not self._closing.is_set()

    # -- texts out -----------------------------------------------------------------------------------------------

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        """See carrier.py. Waits for room in the window; frames go out as room comes, answers return together."""
        written: list[Written] = []
        position = 0
        unwritten: Refused | None = None
        try:
            while position < len(parts) and unwritten is None:
                room = await self._room(write_by)
                if self._session is None or not self.connected:
                    unwritten = NOT_CONNECTED
                elif room == 0 or time.monotonic() >= write_by:
                    unwritten = TOO_LATE
                else:
                    chunk = parts[position : position + min(room, wire.ITEMS_PER_FRAME_MAX)]
                    written.append(self._write(self._session, chunk))
                    position += len(chunk)
            for each in written:
                await each.done
        except asyncio.CancelledError:
            for each in written:
                each.abandoned = True
            raise
        answers = [answer for each in written for answer in each.answers if answer is not None]
        assert len(answers) == position, "a frame was done before each of its parts had an answer"
        return answers + [unwritten or NOT_CONNECTED] * (len(parts) - position)

    async def _room(self, write_by: float) -> int:
        """How many parts may be written now. Waits for one place at least, but not beyond `write_by`."""
        limit_s = None if math.isinf(write_by) else write_by - time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.connected and len(self._open) >= self.window:
                    self._freed.clear()
                    await self._freed.wait()
        return max(0, self.window - len(self._open))

    def _write(self, session: Session, parts: Sequence[Part]) -> Written:
        loop = asyncio.get_running_loop()
        seqs = [next(self._seqs) for _ in parts]
        answers: list[Answer | None] = [None if _fits(part) else TOO_LONG for part in parts]
        asked = [(seq, part) for seq, part in zip(seqs, parts, strict=True) if _fits(part)]
        written = Written(seqs[0], parts, answers, len(asked), loop.create_future())
        if not asked:
            written.finish()
            return written
        session.send("submit", [wire.submit_item(seq, part) for seq, part in asked])
        crash.point("submit.written")
        self._open.update((seq, written) for seq, _ in asked)
        written.limit = loop.call_later(self._answer_limit_s, self._no_answer, written)
        return written

    def _answered(self, seq: int, answer: Taken | Refused) -> None:
        written = self._open.pop(seq, None)
        if written is None:
            text_id = self._late.pop(seq, None)
            if text_id is not None:
                self._late_answers.put([LateAnswer(text_id, answer)])
            return
        if written.abandoned:
            self._late_answers.put([LateAnswer(written.parts[seq - written.first_seq].text_id, answer)])
        written.settle(seq, answer)

    def _no_answer(self, written: Written) -> None:
        """The time limit passed. Each part without an answer is Unknown; should one come yet, it is a late answer."""
        for index, part in enumerate(written.parts):
            seq = written.first_seq + index
            if self._open.pop(seq, None) is not None:
                self._late[seq] = part.text_id
                written.settle(seq, Unknown(f"no answer within {self._answer_limit_s:g} s"))
        while len(self._late) > LATE_MAX:
            del self._late[next(iter(self._late))]
        self._freed.set()

    def _lose(self, why: str) -> None:
        """The session is over: what was written and not answered stays unknown for ever, as far as answers go."""
        lost, self._open = self._open, {}
        self._late.clear()
        for seq, written in lost.items():
            written.settle(seq, Unknown(why))
        self._freed.set()

    # -- the session ---------------------------------------------------------------------------------------------

    async def listen(self, arrivals: Arrivals) -> None:
        """See carrier.py. Nothing can be submitted unless this runs: it is what connects."""
        self._listening = True
        try:
            async with asyncio.TaskGroup() as connecting:
                connecting.create_task(self._stay_connected())
                async with asyncio.TaskGroup() as handing_over:
                    handing_over.create_task(self._receipts.run(arrivals.receipts))
                    handing_over.create_task(self._texts.run(arrivals.texts))
                    handing_over.create_task(self._late_answers.run(arrivals.late_answers))
                if self._session is not None:
                    self._session.end(CLOSED)  # only now: all that came is stored and acknowledged
        finally:
            self._over.set()

    async def _stay_connected(self) -> None:
        """One attempt a second at most, rarer and jittered while they fail."""
        failures = 0
        while not self._closing.is_set():
            begun = time.monotonic()
            bound, why = await self._one_session()
            failures = 0 if bound else failures + 1
            pause_s = min(BIND_INTERVAL_S_MAX, BIND_INTERVAL_S * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311
            pause_s = max(pause_s if failures else 0.0, begun + BIND_INTERVAL_S - time.monotonic())
            if not self._closing.is_set():
                log.warning("carrier session over", carrier=self.name, bind=self._bind, why=why, again_in_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause_s)

    async def _one_session(self) -> tuple[bool, str]:
        """From connect to the end. Answers whether it was bound, and why it ended."""
        session = Session(self._bind, self._epoch, self._receive)
        try:
            async with asyncio.timeout(HELLO_LIMIT_S):
                await asyncio.get_running_loop().create_connection(lambda: session, *self._address)
                first: list[asyncio.Future[Any]] = [session.welcome, session.ended]
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, TimeoutError) as error:
            session.end("no welcome")
            return False, f"not connected: {type(error).__name__}"
        if not session.welcome.done():
            return False, session.ended.result()
        if self._closing.is_set():
            session.end(CLOSED)
            return True, CLOSED
        self.silence_limit_s = session.welcome.result()
        self._session = session
        log.info("carrier session bound", carrier=self.name, bind=self._bind, epoch=self._epoch)
        try:
            await asyncio.wait({session.ended})
        finally:
            session.end("no longer listening")
            self._session = None
            self._lose(session.ended.result())
        return True, session.ended.result()

    def _receive(self, session: Session, kind: str, value: Any) -> None:
        match kind:
            case "answers":
                for seq, answer in wire.answers(value):
                    self._answered(seq, answer)
                self._freed.set()
            case "receipts":
                number, receipts = wire.receipts(value)
                self._receipts.put(receipts, session, number)
            case "texts":
                number, texts = wire.texts(value)
                self._texts.put(texts, session, number)
            case _:
                raise wire.BadFrame(f"{kind[:20]!r} is not a kind of frame")

    async def close(self) -> None:
        """See carrier.py. Ends within the answer's time limit, and the time `arrivals` needs for what has come."""
        self._closing.set()
        self._freed.set()
        if due := {written.done for written in self._open.values()}:
            await asyncio.wait(due)  # each has its time limit
        for handover in (self._receipts, self._texts, self._late_answers):
            handover.stop()
        if self._listening:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), HAND_OVER_LIMIT_S)
        if self._session is not None:
            self._session.end(CLOSED)


def _fits(part: Part) -> bool:
    return len(part.body) <= wire.TEXT_CHARACTERS_MAX
