"""Sessions of SMPP 3.4, the network as SMSC: one TCP connection of a client, from bind to unbind.

Owns binding, signs of life, the order of answers, and which deliver_sm wait for theirs. Decides nothing about texts:
`network` does; and reads none: smpp_texts.py does. See protocol.md, section 8.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import structlog

from libs.common.smpp import (
    RESPONSE,
    SEQUENCE_MAX,
    BadFrame,
    BadPdu,
    Bind,
    BindResp,
    Command,
    Frames,
    QuerySm,
    QuerySmResp,
    Sm,
    Status,
    Tag,
    absolute_time,
    decode,
    nack,
    pdu,
    submit_sm_resp,
)
from services.simulator.accounts import Account, Accounts
from services.simulator.faults import Kind
from services.simulator.handsets import sealed_at
from services.simulator.network import Answer, Network, Receipt, Text
from services.simulator.rules import Submit
from services.simulator.smpp_texts import (
    MAP_ERRORS,
    STATES,
    as_id,
    number_of,
    receipt_sm,
    status_of,
    submit_of,
    text_sms,
)

log = structlog.get_logger()

SIGNS_PER_SILENCE_LIMIT = 3
SILENT = "silent"
VERSION_3_4 = b"\x34"
PLACE_BITS = 32  # of a message id: the text's place in the log; above it, which start of the network it was
OVERSIZE_OCTETS = 0x7FFFFFFF
BINDS = {
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
    Command.BIND_TRANSCEIVER: "transceiver",
}


class SmppSession(asyncio.Protocol):
    batch_items_max = 1  # one deliver_sm is one batch, and its sequence number the batch's

    def __init__(self, network: Network, accounts: Accounts, silence_limit_s: float) -> None:
        self._network = network
        self._accounts = accounts
        self._silence_limit_s = silence_limit_s
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._closed = False
        self._answering = True
        self._settings: Account | None = None  # as they were at the bind
        self._submits: list[Submit] = []
        self._acked: list[int] = []
        self._parts: dict[int, int] = {}  # sequence number of a part -> its text's batch
        self._parts_left: dict[int, dict[int, bytes]] = {}  # batch of a long text -> its parts without an answer
        self.unacked_batches_max = 0
        self.system_id = ""
        self.account = ""
        self.bound_as = ""
        self.writable = True

    # -- the connection ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so
        self._transport = transport
        self._heard_at = time.monotonic()
        self._life = self._loop.call_later(self._silence_limit_s / SIGNS_PER_SILENCE_LIMIT, self._show_life)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close("connection lost")

    def close(self, why: str) -> None:
        """Nothing that comes after this is read. What was written before still goes out, unless nobody is there."""
        if why == SILENT:
            self._transport.abort()
        else:
            self._transport.close()
        self._leave(why)

    def fall_silent(self) -> None:
        """Half-open: the socket stays, and nothing more comes of it or is read."""
        self._leave("half-open")

    def shut_down(self, why: str) -> None:
        """The network's own unbind; its answer is not waited for."""
        self._send(pdu(Command.UNBIND, self._next_sequence()))
        self.close(why)

    def _leave(self, why: str) -> None:
        if self._closed:
            return
        self._closed = True
        self.writable = False
        self._life.cancel()
        if self._settings is not None:
            self._accounts.unbound(self)
            self._network.receipts.lost(self, self._loop.time())
            self._network.texts.lost(self, self._loop.time())
        log.info("smpp session closed", system_id=self.system_id, bound_as=self.bound_as, why=why)

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

    def _send(self, octets: bytes) -> None:
        if not self._closed:
            self._transport.write(octets)

    def _next_sequence(self) -> int:
        return next(self._network.batch_numbers) & SEQUENCE_MAX

    def _show_life(self) -> None:
        if time.monotonic() - self._heard_at >= self._silence_limit_s:
            self.close(SILENT)
            return
        self._send(pdu(Command.ENQUIRE_LINK, self._next_sequence()))
        self._life = self._loop.call_later(self._silence_limit_s / SIGNS_PER_SILENCE_LIMIT, self._show_life)

    # -- what comes ----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        self._heard_at = time.monotonic()
        try:
            for command, status, sequence, body in self._frames.feed(data):
                if command == Command.SUBMIT_SM and self.bound_as in ("transceiver", "transmitter"):
                    self._take(sequence, body)
                elif command == Command.DELIVER_SM_RESP:
                    if status == Status.ESME_ROK:
                        self._acked.append(sequence)
                else:
                    self._settle()  # first what came before it
                    self._receive(command, sequence, body)
                if self._closed:
                    return
            self._settle()
        except BadFrame as error:
            self._settle()
            log.warning("bad frame", system_id=self.system_id, why=str(error))
            self._send(pdu(Command.GENERIC_NACK, 0, status=Status.ESME_RINVCMDLEN))
            self.close("bad frame")
        except OSError as error:  # the log cannot be written: what it does not have must not be answered
            log.error("log not written", system_id=self.system_id, why=str(error))
            self.close("log not written")

    def _take(self, sequence: int, body: bytes) -> None:
        try:
            self._submits.append(submit_of(sequence, Sm.decode(body)))
        except BadPdu as bad:
            self._send(nack(Command.SUBMIT_SM, sequence, bad.status))

    def _settle(self) -> None:
        """What came since the last time, together: one write to the log, one to the socket."""
        if self._submits:
            submits, self._submits = self._submits, []
            self._submit(submits)
        if self._acked:
            acked, self._acked = self._acked, []
            if self._parts:
                acked = [batch for sequence in acked if (batch := self._batch_of(sequence)) is not None]
            now = self._loop.time()
            self._network.receipts.ack(self, acked, now)
            self._network.texts.ack(self, acked, now)

    def _batch_of(self, sequence: int) -> int | None:
        """None where other parts of the same text are still without an answer."""
        batch = self._parts.pop(sequence, None)
        if batch is None:
            return sequence
        left = self._parts_left[batch]
        left.pop(sequence, None)
        if left:
            return None
        del self._parts_left[batch]
        return batch

    def _receive(self, command: int, sequence: int, body: bytes) -> None:
        try:
            match decode(command, body):
                case Bind() as bind if not self.bound_as:
                    self._bind(Command(command), sequence, bind)
                case QuerySm() as asked if self._settings is not None and self.bound_as != "receiver":
                    self._send(self._queried(asked, sequence, self._settings))
                case None if command == Command.ENQUIRE_LINK:
                    self._send(pdu(Command.ENQUIRE_LINK_RESP, sequence))
                case None if command == Command.UNBIND:
                    self._send(pdu(Command.UNBIND_RESP, sequence))
                    self.close("unbound")
                case Bind():
                    self._send(pdu(command | RESPONSE, sequence, status=Status.ESME_RALYBND))
                case _ if command == Command.SUBMIT_SM or command == Command.QUERY_SM:
                    self._send(pdu(command | RESPONSE, sequence, status=Status.ESME_RINVBNDSTS))
                case _:
                    self._send(nack(command, sequence, Status.ESME_RINVCMDID))
        except BadPdu as bad:
            self._send(nack(command, sequence, bad.status))

    def _bind(self, command: Command, sequence: int, bind: Bind) -> None:
        account = self._accounts.of(bind.system_id)
        refused = None
        if not 0 < len(bind.system_id) <= 15:
            refused = Status.ESME_RINVSYSID
        elif not self._accounts.admits(account, bind.password):
            refused = Status.ESME_RINVPASWD
        elif not self._accounts.has_room(account):
            refused = Status.ESME_RALYBND
        if refused is not None:
            self._send(pdu(command | RESPONSE, sequence, status=refused))
            log.info("smpp bind refused", system_id=bind.system_id, status=refused.name)
            return
        self._settings, self.unacked_batches_max = account, account.window
        self.system_id, self.account, self.bound_as = bind.system_id, f"smpp:{bind.system_id}", BINDS[command]
        self._accounts.bound(self)
        log.info("smpp session bound", system_id=self.system_id, bound_as=self.bound_as)
        body = BindResp("heliograph", {Tag.SC_INTERFACE_VERSION: VERSION_3_4}).encode()
        self._send(pdu(command | RESPONSE, sequence, body))
        for answer in self._accounts.late_answers.pop(self.system_id, ()):
            self._send(answer)
        if self.bound_as != "transmitter":
            self._network.receipts.bound(self, self._loop.time())
            self._network.texts.bound(self, self._loop.time())

    def _queried(self, asked: QuerySm, sequence: int, account: Account) -> bytes:
        number = number_of(asked.message_id, account.ids)
        entry = self._network.entry(number & ((1 << PLACE_BITS) - 1)) if number is not None else None
        if entry is None or (entry["ref"], entry["account"]) != (asked.message_id, self.account):
            return pdu(Command.QUERY_SM_RESP, sequence, status=Status.ESME_RQUERYFAIL)
        at, error = sealed_at(entry), MAP_ERRORS.get(entry.get("error", ""), 0)
        done = QuerySmResp(asked.message_id, message_state=STATES["accepted"])
        if at <= time.time():
            done = QuerySmResp(
                asked.message_id, absolute_time(datetime.fromtimestamp(at, UTC)), STATES[entry["receipt"]], error
            )
        return pdu(Command.QUERY_SM_RESP, sequence, done.encode())

    # -- texts out -----------------------------------------------------------------------------------------------

    def _submit(self, submits: list[Submit]) -> None:
        done = self._network.submit(self, self.system_id, submits, self._reference, self._answering)
        self._send(b"".join(map(_answer, done.answers)))
        for delay_s, answer in done.delayed:
            self._loop.call_later(delay_s, self._send, _answer(answer))
        for kind, delay_s, answer in done.odd:
            self._misbehave(kind, delay_s, answer)
        if done.hang_up:
            self.close("fault: disconnect")

    def _reference(self, n: int) -> str:
        assert self._settings is not None
        return as_id(self._network.boot << PLACE_BITS | n, self._settings.ids)

    def _misbehave(self, kind: Kind, delay_s: float, answer: Answer) -> None:
        """Commits a fault in place of the answer or beside it."""
        sequence = int(answer[0])
        match kind:
            case Kind.DISCONNECT_FULL_WINDOW:
                self._answering = False
                self._loop.call_later(delay_s, self.close, "fault: disconnect in a full window")
            case Kind.ANSWER_AFTER_DISCONNECT:
                self._accounts.late_answers.setdefault(self.system_id, []).append(_answer(answer))
                self.close("fault: disconnect before the answer")
            case Kind.HALF_OPEN:
                self.fall_silent()
            case Kind.GARBAGE:
                self._send(b"\xff" + random.Random(sequence).randbytes(63))  # noqa: S311 - the same each time
            case Kind.OVERSIZE:
                self._send(OVERSIZE_OCTETS.to_bytes(4, "big") + _answer(answer)[4:] + bytes(1_000))
            case Kind.WRONG_SEQUENCE:
                self._send(_answer([sequence ^ 0x40000000, *answer[1:]]))
            case Kind.UNKNOWN_COMMAND:
                self._send(pdu(0x0000DEAD, self._next_sequence(), b"surprise") + _answer(answer))
            case Kind.MALFORMED:
                self._send(pdu(Command.DELIVER_SM, self._next_sequence(), b"no text") + _answer(answer))
            case Kind.EMPTY_ID:
                self._send(submit_sm_resp(sequence, ""))

    # -- receipts and texts in -----------------------------------------------------------------------------------

    def deliver(self, kind: str, number: int, items: Sequence[Any]) -> None:
        assert self._settings is not None
        for item in items:
            if isinstance(item, Receipt):
                self._send(pdu(Command.DELIVER_SM, number, receipt_sm(item, self._settings)))
            else:
                self._deliver_text(number, item, self._settings)

    def _deliver_text(self, number: int, text: Text, account: Account) -> None:
        """A long one goes in parts, each with a sequence number of its own; again only those without an answer."""
        left = self._parts_left.get(number)
        if left is None:
            bodies = text_sms(text, account, number)
            if len(bodies) == 1:
                self._send(pdu(Command.DELIVER_SM, number, bodies[0]))
                return
            left = {self._next_sequence(): body for body in self._disordered(bodies, text)}
            self._parts_left[number] = left
            self._parts |= dict.fromkeys(left, number)
        for sequence, body in left.items():
            self._send(pdu(Command.DELIVER_SM, sequence, body))

    def _disordered(self, bodies: list[bytes], text: Text) -> list[bytes]:
        """The parts as faults would have them."""
        faults = self._network.faults
        if missing := faults.fires(Kind.PART_MISSING, text.sender, self.account):
            del bodies[missing.seed % len(bodies)]
        if twice := faults.fires(Kind.PART_TWICE, text.sender, self.account):
            bodies.append(bodies[twice.seed % len(bodies)])
        if shuffled := faults.fires(Kind.PARTS_SHUFFLED, text.sender, self.account):
            random.Random(shuffled.seed).shuffle(bodies)  # noqa: S311 - a dice that can be thrown again, not a secret
        return bodies


def _answer(answer: Answer) -> bytes:
    sequence, outcome, said, *_ = answer
    if outcome == "taken":
        return submit_sm_resp(sequence, said)
    if said == "generic_nack":
        return pdu(Command.GENERIC_NACK, sequence, status=status_of(said))
    return submit_sm_resp(sequence, "", status_of(said))
