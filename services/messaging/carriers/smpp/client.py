"""The SMPP client: texts out over one bind, and what comes back, handed to messaging.

Owns the window, the rate, what waits for an answer, and reconnecting. Never writes a part a second time, and never calls refused what it has
written: without an answer that is Unknown. One client is one bind: one connection as transceiver, or two that live and die together.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from libs.common import crash, gsm
from libs.common.clock import now as clock_now
from libs.common.smpp import SEQUENCE_MAX, BadPdu, Body, Command, QuerySm, QuerySmResp, Sm, Status, describe, nack, pdu
from services.messaging.carriers.carrier import (
    Answer,
    Arrivals,
    Arrived,
    Capabilities,
    LateAnswer,
    Part,
    Place,
    Receipt,
    Refusal,
    Refused,
    Taken,
    Unknown,
)
from services.messaging.carriers.smpp import codes, incoming, outgoing
from services.messaging.carriers.smpp.connect import connect, new_sessions
from services.messaging.carriers.smpp.handover import Handover
from services.messaging.carriers.smpp.meter import Meter
from services.messaging.carriers.smpp.session import CLOSED, LEASE_OVER, Life, Session
from services.messaging.carriers.smpp.settings import SmppSettings

log = structlog.get_logger()

PARTS_PER_WRITE_MAX = 32
QUERIES_AT_ONCE = 10
UNBIND_LIMIT_S = 2.0
HAND_OVER_LIMIT_S = 10.0  # at `close`, for what has come and is not stored; after it, it will come again
LATE_MAX = 10_000  # parts whose late answer is still awaited; a receipt settles the others
BIND_INTERVAL_S = 1.0  # between two attempts, at least
BIND_INTERVAL_S_MAX = 10.0
WRONG_ACCOUNT_INTERVAL_S_MAX = 60.0
NOT_CONNECTED = Refused(Refusal.NOT_CONNECTED, retry_after_s=BIND_INTERVAL_S)
TOO_LATE = Refused(Refusal.TOO_LATE, retry_after_s=0.0)


@dataclass(slots=True)
class Written:
    """Parts written together, with sequence numbers counting from `first`, until each has its answer."""

    first: int
    parts: Sequence[Part]
    at: float
    answers: list[Answer | None]
    left: int
    done: asyncio.Future[None]
    limit: asyncio.TimerHandle | None = None
    abandoned: bool = False  # its caller was cancelled: answers go the way of late ones

    def settle(self, sequence: int, answer: Answer) -> None:
        self.answers[sequence - self.first] = answer
        self.left -= 1
        if self.left == 0:
            self.finish()

    def finish(self) -> None:
        if self.limit is not None:
            self.limit.cancel()
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class Turn:
    """What one write may carry."""

    session: Session | None  # None: there is none
    parts: int = 0  # at least one, where there is a session
    segments: int = 0


class SmppCarrier:
    def __init__(self, settings: SmppSettings, place: Place) -> None:
        self.name = place.name
        self.window = settings.window
        self.silence_limit_s = settings.silence_limit_s
        self._settings, self._place = settings, place
        self._life = Life(settings.enquire_link_s, settings.silence_limit_s, place.may_write_until)
        self._meter = Meter(settings.parts_per_s / settings.binds if settings.parts_per_s else None)
        self._sequence = 0
        self._sessions: tuple[Session, ...] = ()  # as bound; the first one is written to
        self._open: dict[int, Written] = {}
        self._queries: dict[int, asyncio.Future[QuerySmResp | None]] = {}
        self._late: dict[int, Part] = {}
        self._turn = asyncio.Lock()  # callers take turns by writes: a code does not wait behind a campaign's claim
        self._freed = asyncio.Event()
        self._closing = asyncio.Event()
        self._trouble = "not connected yet"
        self._listening = False
        self._over = asyncio.Event()
        self._receipts: Handover[Receipt] = Handover("receipts")
        self._texts: Handover[Arrived] = Handover("texts")
        self._late_answers: Handover[LateAnswer] = Handover("late answers")
        self._capabilities = Capabilities(
            takes_whole=settings.long == "payload",
            header_octets=7 if settings.long == "udh16" else 6,
            alphanumeric_senders=settings.alphanumeric_senders,
            own_reference=False,
            query=settings.query,
            parts_per_s=settings.parts_per_s,
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def connected(self) -> bool:
        return self._session() is not None

    @property
    def trouble(self) -> str:
        return "" if self.connected else self._trouble

    def _session(self) -> Session | None:
        """The one to write to, where all that the bind needs are alive."""
        if self._closing.is_set() or not self._sessions or not all(session.alive for session in self._sessions):
            return None
        return self._sessions[0]

    def _sequences(self, count: int = 1) -> int:
        """The first of `count` that follow each other (5.1.4). They go on over sessions: an answer cannot meet a part of another one."""
        first = self._sequence + 1 if self._sequence + count <= SEQUENCE_MAX else 1
        self._sequence = first + count - 1
        return first

    # -- texts out -----------------------------------------------------------------------------------------------

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        """See carrier.py. Waits for the rate's consent and room in the window; answers return together."""
        written: list[Written] = []
        position = 0
        unwritten: Refused | None = None
        try:
            while position < len(parts) and unwritten is None:
                now_written = await self._write_next(parts[position : position + PARTS_PER_WRITE_MAX], write_by)
                if isinstance(now_written, Refused):
                    unwritten = now_written
                else:
                    written.append(now_written)
                    position += len(now_written.parts)
            for each in written:
                await each.done
        except asyncio.CancelledError:
            for each in written:
                each.abandoned = True
            raise
        answers = [answer for each in written for answer in each.answers if answer is not None]
        assert len(answers) == position, "a write was done before each of its parts had an answer"
        return answers + [unwritten or NOT_CONNECTED] * (len(parts) - position)

    async def _write_next(self, parts: Sequence[Part], write_by: float) -> Written | Refused:
        """As many of `parts` as may go now, when it is this caller's turn; or why nothing was written."""
        limit_s = None if math.isinf(write_by) else max(0.0, write_by - time.monotonic())
        try:
            async with asyncio.timeout(limit_s), self._turn:
                turn = await self._may_write()
                if turn.session is None:
                    return NOT_CONNECTED
                return self._write(turn.session, self._chunk(parts, turn), write_by)
        except TimeoutError:
            return TOO_LATE

    async def _may_write(self) -> Turn:
        """Waits for a place in the window, the rate's consent, and until nothing that was written waits in this process."""
        while (session := self._session()) is not None:
            now = time.monotonic()
            places = self.window - len(self._open) if session.writable else 0
            segments = self._meter.room(now)
            if places > 0 and segments > 0:
                return Turn(session, places, segments)
            self._freed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._meter.wait_s(now) if places > 0 else None):
                    await self._freed.wait()
        return Turn(None)

    def _chunk(self, parts: Sequence[Part], turn: Turn) -> Sequence[Part]:
        """The first one always: a whole long text may be more segments than there is room for, and the next one waits the longer."""
        taken = segments = 0
        for part in parts[: turn.parts]:
            segments += gsm.segments(part.body) if self._capabilities.takes_whole else 1
            if taken and segments > turn.segments:
                break
            taken += 1
        return parts[:taken]

    def _write(self, session: Session, parts: Sequence[Part], write_by: float) -> Written | Refused:
        first = self._sequences(len(parts))
        answers: list[Answer | None] = [None] * len(parts)
        octets: list[bytes] = []
        asked: list[int] = []
        segments = 0
        for index, part in enumerate(parts):
            body = outgoing.submit_sm(part, self._settings)
            if isinstance(body, Refused):
                answers[index] = body
                continue
            octets.append(pdu(Command.SUBMIT_SM, first + index, body))
            asked.append(first + index)
            segments += gsm.segments(part.body) if self._capabilities.takes_whole else 1
        loop = asyncio.get_running_loop()
        written = Written(first, parts, time.monotonic(), answers, len(asked), loop.create_future())
        if not asked:
            written.finish()
            return written
        if not session.write(b"".join(octets), write_by):
            return TOO_LATE if session.alive else NOT_CONNECTED
        crash.point("submit.written")
        self._meter.took(written.at, segments)
        self._open.update(dict.fromkeys(asked, written))
        written.limit = loop.call_later(self._settings.answer_limit_s, self._no_answer, written)
        return written

    def _answered(self, session: Session, sequence: int, status: int, message_id: str) -> None:
        written = self._open.pop(sequence, None)
        part = written.parts[sequence - written.first] if written is not None else self._late.pop(sequence, None)
        if part is None:
            return  # of nobody: a wrong sequence number, or an answer that came twice
        answer = self._answer(part, status, message_id)
        if status in codes.SLOW_DOWN and written is not None:
            self._slow_down(written.at, status)
        if (written is None or written.abandoned) and not isinstance(answer, Unknown):
            self._late_answers.put(LateAnswer(part.text_id, answer, part.part, part.parts))
        if written is not None:
            written.settle(sequence, answer)
            self._freed.set()
        if status == codes.UNBOUND:
            session.end(f"the far side says we are not bound: {describe(status)}")

    def _answer(self, part: Part, status: int, message_id: str) -> Answer:
        if status != Status.ESME_ROK:
            return codes.refused(status)
        # Taken without an id: no receipt will ever name it, and it must not be taken for another one that has none.
        return Taken(incoming.reference(message_id, self._settings) or f"{part.text_id}/{part.part}")

    def _slow_down(self, written_at: float, status: int) -> None:
        if self._meter.slow_down(time.monotonic(), written_at):
            log.warning("carrier slowed us down", carrier=self.name, why=describe(status), pace=round(self._meter.pace))

    def _no_answer(self, written: Written) -> None:
        """The time limit passed. Each part without an answer is Unknown; should one come yet, it is a late answer."""
        for index, part in enumerate(written.parts):
            sequence = written.first + index
            if self._open.pop(sequence, None) is not None:
                self._late[sequence] = part
                written.settle(sequence, Unknown(f"no answer within {self._settings.answer_limit_s:g} s"))
        while len(self._late) > LATE_MAX:
            del self._late[next(iter(self._late))]
        self._freed.set()

    def _lose(self, why: str) -> None:
        """The session is over: what was written and not answered stays unknown for ever, as far as answers go."""
        lost, self._open = self._open, {}
        self._late.clear()
        for sequence, written in lost.items():
            written.settle(sequence, Unknown(why))
        for asked in self._queries.values():
            if not asked.done():
                asked.set_result(None)
        self._freed.set()

    # -- what became of a part -----------------------------------------------------------------------------------

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        """See carrier.py."""
        receipts: list[Receipt | None] = []
        for at in range(0, len(references), QUERIES_AT_ONCE):
            asked = references[at : at + QUERIES_AT_ONCE]
            receipts += await asyncio.gather(*(self._query(reference, sender) for reference, sender in asked))
        return receipts

    async def _query(self, reference: str, sender: str) -> Receipt | None:
        session = self._session()
        if session is None:
            return None
        sequence = self._sequences()
        asked = self._queries[sequence] = asyncio.get_running_loop().create_future()
        try:
            query = QuerySm(reference, *outgoing.address(sender, self._settings))
            if not session.write(pdu(Command.QUERY_SM, sequence, query.encode())):
                return None
            async with asyncio.timeout(self._settings.answer_limit_s):
                answer = await asked
        except (TimeoutError, BadPdu):  # BadPdu: an id or a sender that no query_sm can name
            return None
        finally:
            del self._queries[sequence]
        return None if answer is None else incoming.queried(reference, answer, self._settings, clock_now())

    # -- what comes in -------------------------------------------------------------------------------------------

    def _receive(self, session: Session, command: int, status: int, sequence: int, value: Body) -> None:
        match value:
            case str() if command == Command.SUBMIT_SM_RESP:
                self._answered(session, sequence, status, value)
            case Sm() if command in (Command.DELIVER_SM, Command.DATA_SM):
                came = incoming.read(value, self._settings, clock_now())
                if isinstance(came, Receipt):
                    self._receipts.put(came, (session, command, sequence))
                else:
                    self._texts.put(came, (session, command, sequence))
            case QuerySmResp() if asked := self._queries.get(sequence):
                if not asked.done():
                    asked.set_result(value if status == Status.ESME_ROK else None)
            case None if command == Command.GENERIC_NACK:
                if asked := self._queries.get(sequence):
                    if not asked.done():
                        asked.set_result(None)
                else:
                    self._answered(session, sequence, status or Status.ESME_RUNKNOWNERR, "")
            case _:
                session.write(nack(command, sequence, Status.ESME_RINVBNDSTS))  # b"" to an answer that is of nobody

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
                for session in self._sessions:  # only now: all that came is stored and acknowledged
                    await session.unbind(UNBIND_LIMIT_S)
        finally:
            self._over.set()

    async def _stay_connected(self) -> None:
        """One attempt a second at most, rarer and jittered while they fail."""
        failures = 0
        while not self._closing.is_set():
            begun = time.monotonic()
            bound, why, wrong_account = await self._one_bind()
            failures = 0 if bound else failures + 1
            longest_s = WRONG_ACCOUNT_INTERVAL_S_MAX if wrong_account else BIND_INTERVAL_S_MAX
            pause_s = min(longest_s, BIND_INTERVAL_S * 2 ** min(failures, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
            pause_s = max(pause_s if failures else 0.0, begun + BIND_INTERVAL_S - time.monotonic())
            if not self._closing.is_set():
                log.warning("carrier session over", carrier=self.name, why=why, again_in_s=round(pause_s, 1))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause_s)

    async def _one_bind(self) -> tuple[bool, str, bool]:
        """From connect to the end of all its sessions. Answers whether it was bound, why it ended, and whether the account was refused."""
        if time.monotonic() >= self._place.may_write_until():
            self._trouble = LEASE_OVER
            return False, LEASE_OVER, False
        self._sessions = sessions = new_sessions(
            self._settings, self._life, self._sequences, self._receive, self._freed.set
        )
        try:
            self._trouble = await connect(self._settings, sessions)
            if self._trouble or self._closing.is_set():
                return False, self._trouble, any(session.wrong_account for session in sessions)
            log.info("carrier session bound", carrier=self.name, process=self._place.process, epoch=self._place.epoch)
            await asyncio.wait([session.ended for session in sessions], return_when=asyncio.FIRST_COMPLETED)
            self._trouble = next(session.ended.result() for session in sessions if session.ended.done())
            return True, self._trouble, False
        finally:
            for session in sessions:  # two live and die together
                await session.unbind(UNBIND_LIMIT_S)
            self._sessions = ()
            self._lose(self._trouble)

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
        for session in self._sessions:
            session.end(CLOSED)
