"""Sessions of the embedded carrier: one TCP connection of a client, from hello to the last acknowledgement.

Owns binding (one session a bind name, epochs never backwards), signs of life and the closing of silent sessions.
Decides nothing about texts: `network` does.
See protocol.md, section 2.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any, cast

import structlog

from services.simulator.faults import Kind
from services.simulator.network import EMBEDDED, Answer, Network
from services.simulator.rules import OWN_REF_CHARACTERS_MAX, Submit
from services.simulator.wire import FRAME_BYTES_MAX, ITEMS_PER_FRAME_MAX, LENGTH_BYTES, BadFrame, Frames, encode

log = structlog.get_logger()

PINGS_PER_SILENCE_LIMIT = 3
BIND_CHARACTERS_MAX = 64
SILENT = "silent"


class Binds:
    """Who is bound now, and the highest epoch each bind name has shown."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.silent_closed = 0
        self.late_answers: dict[str, list[Answer]] = {}  # of a bind's last session, for its next one
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
    account = EMBEDDED
    batch_items_max = ITEMS_PER_FRAME_MAX
    unacked_batches_max = 16

    def __init__(self, network: Network, binds: Binds, silence_limit_s: float) -> None:
        self._network = network
        self._binds = binds
        self._silence_limit_s = silence_limit_s
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._pings = itertools.count(1)
        self._bind: str | None = None
        self._closed = False
        self._answering = True
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
        if why == SILENT:
            self._transport.abort()
        else:
            self._transport.close()
        self._leave(why)

    def _leave(self, why: str) -> None:
        if self._closed:
            return
        self._closed = True
        self.writable = False
        self._life.cancel()
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

    def deliver(self, kind: str, number: int, items: Sequence[Any]) -> None:
        if kind == "receipts":
            rows = [[each.ref, each.status, each.at, each.error, each.own_ref] for each in items]
        else:
            rows = [[each.id, each.sender, each.to, each.text, each.at] for each in items]
        self.send(kind, {"batch": number, "items": rows})

    def fall_silent(self) -> None:
        """Half-open: the socket stays, and nothing more comes of it or is read."""
        self._leave("half-open")

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
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
                self._network.receipts.ack(self, [number], now)
                self._network.texts.ack(self, [number], now)
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
        if late := self._binds.late_answers.pop(name, None):
            self.send("answers", late)
        self._network.receipts.bound(self, self._loop.time())
        self._network.texts.bound(self, self._loop.time())

    def _submit(self, bind: str, items: Any) -> None:
        if not isinstance(items, list) or len(items) > ITEMS_PER_FRAME_MAX:
            raise BadFrame(f"submit takes a list of at most {ITEMS_PER_FRAME_MAX}")
        submits = [_submit_of(item) for item in items]
        done = self._network.submit(self, bind, submits, self._reference, self._answering)
        if done.answers:
            self.send("answers", done.answers)
        for delay_s, answer in done.delayed:
            self._loop.call_later(delay_s, self.send, "answers", [answer])
        for kind, delay_s, answer in done.odd:
            self._misbehave(bind, kind, delay_s, answer)
        if done.hang_up:
            self.close("fault: disconnect")

    def _reference(self, n: int) -> str:
        return f"{self._network.boot:08x}-{n}"

    def _misbehave(self, bind: str, kind: Kind, delay_s: float, answer: Answer) -> None:
        """Commits a fault in place of the answer or beside it."""
        seq, _, reference = answer
        match kind:
            case Kind.DISCONNECT_FULL_WINDOW:
                self._answering = False
                self._loop.call_later(delay_s, self.close, "fault: disconnect in a full window")
            case Kind.ANSWER_AFTER_DISCONNECT:
                self._binds.late_answers.setdefault(bind, []).append(answer)
                self.close("fault: disconnect before the answer")
            case Kind.HALF_OPEN:
                self.fall_silent()
            case Kind.GARBAGE:
                self._transport.write(b"\x00\x00\x00\x10 this is no JSON")
            case Kind.OVERSIZE:
                self._transport.write((FRAME_BYTES_MAX + 1).to_bytes(LENGTH_BYTES, "big") + bytes(1_000))
            case Kind.WRONG_SEQUENCE:
                self.send("answers", [[seq + (1 << 40), "taken", reference]])
            case Kind.UNKNOWN_COMMAND:
                self.send("surprise", seq)
                self.send("answers", [answer])
            case Kind.MALFORMED:
                self.send("receipts", "not a batch")
                self.send("answers", [answer])
            case Kind.EMPTY_ID:
                self.send("answers", [[seq, "taken", ""]])

    def _show_life(self) -> None:
        if time.monotonic() - self._heard_at >= self._silence_limit_s:
            self._binds.silent_closed += 1
            self.close(SILENT)
            return
        self.send("ping", next(self._pings))
        self._life = self._loop.call_later(self._silence_limit_s / PINGS_PER_SILENCE_LIMIT, self._show_life)


def _submit_of(item: Any) -> Submit:
    match item:
        case [int(seq), str(sender), str(number), str(text), int(validity_s), str(own_ref)] if (
            0 < len(own_ref) <= OWN_REF_CHARACTERS_MAX
        ):
            return Submit(seq, sender, number, text, validity_s, own_ref)
    raise BadFrame("a submit is [seq, from, to, text, validity_s, own_ref]")
