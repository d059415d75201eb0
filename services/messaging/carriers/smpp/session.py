"""One SMPP session: a TCP or TLS connection from bind to unbind.

Owns the socket, the fence before each write and the signs of life in both directions. Answers what any session must answer (enquire_link, unbind,
what cannot be read); what concerns texts is handed to the client. Never writes anything once the bind's lease is over, not even an answer: then
another process has the bind, and the connection is cut.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import structlog

from libs.common.smpp import (
    RESPONSE,
    BadFrame,
    BadPdu,
    Bind,
    Body,
    Command,
    Frames,
    Status,
    decode,
    describe,
    nack,
    pdu,
)
from services.messaging.carriers.smpp import codes

log = structlog.get_logger()

CLOSED = "closed by us"
LEASE_OVER = "the lease of this bind is over"
LEASE_LOOK_S = 0.25  # so late at most is it noticed that the lease is over, where nothing is written


# Of a bound session: who got it, command, status, sequence number, and the body as it is read.
Receive: TypeAlias = Callable[["Session", int, int, int, Body], None]


@dataclass(slots=True)
class Life:
    """How a session shows that it lives, and when it is dead."""

    enquire_link_s: float
    silence_limit_s: float
    may_write_until: Callable[[], float]


class Session(asyncio.Protocol):
    """`bound` is done when texts may go; `ended` when nothing more can be written or read."""

    def __init__(
        self,
        command: Command,
        bind: Bind,
        life: Life,
        sequence: Callable[[], int],
        receive: Receive,
        writable: Callable[[], None],
    ) -> None:
        self._command, self._bind, self._life = command, bind, life
        self._sequence, self._receive, self._on_writable = sequence, receive, writable
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = self._asked_at = time.monotonic()
        self._unbinding: asyncio.Future[None] = self._loop.create_future()
        self.writable = True  # nothing that was written waits in this process
        self.wrong_account = False
        self.bound: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()

    @property
    def alive(self) -> bool:
        return self.bound.done() and not self.ended.done()

    # -- the socket --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.ended.done():
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=0)
        self._heard_at = self._asked_at = time.monotonic()
        self.write(pdu(self._command, self._sequence(), self._bind.encode()))
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("the far side closed the connection" if exc is None else f"connection lost: {exc}")

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._on_writable()

    def write(self, octets: bytes, write_by: float = math.inf) -> bool:
        """Whether it was written. The clock is read here, directly before the write."""
        if self._transport is None or self.ended.done():
            return False
        now = time.monotonic()
        if now >= self._life.may_write_until():
            self.end(LEASE_OVER)
            return False
        if now >= write_by:
            return False
        self._transport.write(octets)
        return True

    def end(self, why: str) -> None:
        """At once. What waits in this process to be written is dropped, except where we close after all was answered."""
        if self.ended.done():
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            if why == CLOSED:
                self._transport.close()
            else:
                self._transport.abort()
        self.ended.set_result(why)

    async def unbind(self, limit_s: float) -> None:
        """4.2: asks, waits a bounded time for the answer, closes."""
        if self.alive and self.write(pdu(Command.UNBIND, self._sequence())):
            first: list[asyncio.Future[Any]] = [self._unbinding, self.ended]
            await asyncio.wait(first, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        self.end(CLOSED)

    # -- what comes in -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        try:
            for command, status, sequence, body in self._frames.feed(data):
                if self.ended.done():
                    return
                self._take(command, status, sequence, body)
        except BadFrame as error:
            log.warning("carrier sent what is no SMPP", why=str(error))
            self.end(f"what came is no SMPP: {error}")

    def _take(self, command: int, status: int, sequence: int, body: bytes) -> None:
        try:
            value = decode(command, body)
        except BadPdu as bad:
            log.warning("carrier sent a PDU that cannot be read", command=hex(command), why=str(bad))
            if answer := nack(command, sequence, bad.status):
                self.write(answer)
            return
        if command == Command.ENQUIRE_LINK:
            self.write(pdu(Command.ENQUIRE_LINK_RESP, sequence))
        elif command == Command.UNBIND:
            self.write(pdu(Command.UNBIND_RESP, sequence))
            self.end("the far side unbound")
        elif command == Command.UNBIND_RESP:
            if not self._unbinding.done():
                self._unbinding.set_result(None)
        elif not self.bound.done():
            self._take_bind_answer(command, status, sequence)
        else:
            self._receive(self, command, status, sequence, value)

    def _take_bind_answer(self, command: int, status: int, sequence: int) -> None:
        if command == self._command | RESPONSE and status == Status.ESME_ROK:
            self.bound.set_result(None)
        elif command in (self._command | RESPONSE, Command.GENERIC_NACK):
            self.wrong_account = status in codes.WRONG_ACCOUNT
            self.end(f"bind refused: {describe(status)}")
        elif not command & RESPONSE:  # nothing may be asked of us yet
            self.write(nack(command, sequence, Status.ESME_RINVBNDSTS))

    # -- signs of life -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Asks for a sign of life in silence, and notices a far side that has stopped (its connection would stay open for hours) and a lease that is over."""
        now = time.monotonic()
        if now >= self._life.may_write_until():
            self.end(LEASE_OVER)
        elif now >= self._heard_at + self._life.silence_limit_s:
            self.end(f"nothing heard for {self._life.silence_limit_s:g} s")
        elif self.bound.done() and now >= max(self._heard_at, self._asked_at) + self._life.enquire_link_s:
            self._asked_at = now
            self.write(pdu(Command.ENQUIRE_LINK, self._sequence()))
        if not self.ended.done():
            self._timer = self._loop.call_later(LEASE_LOOK_S, self._look)
