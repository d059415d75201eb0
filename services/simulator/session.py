"""Carrier sessions: one TCP connection of a client, from hello to the last acknowledgement.

Owns binding (one session a bind name, epochs never backwards), signs of life and the closing of silent sessions.
Decides nothing about texts: `network` does.
See protocol.md, section 2.
"""

import asyncio
import itertools
import time
from typing import Any, cast

import structlog

from services.simulator.network import Network
from services.simulator.wire import BadFrame, Frames, encode

log = structlog.get_logger()

PINGS_PER_SILENCE_LIMIT = 3
BIND_CHARACTERS_MAX = 64
SILENT = "silent"


class Binds:
    """Who is bound now, and the highest epoch each bind name has shown."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.silent_closed = 0
        self._epochs: dict[str, int] = {}

    def bind(self, name: str, epoch: int, session: "Session") -> bool:
        """False when a later self of this client has been here: this one is fenced off."""
        if epoch < self._epochs.get(name, epoch):
            return False
        self._epochs[name] = epoch
        older = self.sessions.get(name)
        if older is not None:
            older.close("bound again")
        self.sessions[name] = session
        return True

    def unbind(self, name: str, session: "Session") -> None:
        if self.sessions.get(name) is session:
            del self.sessions[name]


class Session(asyncio.Protocol):
    def __init__(self, network: Network, binds: Binds, silence_limit_s: float) -> None:
        self._network = network
        self._binds = binds
        self._silence_limit_s = silence_limit_s
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._pings = itertools.count(1)
        self._bind: str | None = None
        self._closed = False
        self.writable = True
        self.epoch = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so
        self._transport = transport
        self._heard_at = time.monotonic()
        self._life = self._loop.call_later(self._silence_limit_s / PINGS_PER_SILENCE_LIMIT, self._show_life)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close("connection lost")

    def close(self, why: str) -> None:
        """Nothing that comes after this is read. What was written before still goes out, unless nobody is there."""
        if self._closed:
            return
        self._closed = True
        self.writable = False
        self._life.cancel()
        if why == SILENT:
            self._transport.abort()
        else:
            self._transport.close()
        if self._bind is not None:
            self._binds.unbind(self._bind, self)
            self._network.receipts.lost(self, self._loop.time())
            self._network.texts.lost(self, self._loop.time())
        log.info("session closed", bind=self._bind, epoch=self.epoch, why=why)

    def pause_writing(self) -> None:
        """The client does not read: nothing more is read from it, so that answers cannot pile up."""
        self.writable = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        if not self._closed:
            self.writable = True
            self._transport.resume_reading()
            self._network.receipts.pump(self._loop.time())
            self._network.texts.pump(self._loop.time())

    def send(self, kind: str, value: Any) -> None:
        if not self._closed:
            self._transport.write(encode(kind, value))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if now - self._heard_at >= self._silence_limit_s:  # we were stopped, not the client: the promise is the same
            self._binds.silent_closed += 1
            self.close(SILENT)
            return
        self._heard_at = now
        try:
            for kind, value in self._frames.feed(data):
                if self._closed:
                    return
                self._receive(kind, value)
        except BadFrame as error:
            log.warning("bad frame", bind=self._bind, why=str(error))
            self.close("bad frame")
        except OSError as error:  # the log cannot be written: what it does not have must not be answered
            log.error("log not written", bind=self._bind, why=str(error))
            self.close("log not written")

    def _receive(self, kind: str, value: Any) -> None:
        match kind, value:
            case "submit", _ if self._bind is not None:
                self._submit(self._bind, value)
            case "ack", int(number) if self._bind is not None:
                now = self._loop.time()
                self._network.receipts.ack(self, number, now)
                self._network.texts.ack(self, number, now)
            case "ping", int():
                pass
            case "hello", {"bind": str(name), "epoch": int(epoch)} if self._bind is None:
                self._hello(name, epoch)
            case _:
                raise BadFrame(f"{kind[:20]!r} does not fit here")

    def _hello(self, name: str, epoch: int) -> None:
        if not 0 < len(name) <= BIND_CHARACTERS_MAX:
            raise BadFrame("a bind has a name of 1 to 64 characters")
        if not self._binds.bind(name, epoch, self):
            self.send("refused", "fenced")
            self.close("fenced")
            return
        self._bind, self.epoch = name, epoch
        log.info("session bound", bind=name, epoch=epoch)
        self.send("welcome", {"silence_limit_s": self._silence_limit_s})
        self._network.receipts.bound(self, self._loop.time())
        self._network.texts.bound(self, self._loop.time())

    def _submit(self, bind: str, items: Any) -> None:
        done = self._network.submit(self, bind, items)
        if done.answers:
            self.send("answers", done.answers)
        for delay_s, answer in done.delayed:
            self._loop.call_later(delay_s, self.send, "answers", [answer])
        if done.hang_up:
            self.close("fault: disconnect")

    def _show_life(self) -> None:
        if time.monotonic() - self._heard_at >= self._silence_limit_s:
            self._binds.silent_closed += 1
            self.close(SILENT)
            return
        self.send("ping", next(self._pings))
        self._life = self._loop.call_later(self._silence_limit_s / PINGS_PER_SILENCE_LIMIT, self._show_life)
